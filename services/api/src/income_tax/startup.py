"""Startup of the service.

If the startup fails, the process prints an error message and exits with an error code. After some failures, it
also sends an alert.
"""

import sys
from typing import NoReturn

from . import __version__, exit_codes
from .alerts.alert import Alert, Kind, Summary
from .alerts.alert_sender import AlertSender
from .bootstrap.alert_builders import build_alerts
from .bootstrap.service_builders import build_engine, build_log, build_services, build_snapshot
from .exit_codes import fail
from .http.app import create_app
from .server.gunicorn_app import GunicornServer, build_options
from .service_log import Log, LogFile, build_console_logger
from .settings import Settings
from .startup_checks import check_addresses_or_exit, check_threads_or_exit
from .storage.database_connection import DatabaseError, wait_for_database
from .storage.schedule_snapshot import ScheduleSnapshot
from .storage.schedule_tables import fetch_schedules
from .storage.users import UsersError
from .tax.brackets import ScheduleError
from .tax.schedule_parser import Data, Schedules, parse_schedules

SHORT_WAIT = 5.0  # seconds to wait for the database if a schedule snapshot exists
MAIL_WAIT = 30.0  # maximum seconds to wait for the mail server before the process ends; the mail stays in the spool


def serve(settings: Settings, database: str) -> NoReturn:
    """Serve requests until a stop signal arrives.

    Exit with code 1 if the log cannot be opened, 2 if no tax data can be read, or 64 if a setting or the users file is
    invalid.
    """
    file = open_log_file_or_exit(settings)
    log = build_log(settings, file)
    alerts = build_alerts(settings, log)
    report_lost_lines(file, log, alerts)  # before the first log line, because the disk might already be full
    log.info("server startup", place="main", version=__version__, database=database)
    schedules = read_schedules_or_exit(settings, database, log, alerts)
    try:
        services = build_services(settings, database, file, log, alerts, schedules)
    except (OSError, UsersError) as error:
        sentence = f"the users file cannot be used: {error}; run `income-tax users add LOGIN` to write the file"
        log.error("startup failed", place="main", reason=sentence)
        fail(sentence, exit_codes.USAGE)
    if settings.drill_route:
        log.warning("drill route is on: GET /drill fails on purpose", place="main", setting="DRILL_ROUTE")
    check_threads_or_exit(settings, log)
    check_addresses_or_exit(settings, log)
    GunicornServer(create_app(services), build_options(settings, services, database)).run()
    sys.exit(0)


def open_log_file_or_exit(settings: Settings) -> LogFile:
    """Open the log file. If the file cannot be opened, print the error, send an alert and exit with code 1."""
    try:
        return LogFile(settings.log_file)
    except OSError as error:
        sentence = f"the log file {settings.log_file} cannot be opened: {error.strerror}; make its folder writable"
        alerts = build_alerts(settings, build_console_logger("api"))
        report_and_wait(
            settings, alerts, Alert.for_service(get_start_kind(settings), Summary.LOG_NOT_OPENED, sentence, "log")
        )
        fail(sentence, exit_codes.LOG)


def report_lost_lines(file: LogFile, log: Log, alerts: AlertSender) -> None:
    """Set the callbacks of the log file.

    The first callback sends an alert when log lines are lost. The second callback logs the number of lost lines when
    the log can be written again.
    """

    def report_loss(reason: str) -> None:
        sentence = f"log lines are being lost: {file.path}: {reason}"
        alerts.send(Alert.for_service("log", Summary.LOG_NOT_WRITTEN, sentence))

    def report_number(lines: int) -> None:
        log.warning("log lines lost", place="log", lines=lines)
        alerts.resolve("log")

    file.on_loss, file.on_resume = report_loss, report_number


def read_schedules_or_exit(settings: Settings, database: str, log: Log, alerts: AlertSender) -> Schedules:
    """Read the schedules from the database.

    If the database returns no tax data, read the snapshot and send an alert. If the snapshot cannot be read either,
    exit with code 2.
    """
    snapshot = build_snapshot(settings, database)
    wait = min(settings.db_wait, SHORT_WAIT) if snapshot.exists() else settings.db_wait
    try:
        data, error = read_database(settings, database, snapshot, wait)
    except DatabaseError as reason:
        sentence = f"{database} returned no tax data within {wait:g} s: {reason}"
        return read_snapshot_or_exit(settings, snapshot, sentence, log, alerts)
    schedules = parse_schedules(data)
    if error:
        log.error("schedule snapshot not saved", place="main", reason=str(error))
    else:
        alerts.resolve("schedules")  # a valid snapshot was just saved
    log.info("successful database connection", place="main", database=database, schedules=schedules.version)
    alerts.resolve("database")
    return schedules


def read_database(
    settings: Settings, database: str, snapshot: ScheduleSnapshot, wait: float
) -> tuple[Data, OSError | None]:
    """Read the schedules from the database and save the snapshot.

    Return the data and None. If the snapshot could not be saved, return the error instead of None. Raises DatabaseError
    if the database returns no data within `wait` seconds.
    """
    engine = build_engine(settings, database)
    return wait_for_database(lambda: snapshot.refresh(lambda: fetch_schedules(engine)), wait)


def read_snapshot_or_exit(
    settings: Settings, snapshot: ScheduleSnapshot, sentence: str, log: Log, alerts: AlertSender
) -> Schedules:
    """Read the snapshot instead of the database. If that fails too, exit with code 2. Always send an alert."""
    try:
        schedules = snapshot.read()
    except (OSError, ScheduleError):
        log.error("startup failed", place="main", reason=sentence)
        alert = Alert.for_service(get_start_kind(settings), Summary.NO_TAX_DATA, sentence, "database")
        report_and_wait(settings, alerts, alert)
        fail(sentence, exit_codes.DATABASE)
    log.error("database unavailable: schedule snapshot", place="main", reason=sentence, schedules=schedules.version)
    alerts.send(Alert.for_service("database", Summary.STARTED_FROM_SNAPSHOT, sentence))
    return schedules


def get_start_kind(settings: Settings) -> Kind:
    """Return the kind of an alert about a failed start: `drill` if this start is a drill, or else `startup`."""
    return "drill" if settings.drill else "startup"


def report_and_wait(settings: Settings, alerts: AlertSender, alert: Alert) -> None:
    """Spool the alert, and try to deliver it before the process ends."""
    alerts.send(alert)
    alerts.wait_until_idle(min(settings.mail.timeout + 1, MAIL_WAIT))
    alerts.close(1)
