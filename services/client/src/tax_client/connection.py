"""What every command needs before it sends anything: its log, and the access to the API."""

from tax_client.api import TaxApi
from tax_client.credentials import read_credentials
from tax_client.errors import unreadable
from tax_client.logs import Log, LogFile, log_on
from tax_client.settings import Settings

LOG_REMEDY = "give a place that can be written with --log-file or LOG_FILE"


def opened_log_file(settings: Settings) -> LogFile:
    """The file of the client's log. Raises UserError when it cannot be opened."""
    try:
        return LogFile(settings.log_file)
    except OSError as error:
        raise unreadable("log file", settings.log_file, error, LOG_REMEDY) from None


def log_of(file: LogFile, settings: Settings) -> Log:
    """The client's log on its file."""
    return log_on(file, settings.log_format, settings.log_level, settings.mask_amounts == "on")


def opened_log(settings: Settings) -> Log:
    """The client's log. Raises UserError when its file cannot be opened."""
    return log_of(opened_log_file(settings), settings)


def connect(settings: Settings, log: Log) -> TaxApi:
    """The access to the API; nothing is sent yet. Raises UserError when there are no credentials."""
    return TaxApi(settings.url, read_credentials(settings.credentials_file), settings.timeout, settings.ca_file, log)
