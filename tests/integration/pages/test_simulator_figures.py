"""The values of the simulator in a real browser equal the values of the API."""

from playwright.sync_api import expect

from tests.support.browser import Open
from tests.support.family import QUERY, SIMULATOR, in_euros, in_percent
from tests.support.service import Service


def test_derived_figures(opened: Open, service: Service) -> None:
    """The page shows the rate of `/curve` on the next euros. The total of the brackets equals the tax step's result."""
    question = "married=yes&children=2&spouse_salary=20000&year=2024"
    for salary, step in ((50000, "tax_all_shares"), (180000, "tax_adult_shares")):
        curve = service.get(f"/curve?{question}&from={salary}&to={salary}&step=1000").body["response"]
        (point,) = curve["curve"]["points"]
        answer = service.get(f"/?{question}&salary={salary}&explain=yes").body["response"]["result"]
        (total,) = [one["result"] for one in answer["steps"] if one["name"] == step]
        with opened() as tab:
            tab.open(f"/simulator#{question}&salary={salary}")
            rate = point["marginal_rate"]
            assert f"Tax on your next €1,000 {in_euros(round(1000 * rate))} {in_percent(rate)}, " in tab.text("#tiles")
            assert f"{in_euros(total)} in total." in tab.text("#brackets")


def test_brackets_are_rounded_like_their_step(opened: Open, service: Service) -> None:
    """The page rounds the total of the brackets, and rounds half a euro up, as the API does in the tax step."""
    question = "year=2025&married=no&children=0&salary=93976"
    steps = service.get(f"/?{question}&explain=yes").body["response"]["result"]["steps"]
    (total,) = [step["result"] for step in steps if step["name"] == "tax_all_shares"]
    with opened() as tab:
        tab.open("/simulator#" + question)
        assert f"{in_euros(total)} in total." in tab.text("#brackets")


def test_years_equal_the_api(opened: Open, service: Service) -> None:
    """The page shows the API's amount for the household in each year."""
    asked = {str(year): f"/?{QUERY}".replace("year=2024", f"year={year}") for year in range(2018, 2026)}
    results = {year: service.get(target).body["response"]["result"] for year, target in asked.items()}
    with opened() as tab:
        tab.open(SIMULATOR)
        shown = [text.split() for text in tab.page.locator("#years button").all_inner_texts()]
        assert [[year, in_euros(result["collected"])] for year, result in results.items()] == shown


def test_curve_equals_the_api(opened: Open, service: Service) -> None:
    """The table shows the tax and the rates of every tenth point of `/curve`. The test omits the last marginal rate."""
    question = QUERY.replace("salary=50000", "from=0&to=80000&step=800", 1)
    points = service.get(f"/curve?{question}").body["response"]["curve"]["points"][::10]
    with opened() as tab:
        tab.open(SIMULATOR)
        tab.page.locator("summary").click()
        shown = [row.split() for row in tab.page.locator("#curve-table tbody tr").all_inner_texts()]
        known = [[in_euros(p["salary"]), in_euros(p["tax"]), in_percent(p["average_rate"])] for p in points]
        assert known == [row[:3] for row in shown]
        assert [in_percent(point["marginal_rate"]) for point in points[:-1]] == [row[3] for row in shown[:-1]]


def test_only_decisive_texts_are_linked(opened: Open, service: Service) -> None:
    """Each step links to the legal texts of its parameters only. A couple's cap links to no text on single parents."""
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


def test_rates_include_the_surtax(opened: Open, service: Service) -> None:
    """The rates and the curve include a surtax on high incomes, and their labels name the surtax."""
    question = "year=2024&married=no&children=0"
    results = [service.get(f"/?{question}&salary={salary}").body["response"]["result"] for salary in (600000, 601000)]
    due, more = (result["tax"] + result["cehr"] for result in results)
    with opened() as tab:
        tab.open(f"/simulator#{question}&salary=600000")
        tiles = tab.text("#tiles")
        assert f"Average rate {due / 600000:.1%} tax and CEHR divided by the salaries" in tiles
        assert f"Tax and CEHR on your next €1,000 {in_euros(more - due)} {(more - due) / 1000:.0%}, " in tiles
        assert f"Income tax and CEHR {in_euros(due)}" in tab.text("#curve-legend")


def test_amount_below_the_threshold(opened: Open, service: Service) -> None:
    """The page explains that an amount below the threshold is not collected."""
    question = "year=2024&married=no&children=0&salary=19300"
    result = service.get(f"/?{question}").body["response"]["result"]
    assert result["tax"] > 0 == result["collected"]
    with opened() as tab:
        tab.open("/simulator#" + question)
        assert "€0" == tab.text("#collected")
        assert "below the collection threshold (CGI art. 1657, 1 bis)" in tab.text("#uncollected")
        tab.open(SIMULATOR)
        expect(tab.page.locator("#uncollected")).to_be_hidden()
