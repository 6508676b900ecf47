"""The reload saves the database's schedules in the snapshot. All processes of the host then read the snapshot."""

from . import exit_codes
from .alerts.alert import Alert, Summary
from .bootstrap import build_alerts, build_log, build_snapshot
from .exit_codes import fail
from .settings import Settings
from .startup import SHORT_WAIT, open_log_file_or_exit, read_database, report_and_wait
from .storage.database_connection import DatabaseError
from .tax.schedule_parser import parse_schedules


def reload(settings: Settings, database: str, refused: str | None = None) -> None:
    """Reload the schedules in all processes of the host.

    After an error, keep the old schedules, send an alert and exit. The exit code is 1 if the log cannot be opened, or
    else 2. `refused` is the reason why the database did not accept new schedules. If `refused` is set,
    report this reason as the error and do not read the database.
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
        alert = Alert.for_service("reload", Summary.RELOAD_FAILED, sentence)
        report_and_wait(settings, alerts, alert)
        fail(sentence, exit_codes.DATABASE)
    alerts.resolve_at_once("reload")
    version = parse_schedules(data).version
    log.info("reload", place="reload", schedules=version)
    print(f"schedules {version} reloaded")
