"""The dated law over HTTP: one household, many, curves, schedules, and every way to ask wrongly."""

import csv
import io
import json
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.integration.income_tax.test_http import assert_json_error
from tests.support.budget import budget
from tests.support.data import law_cases, official_cases, schedules, v7_cases
from tests.support.law import as_result, asked, csv_of, query_of
from tests.support.service import Answer, Service, request

HOUSEHOLD = {"year": 2024, "married": "yes", "children": 2, "salary": 50_000}
QUERY = "/?year=2024&married=yes&children=2&salary=50000"
JSON, CSV = "application/json", "text/csv"


def get_all(service: Service, targets: list[str]) -> list[Any]:
    """The results of many targets, over one connection."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
    results = []
    for target in targets:
        connection.request("GET", target, headers={"Authorization": service.authorization})
        results.append(json.load(connection.getresponse())["response"]["result"])
    connection.close()
    return results


def test_all_cases_by_get(service: Service) -> None:
    """The cases of the law, one GET each."""
    cases = law_cases()[:: budget(7, 1)]  # a batch has them all
    assert [as_result(case) for case in cases] == [
        {name: value for name, value in result.items() if name in as_result(case)}
        for case, result in zip(cases, get_all(service, [query_of(case) for case in cases]), strict=True)
    ]


def test_all_cases_explained(service: Service) -> None:
    """The explanations of the cases have the tax by all shares and by the adults' alone, as the cases do."""
    names, cases = ("tax_all_shares", "tax_adult_shares"), law_cases()[:: budget(7, 1)]
    results = get_all(service, [query_of(case) + "&explain=yes" for case in cases])
    found = [{step["name"]: step["result"] for step in result["steps"]} for result in results]
    assert [[case[name] for name in names] for case in cases] == [[steps[name] for name in names] for steps in found]


def test_official_cases_by_get(service: Service) -> None:
    """The tax authority's own results for the incomes of 2018."""
    cases = official_cases()
    assert [case["tax"] for case in cases] == [r["tax"] for r in get_all(service, [query_of(c) for c in cases])]


def test_all_cases_in_one_json(service: Service) -> None:
    """All cases, those of the law, the official ones and those of v7, as one JSON array."""
    cases = [*law_cases(), *official_cases()]
    answer = service.post(json.dumps([asked(case) for case in cases] + [asked(case) for case in v7_cases()]), JSON)
    results = [item["result"] for item in answer.body["response"]["results"]]
    assert v7_cases() == results[len(cases) :]
    for case, result in zip(cases, results, strict=False):
        assert as_result(case) == {name: value for name, value in result.items() if name in as_result(case)}


def test_all_cases_in_one_csv(service: Service) -> None:
    """All cases as one CSV file, answered as CSV."""
    cases = [*law_cases(), *official_cases()]
    answer = service.post_raw(csv_of(cases), CSV, Accept=CSV)
    assert 200 == answer[0]
    lines = list(csv.DictReader(io.StringIO(answer[2].decode(), newline="")))
    assert [{n: str(v) for n, v in as_result(case).items()} for case in cases] == [
        {name: text for name, text in line.items() if name in as_result(case)}
        for case, line in zip(cases, lines, strict=True)
    ]
    assert {""} == {line["errors"] for line in lines}


def test_an_answer_in_csv_is_logged(service: Service) -> None:
    """The log has the body of an answer in CSV as it has that of one in JSON."""
    body = "year,married,children,salary\n2024,yes,2,50000\n"
    _, headers, answer = service.post_raw(body, CSV, Accept=CSV)
    (line,) = [r for r in service.log() if r.get("request_id") == headers["x-request-id"] and r["event"] == "answer"]
    assert answer.decode() == line["body"]


def test_one_object_is_as_get(service: Service) -> None:
    """One household in the body gives the answer of GET, explanation included, and stays out of the address."""
    one = service.get(QUERY + "&explain=yes")
    other = service.post(json.dumps(HOUSEHOLD | {"explain": "yes"}), JSON)
    assert [200, 200] == [one.status, other.status]
    assert one.body == other.body
    assert "deduction" == one.body["response"]["result"]["steps"][0]["name"]
    urls = [
        record["url"] for record in service.log() if record.get("request_id") == other.request_id and "url" in record
    ]
    assert ["/"] == urls


def test_without_a_year_as_ever(service: Service) -> None:
    """Without a year the bytes of the answer are those of version 7."""
    target = "/?married=yes&children=2&salary=50000"
    status, _, body = service.request("GET", target)
    assert 200 == status
    assert (
        b'{"response":{"result":{"married":"yes","children":2,"salary":50000,"tax":1384,"surcharge":0,"rate":0.14,'
        b'"discount":384,"reduction":347}}}' == body
    )


def test_version_of_the_schedules(service: Service) -> None:
    """Each calculation says from which schedules it was made, and so does its log line."""
    answers = [service.get(QUERY), service.post(json.dumps([HOUSEHOLD]), JSON), service.get("/curve?" + CURVE)]
    version = schedules().version
    assert [version] * 3 == [answer.headers["x-schedules-version"] for answer in answers]
    logged = {r["request_id"]: r["schedules"] for r in service.log() if r["event"] == "answer" and "schedules" in r}
    assert [version] * 3 == [logged[answer.request_id] for answer in answers]


def test_good_and_bad_in_one_batch(service: Service) -> None:
    """Each household has its result or its own errors, at its place."""
    batch = [HOUSEHOLD, HOUSEHOLD | {"salary": -1, "x": 1}, 7, {"married": "no", "children": 0, "salary": 1}]
    answer = service.post(json.dumps(batch), JSON)
    assert 200 == answer.status
    first, second, third, fourth = answer.body["response"]["results"]
    assert 2024 == first["result"]["income_year"]
    assert [
        "household [1]: parameter [salary] has an invalid value: [-1]",
        "household [1]: unknown parameter [x]",
    ] == second["errors"]
    assert ["household [2]: not a JSON object"] == third["errors"]
    assert ["married", "children", "salary"] == list(fourth["result"])[:3]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("[]", JSON, 400),
        ("", JSON, 400),
        ("[" * 50_000, JSON, 400),
        ('{"salary": 1, "salary": 2}', JSON, 400),
        (json.dumps(HOUSEHOLD | {"year": 2030}), JSON, 400),
        (json.dumps(HOUSEHOLD), "text/plain", 415),
        (json.dumps(HOUSEHOLD), "", 415),
        ("married=yes&children=2&salary=1", "application/x-www-form-urlencoded", 415),
        ("salary\n1\n", CSV, 400),
        (json.dumps([HOUSEHOLD] * 10_001), JSON, 413),
        ("married,children,salary\n" + "yes,2,3\n" * 10_001, CSV, 413),
        ("x" * (10_000 * 1024 + 1), JSON, 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bodies_that_are_refused(service: Service, body: str, content_type: str, status: int) -> None:
    """A body that is broken, empty, ambiguous, too long or of another type is refused in JSON."""
    answer = service.post(body, content_type)
    assert_json_error(answer, status)
    if status == 413:
        assert 10_000 == answer.body["response"]["limit"]


def test_ten_thousand_households(service: Service) -> None:
    """The limit itself is taken."""
    answer = service.post(json.dumps([HOUSEHOLD] * 10_000), JSON)
    assert 200 == answer.status
    assert 10_000 == len(answer.body["response"]["results"])


@pytest.mark.parametrize(
    "chunks",
    [b"ZZ\r\n{}\r\n0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n", b"2\r\n{}\r\n0\r\nbad trailer\r\n\r\n", b"40\r\n{}"],
    ids=["no size", "no end of a chunk", "a bad trailer", "cut off"],
)
def test_a_malformed_chunked_body(service: Service, chunks: bytes) -> None:
    """A body whose chunks are malformed is the sender's mistake: a 400, and no alert."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {service.authorization}\r\nContent-Type: {JSON}\r\n"
    answer = service.raw(f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunks, end=True)
    assert_json_error(answer, 400)
    assert answer.errors[0].startswith("the body is malformed")
    assert service.mailbox.empty()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv; charset=utf-8", "text/csv"),
        ("text/csv;header=present, application/json;q=0.5", "text/csv"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_the_form_of_the_answer_is_negotiated(service: Service, accept: str, kind: str) -> None:
    """The preferred type is given, whatever its parameters; caches are told that it depends on Accept."""
    status, headers, _ = service.post_raw(json.dumps([HOUSEHOLD]), JSON, Accept=accept)
    assert (200, kind, "Accept") == (status, headers["content-type"].partition(";")[0], headers["vary"])


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Content_Encoding": "gzip"}, "the body is encoded as [gzip]"),
        ({"Content_Type": "application/json; charset=iso-8859-1"}, "the body is in [iso-8859-1]"),
    ],
)
def test_codings_that_are_not_read(service: Service, headers: dict[str, str], said: str) -> None:
    """A compressed body, or one in another character set, is a 415 that says so."""
    sent = {"Content_Type": JSON} | headers
    _, _, body = request(service.port, "/", service.credentials, "POST", json.dumps(HOUSEHOLD).encode(), **sent)
    (error,) = json.loads(body)["response"]["errors"]
    assert error.startswith(said)


def test_a_body_that_ends_early(service: Service) -> None:
    """A body that is shorter than it was announced to be is not calculated with."""
    body = json.dumps(HOUSEHOLD).encode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {service.authorization}\r\nContent-Type: {JSON}\r\n"
    answer = service.raw(
        f"{head}Content-Length: {len(body) + 9}\r\nConnection: close\r\n\r\n".encode() + body, end=True
    )
    assert_json_error(answer, 400)


def test_parameters_in_two_places(service: Service) -> None:
    """A POST whose address has parameters too is refused: nobody knows which ones should hold."""
    assert_json_error(service.post(json.dumps(HOUSEHOLD), JSON, target=QUERY), 400)


def test_errors_name_the_years(service: Service) -> None:
    """A year that there is no law of is refused with the years that there are, never guessed."""
    answer = service.get(QUERY.replace("2024", "2030"))
    assert_json_error(answer, 400)
    assert ["parameter [year] has an invalid value: [2030]"] == answer.errors
    assert ["[year] once: one of the income years 2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025"] == answer.body[
        "response"
    ]["expected"]


CURVE = "year=2024&married=yes&children=2&from=0&to=120000&step=500"


def test_curve(service: Service) -> None:
    """Each point has the tax that GET gives, its share of the salary, and the tax's rise over the next step."""
    curve = service.get("/curve?" + CURVE).body["response"]["curve"]
    points = curve.pop("points")
    assert {
        "income_year": 2024,
        "married": "yes",
        "single_parent": "no",
        "children": 2,
        "spouse_salary": 0,
        "from": 0,
        "to": 120_000,
        "step": 500,
    } == curve
    assert list(range(0, 120_001, 500)) == [point["salary"] for point in points]
    taxes = [service.get(QUERY.replace("50000", str(s))).body["response"]["result"]["tax"] for s in (60_000, 60_500)]
    here = points[120]
    assert [60_000, taxes[0]] == [here["salary"], here["tax"]]
    assert [round(taxes[0] / 60_000, 6), round((taxes[1] - taxes[0]) / 500, 6)] == [
        here["average_rate"],
        here["marginal_rate"],
    ]


def test_curve_of_others(service: Service) -> None:
    """A single parent, a second salary, French names, and the rules without a year have curves too."""
    alone = "/curve?year=2024&married=no&single_parent=yes&children=1&from=50000&to=50000&step=1"
    two = "/curve?annee=2024&marie=oui&enfants=1&salaire_conjoint=30000&de=50000&a=50000&pas=1"
    old = "/curve?married=no&children=1&from=50000&to=50000&step=1"
    wanted = [
        "/?year=2024&married=no&single_parent=yes&children=1&salary=50000",
        "/?year=2024&married=yes&children=1&salary=50000&spouse_salary=30000",
        "/?married=no&children=1&salary=50000",
    ]
    taxes = [service.get(target).body["response"]["curve"]["points"][0]["tax"] for target in (alone, two, old)]
    assert [service.get(target).body["response"]["result"]["tax"] for target in wanted] == taxes


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("year=2025&married=no&children=0&from=0&to=264555&step=264555", []),
        ("year=2025&married=no&children=0&from=0&to=300000&step=100000", ["CDHR"]),
        ("year=2025&married=yes&children=0&from=0&to=300000&step=100000", []),
        ("year=2025&married=yes&children=0&from=0&to=300000&step=100000&spouse_salary=300000", ["CDHR"]),
        ("year=2024&married=no&children=0&from=0&to=300000&step=100000", []),
        ("year=2018&married=no&children=0&from=0&to=300000&step=100000", ["CIMR"]),
    ],
)
def test_notes_of_a_curve(service: Service, query: str, codes: list[str]) -> None:
    """A curve has the notes that the results at its points have, and no others; where there are none, no `notes`."""
    curve = service.get("/curve?" + query).body["response"]["curve"]
    household = query.partition("&from=")[0] + "&spouse_salary=" + str(curve["spouse_salary"])
    targets = [f"/?{household}&salary={point['salary']}" for point in curve["points"]]
    of_results = {note["code"]: note for result in get_all(service, targets) for note in result.get("notes", [])}
    assert codes == [*of_results]
    assert [*of_results.values()] == curve.get("notes", [])
    assert bool(codes) == ("notes" in curve)


V7_CURVE = (
    '{"response":{"curve":{"married":"yes","children":3,"from":0,"to":200000,"step":100000,"points":['
    '{"salary":0,"tax":0,"average_rate":0.0,"marginal_rate":0.092},'
    '{"salary":100000,"tax":9200,"average_rate":0.092,"marginal_rate":0.33642},'
    '{"salary":200000,"tax":42842,"average_rate":0.21421,"marginal_rate":0.41}]}}}'
)


def test_curve_without_a_year(service: Service) -> None:
    """The curve of the rules `v7` stays as it is, byte for byte."""
    _, _, body = service.request("GET", "/curve?married=yes&children=3&from=0&to=200000&step=100000")
    assert V7_CURVE.encode() == body


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "parameter [marié] is missing"),
        (CURVE.replace("step=500", "step=0"), "parameter [step] has an invalid value: [0]"),
        (CURVE.replace("step=500", "step=1"), "[from], [to] and [step] make 120001 points"),
        (CURVE.replace("to=120000", "to=x"), "parameter [to] has an invalid value: [x]"),
        (CURVE.replace("from=0", "from=120001"), "[from] is 120001, above [to], 120000"),
        ("marie=oui&enfants=2&de=5&a=3&pas=1", "[de] is 5, above [a], 3"),
        ("married=yes&children=2&de=0&to=2000&pas=1", "[de], [to] and [pas] make 2001 points"),
        (CURVE + "&salary=1", "unknown parameter [salary]"),
        (CURVE.replace("2024", "2026"), "parameter [year] has an invalid value: [2026]"),
        (
            CURVE + "&single_parent=yes",
            "parameter [single_parent] contradicts [married]: a single parent is not married",
        ),
    ],
)
def test_curves_that_are_refused(service: Service, query: str, error: str) -> None:
    """Each wrong parameter of a curve is named."""
    answer = service.get("/curve?" + query)
    assert_json_error(answer, 400)
    assert error == answer.errors[0]


def test_hints_of_a_curve(service: Service) -> None:
    """What would be right is said in the names of the request as well."""
    hints = {
        "de=5&a=3": ["[de] up to [a]"],
        "from=0&a=2000": ["at most 2000 points: a larger [pas], or a smaller range"],
    }
    for query, expected in hints.items():
        answer = service.get(f"/curve?marie=oui&enfants=2&pas=1&{query}")
        assert expected == answer.body["response"]["expected"]


def test_two_thousand_points(service: Service) -> None:
    """The most points that a curve may have."""
    answer = service.get("/curve?married=no&children=0&from=1&to=2000&step=1")
    assert 2000 == len(answer.body["response"]["curve"]["points"])
    assert_json_error(service.get("/curve?married=no&children=0&from=0&to=2000&step=1"), 400)


def test_schedules(service: Service) -> None:
    """Every figure is there with its unit, article, words, date and texts, as the data file has it."""
    answer = service.get("/schedules")
    told, data = answer.body["response"], schedules().data
    assert [schedules().version, [*range(2018, 2026)]] == [told["version"], told["years"]]
    assert data["parameters"] == told["parameters"]
    assert {*map(str, range(2018, 2026)), "v7"} == told["schedules"].keys()
    assert {"value": 1791, "since": "2024-01-01"} == {
        name: told["schedules"]["2024"]["cap_half_share"][name] for name in ("value", "since")
    }
    assert {"above": 11_497, "rate": 0.11} == told["schedules"]["2024"]["scale"]["brackets"][1]
    assert [] == [n for s in told["schedules"].values() for n in s if n not in told["parameters"]]
    assert all(words["unit"] and words["article"] for words in told["parameters"].values())


def test_one_schedule(service: Service) -> None:
    """One schedule has the words beside the figures; there is no other by a wrong name."""
    told = service.get("/schedules/2024").body["response"]
    assert "2024" == told["schedule"]
    whole = service.get("/schedules").body["response"]
    assert {name: whole["parameters"][name] | figure for name, figure in whole["schedules"]["2024"].items()} == told[
        "parameters"
    ]
    answer = service.get("/schedules/2030")
    assert_json_error(answer, 404)
    assert [*map(str, range(2018, 2026)), "v7"] == answer.body["response"]["expected"]


@pytest.mark.parametrize("target", ["/schedules", "/schedules/2018"])
def test_schedules_are_cached(service: Service, target: str) -> None:
    """Who has the schedules already is told so; a shared cache must not keep what a login protects."""
    answer = service.get(target)
    assert "private" == answer.headers["cache-control"]
    again = service.request("GET", target, If_None_Match=answer.headers["etag"])
    assert (304, b"") == (again[0], again[2])
    assert 200 == service.get(target, If_None_Match='"other"').status


@pytest.mark.parametrize("target", [QUERY, "/curve?" + CURVE, "/schedules", "/schedules/2024"])
def test_login_is_asked_for(service: Service, target: str) -> None:
    """None of it without a login."""
    assert_json_error(service.get(target, credentials=None), 401)


def test_post_needs_a_login(service: Service) -> None:
    """A body is not even looked at without a login."""
    refused: Answer = service.post("[" * 100_000, JSON, credentials=None)
    assert_json_error(refused, 401)
