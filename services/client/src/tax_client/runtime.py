"""What every command needs before it sends anything: its log, and the access to the API."""

from pathlib import Path

from .api.client import TaxApi
from .api.credentials import read_credentials
from .client_log import Log, LogFile, log_on
from .errors import unreadable
from .settings import Settings

LOG_REMEDY = "give a place that can be written with --log-file or LOG_FILE"


def opened_log_file(settings: Settings) -> LogFile:
    """The file of the client's log. Raises UserError when it cannot be opened."""
    try:
        return LogFile(settings.log_file)
    except OSError as error:
        raise unreadable("log file", settings.log_file, error, LOG_REMEDY) from None


def lost_lines(path: Path, count: int) -> str:
    """What is said of lines that a log file lacks; JSON can have it, whatever the name of the file."""
    name = str(path).encode(errors="backslashreplace").decode()
    return f"log file [{name}]: {count} line(s) of this run could not be written: {LOG_REMEDY}"


def log_of(file: LogFile, settings: Settings) -> Log:
    """The client's log on its file."""
    return log_on(file, settings.log_format, settings.log_level, settings.mask_amounts == "on")


def connect(settings: Settings, log: Log) -> TaxApi:
    """The access to the API; nothing is sent yet. Raises UserError when there are no credentials."""
    return TaxApi(settings.url, read_credentials(settings.credentials_file), settings.timeout, settings.ca_file, log)
