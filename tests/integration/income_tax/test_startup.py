"""The start of the service: log order, exit codes and alert mails."""

import json
import os
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from income_tax.tax.schedule_parser import parse_schedules
from tests.support.service import COMMAND, environment, prepare, running_service, seed, service_with
from tools.smtp_catcher import SmtpCatcher


def start(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=120, check=False)


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / "api.log").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("arguments", [[], ["oracle"], ["sqlite", "mysql"], ["--postgres"]])
def test_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    """If an argument is missing or unknown, the command prints its usage and exits with code 64."""
    ended = start(*arguments, env=environment(tmp_path, 1))
    assert 64 == ended.returncode
    assert "usage: income-tax" in ended.stderr


def test_wrong_setting(tmp_path: Path) -> None:
    """If a setting is invalid, the service prints one message with the setting's name and exits with code 64."""
    ended = start("sqlite", env=environment(tmp_path, 1, LOG_FORMAT="xml"))
    assert (64, "income-tax: LOG_FORMAT is [xml]; expected json or text\n") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize(
    ("database", "port"), [("postgres", "5432"), ("pgres", "5432"), ("mysql", "3306"), ("sqlite", "")]
)
def test_no_database(database: str, port: str, tmp_path: Path) -> None:
    """Without a database the service prints, logs and mails the failure, and exits with code 2."""
    with SmtpCatcher() as smtp, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        env = environment(tmp_path, smtp.port, DB_PORT=str(closed.getsockname()[1]))
        ended = start(database, env=env)
        mail = smtp.mailbox.next()
    reason = "unable to open database file" if database == "sqlite" else "refused"
    assert 2 == ended.returncode
    assert reason in ended.stderr
    assert ["server startup", "startup failed", "alert sent"] == events(tmp_path)
    assert f"[tax-service on {socket.gethostname()}] could not start" == mail["Subject"]
    assert reason in mail.get_content()


@pytest.mark.parametrize("database", ["postgres", "mysql"])
def test_silent_database(database: str, tmp_path: Path) -> None:
    """If the database server accepts the connection but never replies, the service exits with code 2."""
    with SmtpCatcher() as smtp, socket.create_server(("127.0.0.1", 0)) as silent:
        env = environment(tmp_path, smtp.port, DB_PORT=str(silent.getsockname()[1]))
        assert 2 == start(database, env=env).returncode


def test_port_in_use(tmp_path: Path) -> None:
    """If the port is in use, the service prints the remedy only on stderr, and exits with code 64."""
    prepare(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = start("sqlite", env=environment(tmp_path, 1, BIND=f"127.0.0.1:{taken.getsockname()[1]}"))
    assert (64, "") == (ended.returncode, ended.stdout)
    assert "Address already in use" in ended.stderr
    assert "BIND=127.0.0.1:8001" in ended.stderr


def test_start_uses_only_the_snapshot_of_the_same_database(tmp_path: Path) -> None:
    """Without its database the service can start from the snapshot of this database, but not of another database."""
    with running_service(tmp_path) as service:
        version = service.get("/health/ready").body["response"]["schedules"]
    (tmp_path / "tax.sqlite").rename(tmp_path / "away.sqlite")
    with SmtpCatcher() as smtp, service_with(tmp_path, smtp.port) as service:
        assert version == service.get("/?married=yes&children=3&salary=200000").headers["x-schedules-version"]
        assert "from its schedule snapshot" in smtp.mailbox.next().get_content()
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            env = environment(tmp_path, smtp.port, DB_PORT=str(closed.getsockname()[1]))
            assert 2 == start("postgres", env=env).returncode


def test_incomplete_tax_data(tmp_path: Path) -> None:
    """If the tax data lacks a constant, the service mails the name of the constant and exits with code 2."""
    prepare(tmp_path)
    with closing(sqlite3.connect(tmp_path / "tax.sqlite")) as database:
        database.execute("DELETE FROM constants WHERE name = 'cap_half_share'")
        database.commit()
    with SmtpCatcher() as smtp:
        ended = start("sqlite", env=environment(tmp_path, smtp.port))
        assert "constants missing: cap_half_share" in smtp.mailbox.next().get_content()
    assert 2 == ended.returncode


def test_reload_without_a_usable_state_folder(tmp_path: Path) -> None:
    """If `reload` cannot write to the state folder, it still mails its alert, and exits with code 2."""
    prepare(tmp_path)
    (tmp_path / "state").touch()
    with SmtpCatcher() as smtp:
        ended = start("reload", "sqlite", env=environment(tmp_path, smtp.port))
        mail = smtp.mailbox.next()
    assert 2 == ended.returncode
    assert "the schedules are unchanged" in ended.stderr
    assert "did not reload its schedules" in mail.get_content()


def test_reload_reports_rejected_tax_data(tmp_path: Path) -> None:
    """`reload --refused REASON` prints and mails the reason for the rejection, and exits with code 2."""
    prepare(tmp_path)
    with SmtpCatcher() as smtp:
        env = environment(tmp_path, smtp.port)
        assert 0 == start("reload", "sqlite", env=env).returncode
        refused = start("reload", "sqlite", "--refused", "no figures of 2030", env=env)
        mail = smtp.mailbox.next().get_content()
    assert (2, "income-tax: the schedules are unchanged: no figures of 2030\n") == (refused.returncode, refused.stderr)
    assert "did not reload its schedules" in mail
    assert "the schedules are unchanged: no figures of 2030" in mail


def test_reload_after_an_interrupted_load_uses_the_database(tmp_path: Path) -> None:
    """If a load was interrupted after it wrote, `reload --refused` loads the written schedules and reports them."""
    prepare(tmp_path)
    with SmtpCatcher() as smtp:
        env = environment(tmp_path, smtp.port)
        start("reload", "sqlite", env=env)
        with closing(sqlite3.connect(tmp_path / "tax.sqlite")) as database:
            database.execute("UPDATE constants SET value = 1234 WHERE schedule = 'v7' AND name = 'cap_half_share'")
            database.commit()
        refused = start("reload", "sqlite", "--refused", "the load was interrupted", env=env)
        mail = smtp.mailbox.next().get_content()
        (tmp_path / "tax.sqlite").unlink()
        unknown = start("reload", "sqlite", "--refused", "the load was interrupted", env=env)
    (snapshot,) = (tmp_path / "state").glob("*.json")
    data = json.loads(snapshot.read_text())
    assert "1234" == data["schedules"]["v7"]["cap_half_share"]["value"]
    sentence = f"the load was interrupted; the database contains the schedules {parse_schedules(data).version}"
    assert 2 == refused.returncode
    assert f"{sentence}, and all replicas use them now" in refused.stderr
    assert sentence in mail
    assert "unchanged in all replicas: the load was interrupted; the reload failed: unable to open" in unknown.stderr


def test_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """If the service cannot open its log, it prints a message, mails an alert and exits with code 1."""
    (tmp_path / "file").touch()
    with SmtpCatcher() as smtp:
        ended = start("sqlite", env=environment(tmp_path, smtp.port, LOG_FILE=str(tmp_path / "file/api.log")))
        mail = smtp.mailbox.next()
    assert 1 == ended.returncode
    assert "cannot be opened" in ended.stderr
    assert "cannot be opened" in mail.get_content()


def test_a_mail_error_does_not_hide_the_first_error(tmp_path: Path) -> None:
    """If both the database and the SMTP server are missing, stderr shows the first error, and the log shows both."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ended = start("sqlite", env=environment(tmp_path, closed.getsockname()[1]))
    assert 2 == ended.returncode
    assert "unable to open database file" in ended.stderr
    assert ["server startup", "startup failed", "alert not sent"] == list(dict.fromkeys(events(tmp_path)))


def test_no_users_file(tmp_path: Path) -> None:
    """If the users file is missing, the service prints the command that creates the file, and exits with code 64."""
    prepare(tmp_path)
    (tmp_path / "users").unlink()
    ended = start("sqlite", env=environment(tmp_path, 1))
    assert 64 == ended.returncode
    assert "income-tax users add" in ended.stderr


def test_order_of_a_successful_start(tmp_path: Path) -> None:
    """A starting service logs first the startup with the version, and then the database connection."""
    with running_service(tmp_path) as service:
        first, second = service.log()[:2]
    assert ("server startup", "successful database connection") == (first["event"], second["event"])
    assert first["version"]


def test_seeding_twice_changes_nothing(tmp_path: Path) -> None:
    """A second `seed` does not change the database."""
    seed(tmp_path)
    before = dump(tmp_path)
    seed(tmp_path)
    assert before == dump(tmp_path)


def dump(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "tax.sqlite")) as database:
        return "\n".join(database.iterdump())


def test_secrets_are_generated_once(tmp_path: Path) -> None:
    """`secrets` creates missing secrets, keeps existing secrets, and writes no plain-text password to `users`."""
    env = dict(os.environ)
    assert 0 == start("secrets", str(tmp_path / "s"), env=env).returncode
    first = {path.name: path.read_text() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    assert 0 == start("secrets", str(tmp_path / "s"), env=env).returncode
    assert first == {path.name: path.read_text() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    login, _, password = first["client_credentials"].strip().partition(":")
    assert first["users"].startswith(f"{login}:scrypt:")
    assert password not in first["users"]
    assert 0o700 == (tmp_path / "s").stat().st_mode & 0o777


@pytest.mark.parametrize("written", [b"caf\xc3\xa9 5\r\n", b"\xef\xbb\xbfcaf\xc3\xa9 5", b"cafe\xcc\x81 5\n\n"])
def test_database_passwords_lose_marks_and_line_ends(tmp_path: Path, written: bytes) -> None:
    """A byte order mark, CR and NFD are removed from a database password, because the API removes them, too."""
    file = tmp_path / "db_reader_password"
    file.write_bytes(written)
    assert 0 == start("secrets", str(tmp_path), env=dict(os.environ)).returncode
    assert "café 5\n" == file.read_text(encoding="utf-8")


def test_a_database_password_in_utf_16_is_refused(tmp_path: Path) -> None:
    """`secrets` names a database password in UTF-16 and its remedy, and does not change the file."""
    file = tmp_path / "db_owner_password"
    file.write_text("secret", encoding="utf-16")
    refused = start("secrets", str(tmp_path), env=dict(os.environ))
    assert 0 != refused.returncode
    assert f"{file}: expected one line password; the text is UTF-16" in refused.stderr
    assert "secret" == file.read_text(encoding="utf-16")


def test_lost_credentials_are_generated_again(tmp_path: Path) -> None:
    """If the client's credentials file is missing, the command creates new credentials and updates the users file."""
    env = dict(os.environ)
    start("secrets", str(tmp_path), env=env)
    users = (tmp_path / "api/users").read_text()
    (tmp_path / "client_credentials").unlink()
    start("secrets", str(tmp_path), env=env)
    assert users != (tmp_path / "api/users").read_text()
