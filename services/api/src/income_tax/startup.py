"""The start: open the log, read the tax data, then serve; each failure has its exit code and its e-mail."""

import sys
from typing import NoReturn

from . import __version__, exit_codes
from .alerts.alert import Alert, Kind
from .alerts.dispatcher import Dispatcher
from .bootstrap import build_alerts, build_engine, build_last_good, build_log, build_services
from .exit_codes import fail
from .http.app import create_app
from .server.gunicorn_app import Server, options
from .service_log import Log, LogFile, console_log
from .settings import Settings
from .startup_checks import check_address_or_exit, check_threads_or_exit
from .storage.database import DatabaseError, retry
from .storage.schedule_snapshot import LastGood
from .storage.schedule_tables import fetch
from .storage.users import UsersError
from .tax.brackets import ScheduleError
from .tax.schedule_data import Data, Schedules, parse

SHORT_WAIT = 5.0  # seconds for the database, when there are last good schedules to go on with


def serve(settings: Settings, database: str) -> NoReturn:
    """Serve until told to stop; exit 1 without a log, 2 without tax data, 64 when a setting cannot be used."""
    file = open_log_file_or_exit(settings)
    log = build_log(settings, file)
    alerts = build_alerts(settings, log)
    watch_log_file(file, log, alerts)  # before the first line, which may be the first that is lost
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
    Server(create_app(services), options(settings, services, database)).run()
    sys.exit(0)


def reload(settings: Settings, database: str, refused: str | None = None) -> None:
    """Take new schedules in, in all processes of the host at once; or keep the old ones, exit 2 and an alert.

    `refused` is why the database was not given them.
    """
    file = open_log_file_or_exit(settings)
    log = build_log(settings, file)
    alerts = build_alerts(settings, log)
    try:
        if refused:
            raise DatabaseError(refused)
        data, trouble = read_database(settings, database, build_last_good(settings, database), SHORT_WAIT)
        if trouble:
            raise trouble
    except (DatabaseError, OSError) as error:
        sentence = f"the schedules are as before: {error}"
        log.error("reload failed", place="reload", reason=sentence)
        alert = Alert.of_service("reload", "The tax service did not take in new schedules.", sentence)
        tell(settings, alerts, alert)
        fail(sentence, exit_codes.DATABASE)
    alerts.resolve_at_once("reload")
    version = parse(data).version
    log.info("reload", place="reload", schedules=version)
    print(f"schedules {version} taken in")


def open_log_file_or_exit(settings: Settings) -> LogFile:
    """The log file; without one: console, e-mail, exit 1."""
    try:
        return LogFile(settings.log_file)
    except OSError as error:
        sentence = f"the log file {settings.log_file} cannot be opened: {error.strerror}; make its folder writable"
        alerts = build_alerts(settings, console_log("api"))
        summary = "The tax service could not start: it cannot open its log."
        tell(settings, alerts, Alert.of_service(start_kind(settings), summary, sentence, "log"))
        fail(sentence, exit_codes.LOG)


def watch_log_file(file: LogFile, log: Log, alerts: Dispatcher) -> None:
    """Tell the administrator when log lines are being lost, and the log how many were when that is over."""

    def lost(reason: str) -> None:
        sentence = f"log lines are being lost: {file.path}: {reason}"
        alerts.send(Alert.of_service("log", "The tax service goes on, but cannot write its log:", sentence))

    def resumed(lines: int) -> None:
        log.warning("log lines lost", place="log", lines=lines)
        alerts.resolve("log")

    file.on_loss, file.on_resume = lost, resumed


def read_schedules_or_exit(settings: Settings, database: str, log: Log, alerts: Dispatcher) -> Schedules:
    """The tax data of the database, or the last good one; without either: console, log, e-mail, exit 2."""
    last_good = build_last_good(settings, database)
    wait = min(settings.db_wait, SHORT_WAIT) if last_good.exists() else settings.db_wait
    try:
        data, trouble = read_database(settings, database, last_good, wait)
    except DatabaseError as error:
        sentence = f"no tax data from {database} within {wait:g} s: {error}"
        return last_good_or_exit(settings, last_good, sentence, log, alerts)
    schedules = parse(data)
    if trouble:
        log.error("last good schedules cannot be kept", place="main", reason=str(trouble))
    else:
        alerts.resolve("schedules")  # the file is good now, whatever it was
    log.info("successful database connection", place="main", database=database, schedules=schedules.version)
    alerts.resolve("database")
    return schedules


def read_database(settings: Settings, database: str, last_good: LastGood, wait: float) -> tuple[Data, OSError | None]:
    """The tax data of the database, kept as the last good one; or why it is not kept. Raises DatabaseError."""
    return retry(lambda: last_good.renew(lambda: fetch(build_engine(settings, database))), wait)


def last_good_or_exit(
    settings: Settings, last_good: LastGood, sentence: str, log: Log, alerts: Dispatcher
) -> Schedules:
    """The last good schedules, with an alert that says so; without them: console, log, e-mail, exit 2."""
    try:
        schedules = last_good.read()
    except (OSError, ScheduleError):
        log.error("startup failed", place="main", reason=sentence)
        summary = "The tax service could not start: it cannot read the tax data."
        tell(settings, alerts, Alert.of_service(start_kind(settings), summary, sentence, "database"))
        fail(sentence, exit_codes.DATABASE)
    log.error("database unavailable: last good schedules", place="main", reason=sentence, schedules=schedules.version)
    summary = "The tax service started with the last good tax data, without its database."
    alerts.send(Alert.of_service("database", summary, sentence))
    return schedules


def start_kind(settings: Settings) -> Kind:
    """What a start that fails is."""
    return "drill" if settings.drill else "startup"


def tell(settings: Settings, alerts: Dispatcher, alert: Alert) -> None:
    """Keep the alert of a process that is about to end, and try to mail it before it does."""
    alerts.send(alert)
    alerts.settle(settings.mail.timeout + 1)  # longer than an attempt that gets no answer takes
    alerts.close(1)
