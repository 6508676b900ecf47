"""Tests of the service, the client and the logs in containers."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.test_logs import all_lines
from tests.support.data import SAMPLE, schedules, v7_cases
from tests.support.service import TEXT_LINE, Answer
from tests.support.stack import Stack
from tests.support.waiting import wait_until

TARGET = "/?mari%C3%A9=oui&enfants=3&salaire=200000"


def assert_json_error(answer: Answer, status: int) -> None:
    assert status == answer.status
    assert "application/json" == answer.headers["content-type"]
    assert answer.errors
    assert answer.request_id == answer.body["response"]["request_id"]


@pytest.mark.both_databases
def test_only_the_chosen_database_runs(stack: Stack) -> None:
    """`make up DB=...` starts only the chosen database."""
    (database,) = stack.containers("db")
    assert stack.database == database["Config"]["Image"].partition(":")[0]
    lines = stack.output("nginx", "sh", "-c", "cat /logs/api/api.log*").splitlines()
    started = [json.loads(line) for line in lines if '"successful database connection"' in line and line[:1] == "{"]
    assert {stack.database} == {record["database"] for record in started}


def test_all_cases(stack: Stack, credentials: str) -> None:
    """Concurrent clients get the expected results of all 372 contract cases through nginx."""

    def ask(case: dict[str, Any]) -> Any:
        target = f"/?married={case['married']}&children={case['children']}&salary={case['salary']}"
        return stack.get(target, credentials).body

    cases = v7_cases()
    with ThreadPoolExecutor(16) as pool:
        assert [{"response": {"result": case}} for case in cases] == list(pool.map(ask, cases))


@pytest.mark.parametrize("wrong", [None, "client:wrong", "nobody:x"])
def test_credentials_are_required(stack: Stack, wrong: str | None) -> None:
    """The API answers a request without valid credentials with a JSON 401."""
    assert_json_error(stack.get(TARGET, wrong), 401)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?enfants=1&salaire=1",
        "?marie=oui&enfants=1&salaire=1&salaire=1",
        "?marie=oui&enfants=1&salaire=1&x=1",
        "?marie=oui&enfants=-1&salaire=1",
        "?marie=oui&enfants=1&salaire=12.5",
        "?marie=oui&enfants=1&salaire=1e9",
        "?marie=oui&enfants=1&salaire=" + "9" * 5000,
        "?marie=oui&enfants=1&salaire=%FF",
        "?marie=oui&enfants=1&salaire=%00",
        "?marie=oui&enfants=1&salaire=%D9%A3",
        "?marie=oui&enfants=1&salaire=%zz",
    ],
)
def test_bad_input(stack: Stack, credentials: str, query: str) -> None:
    """The API answers invalid input with a JSON 400 and a list of errors."""
    assert_json_error(stack.get("/" + query, credentials), 400)


def test_drill_route_is_off(stack: Stack, credentials: str) -> None:
    """With default settings the drill route returns a 404."""
    assert_json_error(stack.get("/drill", credentials), 404)


def test_calculate(stack: Stack) -> None:
    """`make calculate` writes the published results to the results file, and the invalid lines to the errors file."""
    stack.make("calculate")
    results = json.loads((stack.folder / "results/results.json").read_text(encoding="utf-8"))
    errors = (stack.folder / "results/errors.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads((SAMPLE / "published.json").read_text(encoding="utf-8")) == results
    assert 8 == len([json.loads(line)["line"] for line in errors])


def test_calculate_a_file(stack: Stack) -> None:
    """`make calculate` accepts a taxpayers file outside the project's folders, and reports a missing file."""
    file = stack.folder / "one taxpayer.txt"
    file.write_text("7,non,0,100000\n")
    stack.make("calculate", f"FILE={file}")
    (result,) = json.loads((stack.folder / "results/results.json").read_text(encoding="utf-8"))
    assert (7, 22986) == (result["id"], result["tax"])
    missing = stack.run("make", "calculate", "FILE=/nowhere/x")
    assert 2 == missing.returncode
    assert "FILE=/nowhere/x cannot be read" in missing.stderr


def test_calculate_with_options(stack: Stack) -> None:
    """`make calculate` passes OPTIONS to the client, and the extension of the results file determines its format."""
    file = stack.folder / "households.csv"
    file.write_text("id,year,married,children,salary\n1,2024,yes,2,50000\n2,2024,no,0,x\n3,,yes,2,55555\n")
    stack.make("calculate", f"FILE={file}", "OUT=taxes.csv", "OPTIONS=--batch 1000")
    head, *lines = (stack.folder / "results/taxes.csv").read_text().splitlines()
    rows = [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
    assert [("1", "2024", "209"), ("3", "", "2814")] == [(r["id"], r["income_year"], r["tax"]) for r in rows]
    (error,) = (stack.folder / "results/errors.jsonl").read_text().splitlines()
    assert 3 == json.loads(error)["line"]
    assert {"taxes.csv", "errors.jsonl"} <= {path.name for path in (stack.folder / "results").iterdir()}
    again = stack.run("make", "calculate", f"FILE={file}", "OUT=taxes.txt")
    assert "expected a name that ends in .json, .jsonl or .csv" in again.stderr


def test_load_is_logged_by_nginx_api_and_client(stack: Stack) -> None:
    """The logs of nginx, the API and the client contain every request of `make load`."""
    before = {log: stack.count(log) for log in ("nginx/access.log", "api/api.log", "client/client.log")}
    stack.make("load", "REQUESTS=3000", "THREADS=32")
    nginx, api, client = (stack.records(log, count) for log, count in before.items())
    sent = sorted(r["request_id"] for r in client if r["event"] == "answer" and r["status"] == 200)
    assert 3000 == len(set(sent))
    assert sent == sorted(r["request_id"] for r in nginx if r["port"] == 8080)
    # Compare sets, because nginx repeats a request on another replica if the first replica stalls.
    assert sent == sorted({r["request_id"] for r in api if r["event"] == "request"})
    assert sent == sorted({r["request_id"] for r in api if r["event"] == "answer"})
    replicas = {r["host"] for r in api if r["event"] == "answer"}
    assert 2 == len(replicas)


@pytest.mark.both_databases
def test_all_services_log_to_the_volume(stack: Stack) -> None:
    """All services, including the database and MailHog, log to the same volume."""
    stack.make("calculate")
    listed = stack.output("nginx", "sh", "-c", "ls /logs/*/*.log").split()
    assert {"api", "client", "nginx", "mailhog", stack.database} <= {path.split("/")[2] for path in listed}

    def starts(server: str) -> int:
        """Count the starts in all logs of a server, because PostgreSQL begins a new log at midnight."""
        words = "ready for connections|ready to accept connections|Binding to address"
        counts = stack.output("nginx", "sh", "-c", f"grep -Ehac '{words}' /logs/{server}/*.log || true")
        return sum(map(int, counts.split()))

    # Count starts in the logs. The files alone prove nothing, because the service `folders` creates some of the files.
    before = {server: starts(server) for server in (stack.database, "mailhog")}
    stack.compose("restart", "db", "mailhog")
    wait_until(lambda: all(starts(server) > count for server, count in before.items()))
    wait_until(lambda: [1, 1] == [stack.healthy(service) for service in ("db", "mailhog")])


@pytest.mark.both_databases
def test_startup_alert(stack: Stack) -> None:
    """Each `make drill` sends and prints one e-mail with the database error."""

    def drills() -> list[Any]:
        # Exclude duplicates, and exclude other mails, which an earlier restart of the database could have caused.
        mails = stack.mails("The tax service could not start: it cannot read the tax data.")
        return list({mail["Message-ID"]: mail for mail in mails}.values())

    before = len(drills())
    for count in (1, 2):
        shown = stack.make("drill")
        assert f"Subject: [tax-service on {os.uname().nodename}] could not start (drill)" in shown
        assert "Connection refused" in shown
        mails = drills()
        assert before + count == len(mails)
    assert "Connection refused" in drills()[0].get_content()
    assert "Connection refused" in stack.make("mail")


def test_client_address_comes_from_nginx(stack: Stack, credentials: str) -> None:
    """The API logs the client address that nginx logs, and ignores forged headers."""
    answer = stack.get(TARGET, credentials, X_Forwarded_For="9.9.9.9", Forwarded="for=9.9.9.9")
    logged = stack.records("api/api.log", holding=answer.request_id)
    (record,) = wait_until(lambda: stack.records("nginx/access.log", holding=answer.request_id))
    assert record["remote"] == next(r["remote"] for r in logged if r["event"] == "request")
    assert "9.9.9.9" not in json.dumps(logged)


def test_users_without_restart(stack: Stack) -> None:
    """The API accepts an added user immediately, and rejects a removed user, without a restart."""
    added = stack.run(
        "sh",
        "-c",
        'echo "pa:ss:word" | docker compose run --rm --no-deps -T --user "$(id -u):10001" admin users add ann',
    )
    assert 0 == added.returncode, added.stderr
    assert 200 == stack.get(TARGET, "ann:pa:ss:word").status
    assert ["client", "ann"] == stack.make("users").split()
    stack.make("user-remove", "LOGIN=ann")
    assert 401 == stack.get(TARGET, "ann:pa:ss:word").status


@pytest.mark.both_databases
def test_reader_account_cannot_write(stack: Stack) -> None:
    """The API's database account can read the tax data, but cannot write to the database."""
    code = """
import os
from income_tax.bootstrap.service_builders import build_engine
from income_tax.settings import read_settings
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
engine = build_engine(read_settings(os.environ), %r)
with engine.connect() as connection:
    print(connection.execute(text("SELECT COUNT(*) FROM brackets")).scalar())
for statement in ("DELETE FROM brackets", "UPDATE constants SET value = 0", "CREATE TABLE x (y INTEGER)"):
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
        print("done:", statement)
    except DBAPIError:
        print("refused")
"""
    said = stack.output("api", "python", "-c", code % stack.database)
    scales = [figure.get("brackets", []) for s in schedules().data["schedules"].values() for figure in s.values()]
    assert [str(sum(map(len, scales))), "refused", "refused", "refused"] == said.split()


@pytest.mark.profile("text")
def test_failure_alert_and_text_log(stack: Stack, credentials: str) -> None:
    """A failure causes a JSON 500, a mail with the request id, and correctly formatted lines in the text log."""
    answer = stack.get("/drill", credentials)
    assert_json_error(answer, 500)
    mail, *_again = wait_until(lambda: stack.mails(containing=answer.request_id))
    assert "error: Drill" in mail.get_content()
    lines = all_lines(stack, "api/api.log")  # includes the archives, because another test could have rotated the log
    assert any("drill route is on" in line for line in lines)
    assert [] == [line for line in lines if not TEXT_LINE.match(line)]


@pytest.mark.profile("text")
def test_requests_overtake_paused_requests(stack: Stack, credentials: str) -> None:
    """With SLEEP_TIME some requests pause, and other requests end before the paused requests."""

    def is_overtaken() -> bool:
        before = stack.count("api/api.log")
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: stack.get(TARGET, credentials), range(16)))
        assert [200] * 16 == [a.status for a in answers]
        text = stack.lines("api/api.log", before)
        paused = [line for line in text if "[index] thread paused for 0.05 second(s)" in line]
        begun = [line.rpartition("(")[2] for line in text if "[index] request: " in line]
        ended = [line.rpartition("(")[2] for line in text if "[index] answer: 200" in line]
        assert sorted(begun) == sorted(ended)
        return 0 < len(paused) < 16 and begun != ended

    wait_until(is_overtaken)
