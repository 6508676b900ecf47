"""The reload saves the database's schedules in the snapshot. All processes of the host then read the snapshot."""

from . import exit_codes
from .alerts.alert import Alert, Summary
from .bootstrap.alert_builders import build_alerts
from .bootstrap.service_builders import build_log, build_snapshot
from .exit_codes import fail
from .settings import Settings
from .startup import SHORT_WAIT, open_log_file_or_exit, read_database, report_and_wait
from .storage.database_connection import DatabaseError
from .storage.schedule_snapshot import ScheduleSnapshot
from .tax.brackets import ScheduleError
from .tax.schedule_parser import parse_schedules


def reload(settings: Settings, database: str, refused: str | None = None) -> None:
    """Reload the schedules in all processes of the host.

    After an error, send an alert and exit. The exit code is 1 if the log cannot be opened, or else 2. If `refused` is
    set, it is the reason why new schedules could not be written to the database. Even then, reload the schedules,
    because the database can contain other schedules: a failure after the commit does not undo it.
    """
    file = open_log_file_or_exit(settings)
    log = build_log(settings, file)
    alerts = build_alerts(settings, log)
    snapshot = build_snapshot(settings, database)
    former = read_version(snapshot)
    sentence = None
    try:
        data, error = read_database(settings, database, snapshot, SHORT_WAIT)
        if error:
            raise error
        version = parse_schedules(data).version
        if refused:
            sentence = describe_refusal(refused, former, version)
    except (DatabaseError, OSError) as error:
        also = f"{refused}; " if refused else ""
        sentence = f"the schedules are unchanged in all replicas: {also}the reload failed: {error}"
    if sentence:
        log.error("reload failed", place="reload", reason=sentence)
        alert = Alert.for_service("reload", Summary.RELOAD_FAILED, sentence)
        report_and_wait(settings, alerts, alert)
        fail(sentence, exit_codes.DATABASE)
    alerts.resolve_at_once("reload")
    log.info("reload", place="reload", schedules=version)
    print(f"schedules {version} reloaded")


def read_version(snapshot: ScheduleSnapshot) -> str | None:
    """Return the version of the snapshot, or None if the snapshot cannot be read."""
    try:
        return snapshot.read().version
    except (OSError, ScheduleError):
        return None


def describe_refusal(reason: str, former: str | None, version: str) -> str:
    """Return the sentence about a failed load, given the versions before and after the reload."""
    if version == former:
        return f"the schedules are unchanged: {reason}"
    return f"{reason}; the database contains the schedules {version}, and all replicas use them now"
