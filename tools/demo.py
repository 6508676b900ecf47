"""Run the service without Docker for `make demo`, from the tax data to the results and an alert e-mail.

The demo starts the API on SQLite and an SMTP catcher, and calculates the sample file. Then it starts the API without a
database. At the end, the demo stops every process that it started. It uses only free ports.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from income_tax import exit_codes
from tools.smtp_catcher import SmtpCatcher

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SECRETS = ROOT / "secrets"
SAMPLE = ROOT / "services/client/data/taxpayers.txt"
# The demo ignores the settings of the calling shell.
CLEAN = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR") if name in os.environ}
CLIENT_DONE = 0


def title(text: str) -> None:
    """Print a heading."""
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def run(*command: str, **environment: str) -> int:
    """Run a command of the project and return its exit code."""
    program = str(BIN / command[0])
    return subprocess.run([program, *command[1:]], env=CLEAN | environment, check=False).returncode


@contextmanager
def api(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Run the API on SQLite, on a port that the demo has already bound, and yield the API's address."""
    environment = {"DB_FILE": str(folder / "tax.sqlite"), **settings}
    if run("income-tax", "seed", "sqlite", str(ROOT / "db/init"), **environment):
        sys.exit("the demo's database could not be written")
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        service = subprocess.Popen(
            [BIN / "income-tax", "sqlite"],
            env=CLEAN | environment | {"BIND": f"fd://{listener.fileno()}"},
            pass_fds=[listener.fileno()],
        )
    try:
        with build_opener(ProxyHandler({})).open(f"http://{address}/health/ready", timeout=30):
            yield f"http://{address}"
    finally:
        service.terminate()
        service.wait(timeout=30)


def calculate(url: str, folder: Path) -> int:
    """Calculate the sample file with the client and return its exit code."""
    results, errors = folder / "results.json", folder / "errors.jsonl"
    settings = {"TAX_URL": url, "TAX_CREDENTIALS_FILE": str(SECRETS / "client_credentials")}
    settings["LOG_FILE"] = str(folder / "client.log")
    code = run("tax-client", "calculate", str(SAMPLE), "--results", str(results), "--errors", str(errors), **settings)
    title("The errors file: what was wrong with the other lines")
    print(errors.read_text(encoding="utf-8"), end="")
    return code


def crash(smtp: SmtpCatcher, settings: Mapping[str, str]) -> int:
    """Start the API without a database, print the resulting e-mail, and return the API's exit code."""
    with socket.socket() as closed:  # bound but not listening, so that connections are refused
        closed.bind(("127.0.0.1", 0))
        nowhere = {"DB_HOST": "127.0.0.1", "DB_PORT": str(closed.getsockname()[1]), "DB_WAIT": "0"}
        code = run("income-tax", "postgres", **settings, **nowhere)
    mail = smtp.mailbox.next()
    title(f"It ended with exit code {code}; the alert e-mail it sent")
    for name in ("Date", "From", "To", "Subject"):
        print(f"{name}: {mail[name]}")
    print("", *mail.get_content().splitlines(), sep="\n")
    return code


def main() -> int:
    """Run the demo and return 0 if every step succeeded. A signal ends the demo and its processes."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    run("income-tax", "secrets", str(SECRETS))
    with tempfile.TemporaryDirectory(prefix="tax-demo-") as name, SmtpCatcher() as smtp:
        folder = Path(name)
        settings = {
            "USERS_FILE": str(SECRETS / "api/users"),
            "LOG_FILE": str(folder / "api.log"),
            "STATE_DIR": str(folder / "state"),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp.port),
        }
        title("The API on SQLite, the client over the sample file")
        with api(folder, settings) as url:
            calculated = calculate(url, folder)
        title("A start without its database")
        crashed = crash(smtp, settings)
    good = (calculated, crashed) == (CLIENT_DONE, exit_codes.DATABASE)
    title("Next: `make up` (needs Docker), `make serve`, or `make test`" if good else "The demo failed: see above")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
