"""MASK_AMOUNTS masks every amount of a request in any spelling, and leaves other texts unchanged."""

import json
import sys
import unicodedata
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
from flask import Flask, Response, request

from income_tax.alerts.alert import Alert
from income_tax.alerts.alert_kinds import Severity
from income_tax.alerts.alert_sender import AlertSender
from income_tax.alerts.alert_text import format_alert
from income_tax.http import error_handlers
from income_tax.http.middleware import request_log
from income_tax.http.middleware.request_lines import RequestLog
from income_tax.service_log import build_logger, build_request_logger, mask_amounts
from tests.support.fakes import DEPLOYMENT, Lines

SCRIPTS = [zero for zero in map(chr, range(sys.maxunicode + 1)) if unicodedata.decimal(zero, None) == 0]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": quote,
    "percent-encoded in small letters": lambda text: quote(text).lower(),
    "escaped in JSON": json.dumps,
    "escaped in JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "escaped in Python": ascii,
    "bytes in Python": lambda text: repr(text.encode()),
    "read as Latin-1": lambda text: text.encode().decode("latin-1"),
    "read as Latin-1, in Python": lambda text: repr(text.encode().decode("latin-1")),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_digits_of_every_script_are_masked(spell: Callable[[str], str]) -> None:
    """In any script and encoding, two texts that differ only in their amounts are equal after the masking."""
    assert {"0", "٠", "०", "０", "𝟎"} <= {*SCRIPTS}
    for zero in SCRIPTS:
        amounts = [chr(ord(zero) + n) + zero for n in range(10)]
        assert 1 == len({mask_amounts(spell(f"salary={amount}.")) for amount in amounts}), unicodedata.name(zero)


@pytest.mark.parametrize("numeral", ["²", "½", "Ⅻ", "①", "六", "፲"])
def test_numerals_are_masked(numeral: str) -> None:
    """Numeric characters that are not digits are masked too."""
    assert "salaire=* €, marié" == mask_amounts(f"salaire={numeral} €, marié")


def test_a_control_character_is_not_a_numeral() -> None:
    """DEL, the last ASCII character, is not masked next to a non-ASCII letter."""
    assert "é\x7f" == mask_amounts("é\x7f")


def test_an_amount_is_one_star() -> None:
    """An amount with its cents becomes one star, and the letters and signs around the amount stay unchanged."""
    assert "/?mari*=oui&salaire=*" == mask_amounts("/?mari%C3%A9=oui&salaire=61000.50")
    assert '{"tax":*,"rate":*}' == mask_amounts('{"tax":42842,"rate":0.41}')


def test_ids_are_not_masked() -> None:
    """The request id of a response and the id of a taxpayer are not masked."""
    for wrong in ("61000", "６１０００", "marié: 6"):
        quoted = mask_amounts(f'{{"errors":["{wrong}"],"request_id":"a.1-2_3b"}}')
        assert '"request_id":"a.1-2_3b"}' == quoted.rpartition(",")[2]
    assert {"id": 17, "children": "*", "salary": "*"} == mask_amounts({"id": 17, "children": 2, "salary": 61000})


def record_of(place: str, request_id: str | None = None) -> dict[str, Any]:
    """Log an exception, and return the masked record."""
    lines = Lines()
    log = build_logger("api", lines.write, mask=True).bind(place=place)
    try:
        raise ConnectionRefusedError(111, "127.0.0.1:61000")
    except OSError as error:
        log.exception("it failed", reason=str(error), **({"request_id": request_id} if request_id else {}))
    record: dict[str, Any] = json.loads(lines.written[0])
    return record


@pytest.mark.parametrize("place", ["alerts", "database", "log", "main", "reload", "schedules", "throttle", "users"])
def test_errors_outside_requests_are_not_masked(place: str) -> None:
    """Error messages outside requests keep their ports and codes."""
    record = record_of(place)
    assert "[Errno 111] 127.0.0.1:61000" == record["reason"]
    assert record["exception"].endswith("ConnectionRefusedError: [Errno 111] 127.0.0.1:61000")


@pytest.mark.parametrize(("place", "request_id"), [("main", "abc12345"), ("index", None), ("gunicorn.error", None)])
def test_errors_of_requests_are_masked(place: str, request_id: str | None) -> None:
    """The numbers of an error message are masked if the line has a request id or a place that handles requests."""
    record = record_of(place, request_id)
    assert "[Errno *] *:*" == record["reason"]
    assert record["exception"].endswith("ConnectionRefusedError: [Errno *] *:*")


def test_a_traceback_keeps_its_lines() -> None:
    """A traceback keeps its file names and line numbers, and all its other numbers are masked."""
    trace = 'Traceback (most recent call last):\n  File "/srv/v7.py", line 12, in tax\n    return tax + 1\n'
    assert trace.replace("+ 1", "+ *") + "E: *: at line *" == mask_amounts(trace + "E: 61000: at line 12")
    assert 'E: *\n  File "*", line *' == mask_amounts('E: 1\n  File "61000", line 12')


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_failing_request_logs_no_amount(form: str) -> None:
    """The log lines and the mail of a failed request contain its id, but no amount from its URL, body or error."""
    lines, alerts, app = Lines(), list[Alert](), Flask("x")
    log = build_logger("api", lines.write, form, mask=True)
    request_log.register(app, RequestLog(build_request_logger(lines.write, form, mask=True)))
    error_handlers.register(app, log, cast(AlertSender, SimpleNamespace(send=alerts.append)), 10, mask=True)

    @app.post("/")
    def batch() -> Response:
        raise ValueError(f"no answer to {request.get_data(as_text=True)} or {request.get_data()!r}")

    answer = app.test_client().post(
        "/?salary=761943805", data="salary\n418877263\n６３９１５１", headers={"X-Request-ID": "id-12345"}
    )
    assert 500 == answer.status_code
    told = b"".join(lines.written).decode() + format_alert(alerts[0], DEPLOYMENT, Severity.CRITICAL)
    assert [] == [amount for amount in ("761943805", "418877263", "６３９１５１", r"\uff16", r"\x96") if amount in told]
    assert 3 == len(lines.written)
    assert all(b"id-12345" in line for line in lines.written)
    assert "request: POST /?salary=*\n" in told
    assert "find the log lines: grep -F -- id-12345 /l*\n" in told
    assert f"{__file__}:" in told
