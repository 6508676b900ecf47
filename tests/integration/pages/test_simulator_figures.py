"""The figures of the simulator, in a real browser, beside those that the API answers."""

from playwright.sync_api import expect

from tests.support.browser import Open
from tests.support.family import QUERY, SIMULATOR, in_euros, in_percent
from tests.support.service import Service


def test_what_the_page_works_out_is_right(opened: Open, service: Service) -> None:
    """The marginal rate is that of the curve, and the brackets add up to the step of the law that they picture."""
    question = "married=yes&children=2&spouse_salary=20000&year=2024"
    for salary, step in ((50000, "tax_all_shares"), (180000, "tax_adult_shares")):
        curve = service.get(f"/curve?{question}&from={salary}&to={salary}&step=1000").body["response"]
        (point,) = curve["curve"]["points"]
        answer = service.get(f"/?{question}&salary={salary}&explain=yes").body["response"]["result"]
        (total,) = [one["result"] for one in answer["steps"] if one["name"] == step]
        with opened() as tab:
            tab.open(f"/simulator#{question}&salary={salary}")
            assert f"Marginal rate {in_percent(point['marginal_rate'])}" in tab.text("#tiles")
            assert f"{in_euros(total)} in total." in tab.text("#brackets")


def test_brackets_are_rounded_as_their_step(opened: Open, service: Service) -> None:
    """Brackets that add up to half a euro come to what the step of the law comes to, which rounds it up."""
    question = "year=2025&married=no&children=0&salary=93976"
    steps = service.get(f"/?{question}&explain=yes").body["response"]["result"]["steps"]
    (total,) = [step["result"] for step in steps if step["name"] == "tax_all_shares"]
    with opened() as tab:
        tab.open("/simulator#" + question)
        assert f"{in_euros(total)} in total." in tab.text("#brackets")


def test_years_are_those_of_the_api(opened: Open, service: Service) -> None:
    """Each year has the amount that the API answers for the household in that year."""
    asked = {str(year): f"/?{QUERY}".replace("year=2024", f"year={year}") for year in range(2018, 2026)}
    results = {year: service.get(target).body["response"]["result"] for year, target in asked.items()}
    with opened() as tab:
        tab.open(SIMULATOR)
        shown = [text.split() for text in tab.page.locator("#years button").all_inner_texts()]
        assert [[year, in_euros(result["collected"])] for year, result in results.items()] == shown


def test_curve_is_that_of_the_api(opened: Open, service: Service) -> None:
    """The curve's table, every tenth of its points, has tax and rates as /curve has them; the last has no next step."""
    question = QUERY.replace("salary=50000", "from=0&to=80000&step=800", 1)
    points = service.get(f"/curve?{question}").body["response"]["curve"]["points"][::10]
    with opened() as tab:
        tab.open(SIMULATOR)
        tab.page.locator("summary").click()
        shown = [row.split() for row in tab.page.locator("#curve-table tbody tr").all_inner_texts()]
        known = [[in_euros(p["salary"]), in_euros(p["tax"]), in_percent(p["average_rate"])] for p in points]
        assert known == [row[:3] for row in shown]
        assert [in_percent(point["marginal_rate"]) for point in points[:-1]] == [row[3] for row in shown[:-1]]


def test_only_texts_that_decided_are_linked(opened: Open, service: Service) -> None:
    """A step links the texts of the figures that decided: a couple's cap none of those about single parents."""
    figures = service.get("/schedules/2024").body["response"]["parameters"]
    result = service.get(f"/?{QUERY}&explain=yes").body["response"]["result"]
    sources = [[one for name in step["parameters"] for one in figures[name]["references"]] for step in result["steps"]]
    links = """steps => steps.map(step => [...step.querySelectorAll("a")])
        .map(links => Object.fromEntries(links.map(link => [link.getAttribute("href"), link.textContent])))"""
    with opened() as tab:
        tab.open(SIMULATOR)
        linked = tab.page.locator("#steps > li").evaluate_all(links)
        assert [{one["url"]: one["title"] for one in texts if one["url"]} for texts in sources] == linked
        cap = next(link for step, link in zip(result["steps"], linked, strict=True) if step["name"] == "cap")
        assert {one["url"]: one["title"] for one in figures["cap_half_share"]["references"]} == cap


def test_rates_are_those_of_what_is_due(opened: Open, service: Service) -> None:
    """Where high incomes owe a surtax beside the tax, the rates and the curve are those of both, and say so."""
    question = "year=2024&married=no&children=0"
    results = [service.get(f"/?{question}&salary={salary}").body["response"]["result"] for salary in (600000, 601000)]
    due, more = (result["tax"] + result["cehr"] for result in results)
    with opened() as tab:
        tab.open(f"/simulator#{question}&salary=600000")
        tiles = tab.text("#tiles")
        assert f"Average rate {due / 600000:.1%} tax and CEHR out of the salaries" in tiles
        assert f"Marginal rate {(more - due) / 1000:.0%} tax and CEHR on the next €1,000 of salary" in tiles
        assert f"Income tax and CEHR {in_euros(due)}" in tab.text("#curve-legend")


def test_amount_that_is_not_collected(opened: Open, service: Service) -> None:
    """An amount under the collection threshold is not asked for, and the page says that it is not."""
    question = "year=2024&married=no&children=0&salary=19300"
    result = service.get(f"/?{question}").body["response"]["result"]
    assert result["tax"] > 0 == result["collected"]
    with opened() as tab:
        tab.open("/simulator#" + question)
        assert "€0" == tab.text("#collected")
        assert "under the collection threshold (CGI art. 1657, 1 bis)" in tab.text("#uncollected")
        tab.open(SIMULATOR)
        expect(tab.page.locator("#uncollected")).to_be_hidden()
