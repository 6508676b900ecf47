"""The text of an alert: the summary, the response and the facts that lead an operator to the cause."""

import json
import shlex

from income_tax import __version__
from tax_common.text_formatting import format_fields

from .alert import Alert
from .alert_kinds import Severity, describe_kind
from .deployment import Deployment

VALUE_LIMIT = 2000  # maximum number of characters of each value in a mail


def format_alert(alert: Alert, deployment: Deployment, severity: Severity) -> str:
    """Format the alert. Each fact is one line, even if its value contains line breaks."""
    facts = {
        "severity": severity,
        "time": alert.time.isoformat(timespec="microseconds"),
        "host": deployment.host,
        "replica": alert.host,
        "process": str(alert.pid),
        "version": __version__,
        "log file": deployment.log_file,
        **alert.details,
    }
    if alert.request_id:
        facts["request id"] = alert.request_id
        facts |= build_commands(alert.request_id, deployment.log_file)
    if deployment.status_page:
        facts["status page"] = deployment.status_page
    facts["runbook"] = describe_kind(alert.kind).runbook
    answer = json.dumps(alert.answer, ensure_ascii=False, indent=2)
    return f"{alert.summary}\n\n{answer}\n\n" + format_fields(facts, VALUE_LIMIT)


def build_commands(request_id: str, log_file: str) -> dict[str, str]:
    """Build the commands that find the log lines of a request, on any machine and in the stack."""
    # -- allows an id that begins with a dash. -F matches the dots of an id literally. With *, grep also reads the
    # archives of the log.
    grep = shlex.join(["grep", "-F", "--", request_id, log_file]) + "*"
    return {"find the log lines": grep, "or in the stack": shlex.join(["make", "logs", f"ID={request_id}"])}
