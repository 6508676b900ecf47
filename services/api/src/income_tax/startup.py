"""The start of the service, and the reload of schedules; each failure has its exit code and its e-mail."""

import sys
from typing import NoReturn

from . import __version__, exit_codes
from .alerts.alert import Alert, Kind
from .alerts.dispatcher import Dispatcher
from .bootstrap import build_alerts, build_engine, build_log, build_services, build_snapshot
from .exit_codes import fail
from .http.app import create_app
from .server.gunicorn_app import GunicornServer, build_options
from .service_log import Log, LogFile, build_console_logger
from .settings import Settings
from .startup_checks import check_address_or_exit, check_threads_or_exit
from .storage.database import DatabaseError, wait_for_database
from .storage.schedule_snapshot import ScheduleSnapshot
from .storage.schedule_tables import fetch_schedules
from .storage.users import UsersError
from .tax.brackets import ScheduleError
from .tax.schedule_data import Data, Schedules, parse_schedules

SHORT_WAIT = 5.0  # seconds for the database when there is a snapshot of the schedules


def serve(settings: Settings, database: str) -> NoReturn:
    """Serve until a signal; exit 1 without a log, 2 without tax data, 64 for a wrong setting."""
    file = open_log_file_or_exit(settings)
    log = build_log(settings, file)
    alerts = build_alerts(settings, log)
    report_lost_lines(file, log, alerts)  # before the first line, which may be the first lost one
    log.info("server startup", place="main", version=__version__, database=database)
    schedules = read_schedules_or_exit(settings, database, log, alerts)
    try:
        services = build_services(settings, database, file, log, alerts, schedules)
    except (OSError, UsersError) as error:
        sentence = f"the users file cannot be used: {error}; write it with `income-tax users add LOGIN`"
        log.error("startup failed", place="main", reason=sentence)
        fail(sentence, exit_codes.USAGE)
    if settings.drill_route:
        log.warning("drill route is on: GET /drill fails on purpose", place="main", setting="DRILL_ROUTE")
    check_threads_or_exit(settings, log)
    check_address_or_exit(settings, log)
    GunicornServer(create_app(services), build_options(settings, services, database)).run()
    sys.exit(0)


def reload(settings: Settings, database: str, refused: str | None = None) -> None:
    """Reload the schedules in all processes of the host at once; or keep the old ones, exit 2 and send an alert.

    `refused` is the reason why the database did not accept the new schedules.
    """
    file = open_log_file_or_exit(settings)
    log = build_log(settings, file)
    alerts = build_alerts(settings, log)
    try:
        if refused:
            raise DatabaseError(refused)
        data, error = read_database(settings, database, build_snapshot(settings, database), SHORT_WAIT)
        if error:
            raise error
    except (DatabaseError, OSError) as error:
        sentence = f"the schedules are unchanged: {error}"
        log.error("reload failed", place="reload", reason=sentence)
        alert = Alert.for_service("reload", "The tax service did not reload its schedules.", sentence)
        report_and_wait(settings, alerts, alert)
        fail(sentence, exit_codes.DATABASE)
    alerts.resolve_at_once("reload")
    version = parse_schedules(data).version
    log.info("reload", place="reload", schedules=version)
    print(f"schedules {version} reloaded")


def open_log_file_or_exit(settings: Settings) -> LogFile:
    """Open the log file; or print, send an alert and exit 1."""
    try:
        return LogFile(settings.log_file)
    except OSError as error:
        sentence = f"the log file {settings.log_file} cannot be opened: {error.strerror}; make its folder writable"
        alerts = build_alerts(settings, build_console_logger("api"))
        summary = "The tax service could not start: it cannot open its log."
        report_and_wait(settings, alerts, Alert.for_service(get_start_kind(settings), summary, sentence, "log"))
        fail(sentence, exit_codes.LOG)


def report_lost_lines(file: LogFile, log: Log, alerts: Dispatcher) -> None:
    """Send an alert when log lines are being lost, and log their number when that ends."""

    def report_loss(reason: str) -> None:
        sentence = f"log lines are being lost: {file.path}: {reason}"
        alerts.send(Alert.for_service("log", "The tax service runs, but cannot write its log:", sentence))

    def report_number(lines: int) -> None:
        log.warning("log lines lost", place="log", lines=lines)
        alerts.resolve("log")

    file.on_loss, file.on_resume = report_loss, report_number


def read_schedules_or_exit(settings: Settings, database: str, log: Log, alerts: Dispatcher) -> Schedules:
    """Read the schedules from the database, or else from the snapshot; or log, print, send an alert and exit 2."""
    snapshot = build_snapshot(settings, database)
    wait = min(settings.db_wait, SHORT_WAIT) if snapshot.exists() else settings.db_wait
    try:
        data, error = read_database(settings, database, snapshot, wait)
    except DatabaseError as reason:
        sentence = f"no tax data from {database} within {wait:g} s: {reason}"
        return read_snapshot_or_exit(settings, snapshot, sentence, log, alerts)
    schedules = parse_schedules(data)
    if error:
        log.error("schedule snapshot not saved", place="main", reason=str(error))
    else:
        alerts.resolve("schedules")  # the file was just replaced by a valid one
    log.info("successful database connection", place="main", database=database, schedules=schedules.version)
    alerts.resolve("database")
    return schedules


def read_database(
    settings: Settings, database: str, snapshot: ScheduleSnapshot, wait: float
) -> tuple[Data, OSError | None]:
    """Read the database and save the snapshot; return the error that prevented the latter. Raises DatabaseError."""
    engine = build_engine(settings, database)
    return wait_for_database(lambda: snapshot.refresh(lambda: fetch_schedules(engine)), wait)


def read_snapshot_or_exit(
    settings: Settings, snapshot: ScheduleSnapshot, sentence: str, log: Log, alerts: Dispatcher
) -> Schedules:
    """Read the snapshot and send an alert about the database; or log, print, send an alert and exit 2."""
    try:
        schedules = snapshot.read()
    except (OSError, ScheduleError):
        log.error("startup failed", place="main", reason=sentence)
        summary = "The tax service could not start: it cannot read the tax data."
        report_and_wait(settings, alerts, Alert.for_service(get_start_kind(settings), summary, sentence, "database"))
        fail(sentence, exit_codes.DATABASE)
    log.error("database unavailable: schedule snapshot", place="main", reason=sentence, schedules=schedules.version)
    summary = "The tax service started from its schedule snapshot, without its database."
    alerts.send(Alert.for_service("database", summary, sentence))
    return schedules


def get_start_kind(settings: Settings) -> Kind:
    """Return the kind of a failed start."""
    return "drill" if settings.drill else "startup"


def report_and_wait(settings: Settings, alerts: Dispatcher, alert: Alert) -> None:
    """Spool the alert of a process that is about to end, and try to deliver it before it does."""
    alerts.send(alert)
    alerts.wait_until_idle(settings.mail.timeout + 1)  # longer than an attempt without an answer takes
    alerts.close(1)
