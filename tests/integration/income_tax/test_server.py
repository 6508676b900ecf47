"""The running service: alert mails, user changes, concurrent requests, logs and the graceful stop."""

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from werkzeug.security import check_password_hash

from income_tax.cli import main
from income_tax.storage.users import read_users
from tests.support.commands import Called, called
from tests.support.service import TEXT_LINE, Service, environment, prepare, running_service
from tests.support.waiting import wait_until

TARGET = "/?married=yes&children=3&salary=200000"


def test_failure_is_answered_logged_and_mailed(tmp_path: Path) -> None:
    """A failure causes a 500 that hides the error, and a mail with the response, the error and the request id."""
    with running_service(tmp_path, DRILL_ROUTE="on") as service:
        answer = service.get("/drill")
        mail = service.mailbox.next()
        text = mail.get_content()
        assert 500 == answer.status
        assert "Drill" not in json.dumps(answer.body)
        assert answer.body == json.loads(text[text.index("{") : text.rindex("}") + 1])
        assert "error: Drill: this failure is a drill" in text
        assert answer.request_id == mail["X-Request-ID"]
        assert ["request", "request failed", "answer"] == service.events_of(answer.request_id)
        assert any(r["event"].startswith("drill route is on") and r["level"] == "warning" for r in service.log())


def test_drill_requires_credentials(tmp_path: Path) -> None:
    """The drill route requires credentials, so that unauthenticated clients cannot cause alerts."""
    with running_service(tmp_path, DRILL_ROUTE="on") as service:
        assert 401 == service.get("/drill", None).status
        assert service.mailbox.empty()


def users(folder: Path, *arguments: str, password: str = "") -> Called:
    return called(main, "users", *arguments, given=password, environment=environment(folder, 1))


def test_users_change_without_a_restart(tmp_path: Path) -> None:
    """The service accepts an added user immediately, and rejects a removed user even if the credentials were cached."""
    with running_service(tmp_path) as service:
        assert 401 == service.get(TARGET, "ann:pa:ss:word").status
        assert 0 == users(service.folder, "add", "ann", password="pa:ss:word\n").returncode
        assert [200, 200] == [service.get(TARGET, "ann:pa:ss:word").status, service.get(TARGET).status]
        assert ["client", "ann"] == users(service.folder, "list").stdout.split()
        assert 0 == users(service.folder, "remove", "ann").returncode
        assert [401, 200] == [service.get(TARGET, "ann:pa:ss:word").status, service.get(TARGET).status]


@pytest.mark.parametrize("line", [b"b\xff:x\n", b"bob:scrypt:1:1$s$h\n"], ids=["not UTF-8", "invalid hash"])
def test_a_bad_users_file_keeps_the_users(tmp_path: Path, line: bytes) -> None:
    """The service logs an invalid users file, keeps the users of the valid lines, and reads the next valid file."""
    with running_service(tmp_path) as service:
        path = tmp_path / "users"
        good = path.read_bytes()
        path.write_bytes(good + line)
        assert [200, 401] == [service.get(TARGET).status, service.get(TARGET, "bob:x").status]
        (reason,) = wait_until(lambda: {r["reason"] for r in service.log() if r["event"] == "users file invalid"})
        assert str(path) in reason
        path.write_bytes(good)
        assert 0 == users(service.folder, "add", "bob", password="pass word\n").returncode
        assert 200 == service.get(TARGET, "bob:pass word").status


PASSWORD = "pass word\n"


@pytest.mark.parametrize(
    ("arguments", "password", "sentence"),
    [
        (["add", "a:b"], PASSWORD, "the login name is [a:b]: choose 1 to 64 ASCII letters, digits or . _ @ -"),
        (["add", "a$(id)"], PASSWORD, "the login name is [a$(id)]"),
        (["add", "--", "-h"], PASSWORD, "the login name is [-h]"),
        (["add", "ann"], "\n", "the text is empty"),
        (["add", "ann"], "1234567\n", "choose at least 8 characters"),
        (["add", "ann"], "pass\tword\n", "control characters"),
        (["add", "ann"], "pass word\npass word\n", "several lines"),
        (["add", "ann"], "pass\0word\n", "UTF-16 or contains NUL bytes: save it as UTF-8"),
        (["remove", "nobody"], "", "no user nobody"),
        (["add"], PASSWORD, "needs a login"),
    ],
)
def test_users_command_rejects(tmp_path: Path, arguments: list[str], password: str, sentence: str) -> None:
    """The command rejects invalid arguments and passwords with exit code 64, and leaves the users file unchanged."""
    prepare(tmp_path)
    before = (tmp_path / "users").read_text()
    ended = users(tmp_path, *arguments, password=password)
    assert 64 == ended.returncode
    assert sentence in ended.stderr
    assert before == (tmp_path / "users").read_text()


@pytest.mark.parametrize("typed", ["{}\r\n", "\ufeff{}\n", "\ufeff{}", "{}", "{}\n\n"], ids=ascii)
def test_a_password_from_a_pipe_has_no_line_end(tmp_path: Path, typed: str) -> None:
    """`users add` removes line ends and the byte order mark, so that clients can log in with the password itself."""
    prepare(tmp_path)
    assert 0 == users(tmp_path, "add", "ann", password=typed.format("pässword ")).returncode
    assert check_password_hash(read_users(tmp_path / "users")["ann"], "pässword ")


def ask_at_once(service: Service, count: int) -> list[int]:
    with ThreadPoolExecutor(count) as pool:
        return [answer.status for answer in pool.map(lambda _: service.get(TARGET), range(count))]


def test_paused_threads_are_overtaken(tmp_path: Path) -> None:
    """With SLEEP_TIME some requests pause, and other requests end before the paused requests."""
    with running_service(tmp_path, SLEEP_TIME="1", WORKERS="1", THREADS="32") as service:
        assert [200] * 32 == ask_at_once(service, 32)
        log = service.log()
    begun = [r["request_id"] for r in log if r["event"] == "request" and r["place"] == "index"]
    ended = [r["request_id"] for r in log if r["event"] == "answer" and r["place"] == "index"]
    paused = {r["request_id"] for r in log if r["event"] == "pause"}
    assert 0 < len(paused) < 32
    assert sorted(begun) == sorted(ended)
    assert begun != ended


def test_text_log(tmp_path: Path) -> None:
    """Each line of the text log has the documented format, and each pause is logged with its duration."""
    with running_service(tmp_path, LOG_FORMAT="text", SLEEP_TIME="1", THREADS="16") as service:
        # Repeat the requests until one request pauses, because the service chooses at random which requests pause.
        wait_until(lambda: ask_at_once(service, 16) and any("paused" in line for line in service.log_lines()))
        lines = service.log_lines()
    assert [] == [line for line in lines if not TEXT_LINE.match(line)]
    assert any(re.search(r": \[index\] thread paused for 1 second\(s\)", line) for line in lines)
    assert any(re.search(r": \[index\] answer: 200 \{\"response\":", line) for line in lines)


def test_every_request_has_two_log_lines(tmp_path: Path) -> None:
    """The log of two workers contains exactly two complete lines for each of 400 concurrent requests."""
    with running_service(tmp_path) as service:
        with ThreadPoolExecutor(16) as pool:
            ids = [answer.request_id for answer in pool.map(lambda _: service.get(TARGET), range(400))]
        lines: dict[str, list[str]] = {}
        for record in service.log():
            lines.setdefault(record.get("request_id", ""), []).append(record["event"])
    assert 400 == len(set(ids))
    assert [["request", "answer"]] * 400 == [lines[request_id] for request_id in ids]


def test_a_stop_answers_requests_in_flight(tmp_path: Path) -> None:
    """A stopping service answers all requests in flight, and then exits."""
    settings = {"SLEEP_TIME": "1", "WORKERS": "1", "THREADS": "16"}
    with running_service(tmp_path, **settings) as service, ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(service.get, TARGET) for _ in range(16)]
        wait_until(lambda: sum(r["event"] == "request" and r["place"] == "index" for r in service.log()) == 16)
        service.process.send_signal(signal.SIGTERM)
        assert [200] * 16 == [answer.result().status for answer in answers]
        assert 0 == service.process.wait(timeout=60)
