"""MASK_AMOUNTS=on keeps salaries and taxes out of the service's log, alert mails and spool."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.service import Service, running_service

SALARIES = ("761943805", "639151478", "872396154", "954327618")
ELSEWHERE = "４１８８７７２６３"  # a salary in non-ASCII digits
SPELLINGS = (
    ELSEWHERE,
    quote(ELSEWHERE),
    ELSEWHERE.encode("unicode_escape").decode(),
    ELSEWHERE.encode().decode("latin-1"),
)
LONG = re.compile(r"[0-9]{7,}")  # matches amounts only, because other numbers have fewer than seven digits


@pytest.fixture(params=["json", "text"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """Run the service with MASK_AMOUNTS=on, and yield the service for each log format."""
    with running_service(tmp_path, MASK_AMOUNTS="on", LOG_FORMAT=request.param) as running:
        yield running


def written(folder: Path) -> str:
    """Return the contents of the log, the spool and all other written files except the tax data."""
    while True:
        paths = [path for path in folder.rglob("*") if path.is_file() and not path.match("*.sqlite")]
        try:
            contents = [path.read_bytes() for path in [*paths, *folder.rglob("spool.*")]]
        except FileNotFoundError:  # the service renamed a temporary file during the search
            continue
        return "\n".join(content.decode(errors="backslashreplace") for content in contents)


def shown(amounts: set[str], told: str) -> list[str]:
    """Return the items of `amounts` and SPELLINGS that the text `told` contains."""
    return [amount for amount in (*amounts, *SPELLINGS) if amount in told]


def ask_in_every_way(service: Service) -> list[tuple[int, str]]:
    """Send requests of every kind, valid and invalid, and return the status and body of each response."""
    one, two, three, four = SALARIES
    household = {"married": "yes", "children": 2, "salary": int(one)}
    rows = f"married,children,salary\nno,0,{one}\nno,0,{three}x\nno,0,{ELSEWHERE}\n"
    found = [
        *(service.get(f"/?married=no&children=0&salary={two}{more}") for more in ("", "&year=2024&explain=yes")),
        *(service.get(f"/?married=no&children=0&salary={wrong}") for wrong in (f"{three}x", quote(ELSEWHERE))),
        service.get(f"/curve?married=no&children=0&from={two}&to={three}&step=50000000"),
        service.post(json.dumps(household), "application/json"),
        service.post(json.dumps([household, household | {"salary": ELSEWHERE}]), "application/json"),
        service.raw(f"GET /?salary={four}&{ELSEWHERE} HTTP/1.1\r\n\r\n".encode()),
    ]
    status, _, csv = service.post_raw(rows, "text/csv", Accept="text/csv")
    return [*((answer.status, json.dumps(answer.body)) for answer in found), (status, csv.decode())]


def test_no_amount_of_any_request_is_written(service: Service) -> None:
    """The service writes no amount to any file, regardless of the kind of request."""
    answers = ask_in_every_way(service)
    assert [200, 200, 400, 400, 200, 200, 200, 400, 200] == [status for status, _ in answers]
    told = re.sub(r'"request_id": "\w+"', "", " ".join(body for _, body in answers))
    amounts = {*LONG.findall(told), *SALARIES}
    assert len(amounts) > 20
    hidden = [line for line in service.log_lines() if "*" in line and ("answer" in line or "refused" in line)]
    assert len(answers) == len(hidden)
    assert [] == shown(amounts, written(service.folder))


@pytest.fixture
def without_numpy(tmp_path: Path) -> str:
    """Create a folder with a fake `numpy`. Its import raises an error that quotes salaries, so that batches fail."""
    folder = tmp_path / "modules"
    folder.mkdir()
    words = f"no array of {SALARIES[0]}, {ELSEWHERE}"
    (folder / "numpy.py").write_text(f"raise ImportError({words!r})\n")
    return str(folder)


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_no_amount_of_a_batch_that_fails_is_mailed(tmp_path: Path, without_numpy: str, form: str, kind: str) -> None:
    """The mail and the log of a failed batch contain the code location and the request id, but no amount."""
    body = f"married,children,salary\nno,0,{SALARIES[0]}\n"
    if kind == "application/json":
        body = json.dumps([{"married": "no", "children": 0, "salary": int(SALARIES[0])}])
    home = tmp_path / "service"
    home.mkdir()
    with running_service(home, MASK_AMOUNTS="on", LOG_FORMAT=form, PYTHONPATH=without_numpy) as service:
        answer = service.post(body, kind)
        mail = service.mailbox.next().get_content()
    assert 500 == answer.status
    assert [] == shown({SALARIES[0]}, mail + written(home))
    facts = [f"where: {without_numpy}/numpy.py:1 in <module>", f"request id: {answer.request_id}"]
    assert {"error: ImportError: no array of *, *", *facts} <= {*mail.splitlines()}
    (line,) = [line for line in service.log_lines() if "request failed" in line]
    assert re.search(r"body\.py\W+, line [0-9]+, in _(parse_)?(json|csv)", line)
    assert "ImportError: no array of *, *" in line
