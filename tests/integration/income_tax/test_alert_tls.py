"""Alert mails to a real SMTP server with TLS, credentials and certificates of a private CA."""

import json
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.support.service import COMMAND, environment
from tests.support.waiting import wait_until
from tools.smtp_catcher import SmtpCatcher

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

USER, PASSWORD = "alerts@example.org", "s3cret/+= x"


@dataclass(frozen=True)
class Pki:
    """The CA file, a server's TLS context for 127.0.0.1, and a server's TLS context for another host."""

    ca_file: Path
    here: ssl.SSLContext
    elsewhere: ssl.SSLContext


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("pki") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))

    def context(name: str) -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(made)
        return made

    return Pki(path, context("127.0.0.1"), context("elsewhere.example"))


def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword) -> AuthResult:
    """Check the credentials of an SMTP client for aiosmtpd."""
    return AuthResult(success=(USER.encode(), PASSWORD.encode()) == (data.login, data.password), handled=False)


LOGIN: dict[str, Any] = {"authenticator": check, "auth_required": True, "auth_require_tls": False}
Options = Callable[[ssl.SSLContext], dict[str, Any]]
SERVERS: Mapping[str, Options] = {
    "starttls": lambda context: {"tls_context": context, "require_starttls": True},
    "tls": lambda context: {"ssl_context": context},
    "none": lambda _: {},
}


def fail_to_start(folder: Path, smtp: SmtpCatcher, **settings: str) -> list[dict[str, Any]]:
    """Start the service without tax data, so that it mails an alert and exits. Return its log records."""
    (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    ended = subprocess.run(
        [*COMMAND, "sqlite"],
        env=environment(folder, smtp.port, **settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 2 == ended.returncode, ended.stderr
    return [json.loads(line) for line in (folder / "api.log").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("login", [False, True], ids=["without credentials", "with credentials"])
@pytest.mark.parametrize("tls", list(SERVERS))
def test_mail_arrives(tmp_path: Path, pki: Pki, tls: str, login: bool) -> None:
    """The mail arrives over STARTTLS, implicit TLS or plain SMTP, with or without SMTP credentials."""
    settings = {"SMTP_TLS": tls, "SMTP_CA_FILE": str(pki.ca_file)}
    if login:
        settings |= {"SMTP_USER": USER, "SMTP_PASSWORD_FILE": str(tmp_path / "password")}
    with SmtpCatcher(**SERVERS[tls](pki.here), **(LOGIN if login else {})) as smtp:
        log = fail_to_start(tmp_path, smtp, **settings)
        assert "unable to open database file" in smtp.mailbox.next().get_content()
    assert "alert sent" == log[-1]["event"]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("trouble", ["unknown authority", "other name"])
def test_mail_stays_pending_with_a_wrong_certificate(tmp_path: Path, pki: Pki, tls: str, trouble: str) -> None:
    """If the server's certificate has an unknown CA or another host name, the mail stays pending."""
    settings = {"SMTP_TLS": tls} | ({"SMTP_CA_FILE": str(pki.ca_file)} if trouble == "other name" else {})
    with SmtpCatcher(**SERVERS[tls](pki.elsewhere if trouble == "other name" else pki.here)) as smtp:
        log = fail_to_start(tmp_path, smtp, **settings)
        assert smtp.mailbox.empty()
    assert "alert not sent" == log[-1]["event"]
    assert "CERTIFICATE_VERIFY_FAILED" in log[-1]["reason"]
    assert not (tmp_path / "state/alerts/dead").exists()


def test_server_without_starttls_gets_no_mail(tmp_path: Path) -> None:
    """If the settings require STARTTLS and the server does not offer STARTTLS, the service sends no mail."""
    with SmtpCatcher() as smtp:
        log = fail_to_start(tmp_path, smtp, SMTP_TLS="starttls")
        assert smtp.mailbox.empty()
    assert ("alert not sent", True) == (log[-1]["event"], "STARTTLS" in log[-1]["reason"])


def test_mail_stays_pending_with_a_wrong_password(tmp_path: Path, pki: Pki) -> None:
    """If the server rejects the password with 535, the mail stays pending until the password is correct."""
    with SmtpCatcher(**SERVERS["tls"](pki.here), **LOGIN) as smtp:
        settings = {"SMTP_TLS": "tls", "SMTP_CA_FILE": str(pki.ca_file), "SMTP_USER": USER}
        (tmp_path / "wrong").write_text("wrong\n")
        log = fail_to_start(tmp_path, smtp, SMTP_PASSWORD_FILE=str(tmp_path / "wrong"), **settings)
        assert ("alert not sent", True) == (log[-1]["event"], "535" in log[-1]["reason"])
        assert smtp.mailbox.empty()

        def arrived() -> bool:
            fail_to_start(tmp_path, smtp, SMTP_PASSWORD_FILE=str(tmp_path / "password"), **settings)
            return not smtp.mailbox.empty()

        wait_until(arrived)  # repeats the start until the next attempt to send the mail is due
    assert not (tmp_path / "state/alerts/dead").exists()
    assert PASSWORD not in (tmp_path / "api.log").read_text(encoding="utf-8")


def test_missing_ca_file_is_reported(tmp_path: Path) -> None:
    """If the CA file is missing, the service prints the name of the setting and exits with code 64."""
    env = environment(tmp_path, 1, SMTP_CA_FILE="/nowhere/ca.pem")
    ended = subprocess.run([*COMMAND, "sqlite"], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (64, "income-tax: SMTP_CA_FILE=/nowhere/ca.pem: cannot be read; expected a readable file\n") == (
        ended.returncode,
        ended.stderr,
    )
