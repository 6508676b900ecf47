"""The way of a tutorial: Flask's development server, its log file opened and closed for each request."""

import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_httpauth import HTTPBasicAuth

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from income_tax.tax import v7  # noqa: E402
from income_tax.tax.models import Household  # noqa: E402
from tests.support.data import v7_schedule  # noqa: E402

app = Flask(__name__)
auth = HTTPBasicAuth()
schedule = v7_schedule()
log_file = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("/dev/null")
lock = threading.Lock()


def write(message: str) -> None:
    """Write a line, to a file that is opened for it."""
    with lock, log_file.open("a", encoding="utf-8") as file:
        now = datetime.now()  # noqa: DTZ005 - as a tutorial writes it
        file.write(f"{now}, {threading.current_thread().name}: {message}\n")


@auth.verify_password  # type: ignore[untyped-decorator]
def verify(login: str, password: str) -> bool:
    """The one user, in the code."""
    return (login, password) == ("client", "secret")


@app.get("/")
@auth.login_required  # type: ignore[untyped-decorator]
def index() -> dict[str, Any]:
    """Calculate, with two log lines."""
    write(f"[index] request: {request}")
    given = request.args
    household = Household(given["married"] == "yes", int(given["children"]), int(given["salary"]))
    result = v7.assess(household, schedule)._asdict()
    write(f"[index] {result}")
    return {"response": {"result": {**given, **result}}}


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]), threaded=True)
