"""A server in the style of a tutorial. It uses Flask's development server and opens its log file for each log line."""

import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_httpauth import HTTPBasicAuth

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from income_tax.tax import simplified_v7_rules  # noqa: E402
from income_tax.tax.models import Household  # noqa: E402
from tests.support.data import v7_schedule  # noqa: E402

app = Flask(__name__)
auth = HTTPBasicAuth()
schedule = v7_schedule()
log_file = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("/dev/null")
lock = threading.Lock()


def write(message: str) -> None:
    """Open the log file, append a line, and close the file."""
    with lock, log_file.open("a", encoding="utf-8") as file:
        now = datetime.now()  # noqa: DTZ005 - a tutorial uses local time
        file.write(f"{now}, {threading.current_thread().name}: {message}\n")


@auth.verify_password  # type: ignore[untyped-decorator]
def verify(login: str, password: str) -> bool:
    """Return whether login name and password are correct. The server has one user, whose credentials are hard-coded."""
    return (login, password) == ("client", "secret")


@app.get("/")
@auth.login_required  # type: ignore[untyped-decorator]
def index() -> dict[str, Any]:
    """Calculate the tax of a household and write two log lines."""
    write(f"[index] request: {request}")
    given = request.args
    household = Household(given["married"] == "yes", int(given["children"]), int(given["salary"]))
    result = simplified_v7_rules.assess(household, schedule)._asdict()
    write(f"[index] {result}")
    return {"response": {"result": {**given, **result}}}


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), threaded=True)
