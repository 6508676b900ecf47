"""`make demo`: calculate the sample file and show an alert e-mail, without Docker.

The demo starts an SMTP catcher and the API on SQLite. It calculates the sample file under the law of 2025, then under
the tutorial's rules. Then it starts the API without a database. At the end, the demo stops all its processes. It uses
only free ports.
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
# Environment of all commands. It excludes the settings of the calling shell.
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
    """Run the API on SQLite and yield its address. The demo binds the port and passes the socket to the API."""
    environment = {"DB_FILE": str(folder / "tax.sqlite"), **settings}
    if run("income-tax", "seed", "sqlite", str(ROOT / "db/init"), **environment):
        sys.exit("The demo could not write its SQLite database. The message above contains the reason.")
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


def calculate(url: str, folder: Path, *options: str) -> int:
    """Calculate the sample file with the client and return its exit code."""
    results, errors = folder / "results.json", folder / "errors.jsonl"
    settings = {"TAX_URL": url, "TAX_CREDENTIALS_FILE": str(SECRETS / "client_credentials")}
    settings["LOG_FILE"] = str(folder / "client.log")
    outputs = ("--results", str(results), "--errors", str(errors))
    return run("tax-client", "calculate", str(SAMPLE), *outputs, *options, **settings)


def calculate_by_both_rules(url: str, folder: Path) -> list[int]:
    """Calculate the sample file by the law of 2025, then by the tutorial's rules, and return both exit codes."""
    dated = calculate(url, folder, "--year", "2025")
    title("The errors file lists the errors of the invalid lines")
    print((folder / "errors.jsonl").read_text(encoding="utf-8"), end="")
    title("The same file without a year, so the tutorial's rules (v7) apply")
    return [dated, calculate(url, folder)]


def crash(smtp: SmtpCatcher, settings: Mapping[str, str]) -> int:
    """Start the API without a database, print the alert e-mail, and return the exit code of the API."""
    with socket.socket() as closed:  # binds a port but does not listen, so the kernel refuses connections
        closed.bind(("127.0.0.1", 0))
        nowhere = {"DB_HOST": "127.0.0.1", "DB_PORT": str(closed.getsockname()[1]), "DB_WAIT": "0"}
        code = run("income-tax", "postgres", **settings, **nowhere)
    mail = smtp.mailbox.next()
    title(f"The API ended with exit code {code} and sent this alert e-mail")
    for name in ("Date", "From", "To", "Subject"):
        print(f"{name}: {mail[name]}")
    print("", *mail.get_content().splitlines(), sep="\n")
    return code


def main() -> int:
    """Run the demo. Return 0 if every step succeeded. A signal ends the demo and all its processes."""
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
        title("The API runs on SQLite, and the client calculates the sample file under the law of 2025")
        with api(folder, settings) as url:
            calculated = calculate_by_both_rules(url, folder)
        title("The API starts without its database")
        crashed = crash(smtp, settings)
    good = [*calculated, crashed] == [CLIENT_DONE, CLIENT_DONE, exit_codes.DATABASE]
    title(
        "Next: `make up` (needs Docker), `make serve`, or `make test`"
        if good
        else "The demo failed. The messages above contain the reason."
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
