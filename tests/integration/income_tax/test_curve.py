"""Tests of `GET /curve` over HTTP."""

import pytest

from tests.integration.income_tax.law_requests import CURVE, QUERY, assert_json_error, get_all
from tests.support.service import Service


def test_curve(service: Service) -> None:
    """Each point contains the tax from `GET /`, the average rate, and the marginal rate up to the next point."""
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


def test_curves_of_other_households(service: Service) -> None:
    """The curves of a single parent, of a couple (in French), and of a household without a year match `GET /`."""
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
        ("year=2025&married=yes&children=0&from=0&to=300000&step=100000&spouse_salary=300000", []),
        ("year=2024&married=no&children=0&from=0&to=300000&step=100000", []),
        ("year=2018&married=no&children=0&from=0&to=300000&step=100000", ["CIMR"]),
    ],
)
def test_notes_of_a_curve(service: Service, query: str, codes: list[str]) -> None:
    """A curve contains exactly the notes of the results at its points, and no field `notes` if no result has a note."""
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
    """The response to a request without a year equals the curve response of version 7 byte for byte."""
    _, _, body = service.request("GET", "/curve?married=yes&children=3&from=0&to=200000&step=100000")
    assert V7_CURVE.encode() == body


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "parameter [marié] is missing"),
        (CURVE.replace("step=500", "step=0"), "parameter [step] has an invalid value: [0]"),
        (CURVE.replace("step=500", "step=1"), "[from], [to] and [step] result in 120001 points"),
        (CURVE.replace("to=120000", "to=x"), "parameter [to] has an invalid value: [x]"),
        (CURVE.replace("from=0", "from=120001"), "[from] is 120001, but [to] is only 120000"),
        ("marie=oui&enfants=2&de=5&a=3&pas=1", "[de] is 5, but [a] is only 3"),
        ("married=yes&children=2&de=0&to=2000&pas=1", "[de], [to] and [pas] result in 2001 points"),
        (CURVE + "&salary=1", "unknown parameter [salary]"),
        (CURVE.replace("2024", "2026"), "parameter [year] has an invalid value: [2026]"),
        (
            CURVE + "&single_parent=yes",
            "parameter [single_parent] contradicts [married]: a single parent is not married",
        ),
    ],
)
def test_invalid_curves(service: Service, query: str, error: str) -> None:
    """The service rejects an invalid curve request, and the first error names the invalid parameter."""
    answer = service.get("/curve?" + query)
    assert_json_error(answer, 400)
    assert error == answer.errors[0]


def test_expected_values_of_a_curve(service: Service) -> None:
    """The list of expected values uses the parameter names of the request."""
    hints = {
        "de=5&a=3": ["[de] not above [a]"],
        "from=0&a=2000": ["at most 2000 points: a larger [pas], or a smaller range"],
    }
    for query, expected in hints.items():
        answer = service.get(f"/curve?marie=oui&enfants=2&pas=1&{query}")
        assert expected == answer.body["response"]["expected"]


def test_largest_curve(service: Service) -> None:
    """The service returns a curve with the maximum of 2,000 points."""
    answer = service.get("/curve?married=no&children=0&from=1&to=2000&step=1")
    assert 2000 == len(answer.body["response"]["curve"]["points"])
    assert_json_error(service.get("/curve?married=no&children=0&from=0&to=2000&step=1"), 400)
