"""The client's log file and logger, and the message templates of the text log."""

from pathlib import Path

from tax_common.logs import Log, LogFile, LogFormat, build_logger

from .settings import Settings
from .user_errors import build_file_error

LOG_REMEDY = "use --log-file or LOG_FILE to name a writable file"

# The message templates of the text log. If an event has no template, the text log shows the event's name and fields.
SENTENCES = {
    "run_start": "start of the run: {file}, from line {line} on",
    "thread_start": "start of thread [{thread}] with {taxpayers} taxpayer(s)",
    "calculation_start": "start of the calculation of tax for {taxpayer}",
    "raw_answer": "raw answer: {status} {body}",
    "calculation_end": "end of the calculation of tax: {result}",
    "batch_start": "start of the calculation of tax for {taxpayers} taxpayer(s), from id [{first}] to id [{last}]",
    "batch_too_large": (
        "the server rejected a request for {taxpayers} taxpayer(s) as too large: the client will send half as many"
    ),
    "batch_end": "end of the calculation of tax: {calculated} calculated, {failed} failed",
    "retry": "the client will send the request again in {seconds} second(s): {reason}",
    "calculation_failure": "failure of the calculation of tax for {taxpayer}: {reason}",
    "thread_end": "end of thread [{thread}]",
    "run_end": "end of the run: {calculated} calculated, {failed} failed, {bad_lines} bad line(s)",
    "flood_start": "start of the flood: {requests} request(s), {threads} connection(s), {processes} process(es)",
    "answer": "answer: {status} in {ms} ms, {outcome}",
    "flood_end": (
        "end of the flood: {sent} sent, {right} right, {wrong} wrong, {failed} failed, {unanswered} unanswered"
    ),
}


def open_log_file(settings: Settings) -> LogFile:
    """Open the client's log file. Raises UserError if this fails."""
    try:
        return LogFile(settings.log_file)
    except OSError as error:
        raise build_file_error("log file", settings.log_file, error, LOG_REMEDY) from None


def build_log(file: LogFile, settings: Settings) -> Log:
    """Build a command's logger, which writes to the log file."""
    return build_logger(file.write, build_format(settings))


def build_format(settings: Settings) -> LogFormat:
    """Build the format of the client's log lines."""
    return LogFormat("client", SENTENCES, settings.log_format, settings.log_level, settings.mask_amounts == "on")


def describe_lost_lines(path: Path, count: int) -> str:
    """Return a message about lines that are missing from a log file. In the path, escape bytes that are not UTF-8."""
    name = str(path).encode(errors="backslashreplace").decode()
    return f"log file [{name}]: {count} line(s) of this run could not be written: {LOG_REMEDY}"
