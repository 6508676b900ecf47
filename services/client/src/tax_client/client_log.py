"""The client's log: its sentences, and the file its lines go to."""

from tax_common.logs import Log, LogFile, build_logger, shorten

__all__ = ["SENTENCES", "Log", "LogFile", "log_on", "shorten"]

# The reference's sentences, for the text form; an event that has none is written as its name and its fields.
SENTENCES = {
    "run_start": "start of the run: {file}, from line {line} on",
    "thread_start": "start of thread [{thread}] with {taxpayers} taxpayer(s)",
    "calculation_start": "start of the calculation of tax for {taxpayer}",
    "raw_answer": "raw answer: {status} {body}",
    "calculation_end": "end of the calculation of tax: {result}",
    "batch_start": "start of the calculation of tax for {taxpayers} taxpayer(s), [{first}] to [{last}]",
    "batch_too_large": "the server does not take {taxpayers} taxpayer(s) at once: half of them are sent",
    "batch_end": "end of the calculation of tax: {calculated} calculated, {failed} failed",
    "retry": "the request is sent again in {seconds} second(s): {reason}",
    "calculation_failure": "failure of the calculation of tax for {taxpayer}: {reason}",
    "thread_end": "end of thread [{thread}]",
    "run_end": "end of the run: {calculated} calculated, {failed} failed, {bad_lines} bad line(s)",
    "flood_start": "start of the flood: {requests} request(s), {threads} connection(s), {processes} process(es)",
    "answer": "answer: {status} in {ms} ms, {outcome}",
    "flood_end": "end of the flood: {sent} sent, {right} right, {wrong} wrong, {failed} failed, {unanswered} left",
}


def log_on(file: LogFile, form: str = "json", level: str = "info", mask: bool = False) -> Log:
    """A logger whose lines lie in a file, as JSON lines or in the reference's text form."""
    return build_logger("client", file.write, SENTENCES, form=form, level=level, mask=mask)
