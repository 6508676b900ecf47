"""What is made of a flood: its summary, its reports, their merging and comparison, its limits."""

import re
from html.parser import HTMLParser

import pytest

from tax_client.load.comparison import comparison
from tax_client.load.merge import merge
from tax_client.load.report.page import page
from tax_client.load.report.scale import Scale, duration, fitting, thousands, upwards
from tax_client.load.report.svg import BOTTOM, TOP, Chart, plot_x
from tax_client.load.run import Recorder, Run
from tax_client.load.summary import summary
from tax_client.load.thresholds import has_failed, parse_threshold
from tests.unit.client.flood_runs import run_of, tally, troubled_run


def test_the_summary_gives_counts_throughput_latencies_and_errors() -> None:
    """The summary of a known run is these lines; what a terminal would obey is shown."""
    run = troubled_run()
    run.total.cpu = 0.25
    assert [
        "requests    6 sent, 3 right, 1 wrong, 1 failed, 1 unanswered",
        "throughput  8.0 answers/s over 0.50 s",
        "latency     p50 2.0 ms  p95 4.0 ms  p99 4.0 ms  max 4.0 ms",
        "client      50% of 1 core(s)",
        "errors      1 timeout",
        "example     timeout: expected <an> answer",
        "wrong       request abc (number 4, salary=1&married=no): tax: expected 1, got <script>alert(1)</script>\\x1b",
    ] == summary(run).splitlines()


def test_the_summary_warns_of_a_client_that_is_the_limit_and_of_what_was_not_sent() -> None:
    """A client that used its core, requests without a connection, a process that was killed: each is told."""
    run = run_of(*[tally(cpu=1, unsent=7, retries=2) for _ in range(4)])
    run.total.retried.update({"status 503": 2})
    run.ended_badly = ["process 1 of the client was ended by SIGKILL"]
    said = summary(run)
    assert "requests    16 sent, 16 right, 0 wrong, 0 failed, 28 never sent" in said
    assert "retries     8 (2 status 503)" in said
    assert "beware      the client is the limit, not the server" in said
    assert "beware      28 request(s) were due and never sent" in said
    assert "beware      process 1 of the client was ended by SIGKILL" in said


def test_the_warm_up_is_not_in_the_throughput() -> None:
    """Of two quarters of four answers each, the first of them warm-up, the throughput is that of the second."""
    run = run_of(tally(measured=0), tally(), measured_from=0.25)
    assert 16.0 == run.rate


def test_a_warm_up_that_never_ended_is_told() -> None:
    """Where all was answered before figures began there are none, and the summary says why."""
    assert "no answer came after the ramp-up and the warm-up" in summary(run_of(tally(measured=0), measured_from=5.0))


def ended(requests: int | None, stopped: float | None, length: float | None, badly: bool = False) -> Run:
    """Eight answers in half a second, the last one after 0.4 s, of a flood that ended so."""
    run = run_of(tally(), tally())
    run.length, run.total.last = length, 0.4
    run.ended_badly = ["process 0 was ended"] if badly else []
    Recorder(run).end(requests, stopped)
    return run


@pytest.mark.parametrize(
    ("run", "seconds"),
    [
        (ended(None, None, 0.6), 0.6),
        (ended(8, None, None), 0.4),
        (ended(8, None, 0.6), 0.4),
        (ended(9, None, 0.6), 0.6),
        (ended(None, 0.3, 0.6), 0.3),
        (ended(9, 0.3, None), 0.3),
        (ended(9, 0.8, None), 0.5),
        (ended(None, None, 0.6, badly=True), 0.5),
    ],
    ids=["planned end", "all sent", "all sent early", "not all sent", "stopped", "stopped, no end", "late", "killed"],
)
def test_the_throughput_ends_with_what_ended_the_flood(run: Run, seconds: float) -> None:
    """The planned end, the last answer when all was sent, or the interruption; not what was waited for after it."""
    assert (seconds, 8 / seconds) == pytest.approx((run.measured_seconds, run.rate))


def test_what_was_never_sent_is_not_all_right() -> None:
    """Of three right answers and 97 requests without a connection, 97 % are errors, and the page's verdict is bad."""
    run = run_of(tally(range(1000, 4000, 1000), unsent=97))
    assert (97, False) == (run.total.errors, run.all_right)
    for text in ("errors>0", "errors>=97%", "unsent>96"):
        assert parse_threshold(text).is_met(run)
    assert '<span class="verdict bad">97 of 100 not right</span>' in page(run)
    assert "97 never sent" in page(run)


def test_a_client_that_ended_badly_gives_no_good_verdict() -> None:
    """All answers are right, and a process was killed: the page does not say that all is well."""
    run = run_of(tally())
    assert '<span class="verdict good">every answer right</span>' in page(run)
    run.ended_badly = ["process 0 was ended by SIGKILL"]
    assert '<span class="verdict bad">the client itself had trouble</span>' in page(run)


def test_clients_at_the_same_time_are_one_run() -> None:
    """Counts add up, percentiles are those of all answers, and who began a second later is laid a second later."""
    first, second = run_of(tally()), run_of(tally(range(10_000, 50_000, 10_000)), started=1001.0)
    merged = merge([first, second])
    assert (8, 8, 2, 1000.0) == (merged.total.sent, merged.total.right, merged.clients, merged.started)
    assert [0, 4] == sorted(merged.intervals)
    assert 1.25 == merged.elapsed
    assert 40 == pytest.approx(merged.total.latencies.max, rel=1e-3)
    assert 4 == pytest.approx(merged.total.latencies.percentiles([50])[0], rel=1e-3)


def test_what_each_client_has_for_itself_is_told_so() -> None:
    """Three clients with the same options: rates, connections and processes are those of each; the rest is common."""
    runs = [run_of(tally(), started=1000.0 + n) for n in range(3)]
    own = {"loop": "open, 100 requests/s", "connections": 4, "processes": 1, "requests": None, "retries": 2}
    for run in runs:
        run.settings = dict(own)
    told = {"loop": "3 clients x open, 100 requests/s", "connections": "3 clients x 4", "processes": "3 clients x 1"}
    assert own | told == merge(runs).settings
    runs[2].settings["connections"] = 8
    assert "4, 4, 8" == merge(runs).settings["connections"]


def test_a_client_that_left_no_report_is_missed() -> None:
    """Of three clients two have left a report: the figures are theirs, and not all is right."""
    runs = [run_of(tally()), run_of(tally())]
    assert merge(runs, expected=2).all_right
    merged = merge(runs, expected=3)
    assert not merged.all_right
    assert "beware      1 of 3 clients left no report" in summary(merged)


def test_clients_one_after_the_other_are_told() -> None:
    """Runs of half a second, three seconds apart: the throughput is that of the pause too, and the summary says so."""
    second, third = run_of(tally(), tally(), started=1003.5), run_of(tally(), tally(), started=1003.7)
    merged = merge([third, run_of(tally(), tally()), second])
    assert "beware      the clients were not there at the same time: for 3.0 s there was none" in summary(merged)
    assert merged.all_right
    assert [] == merge([second, third]).remarks


def test_long_runs_keep_longer_intervals() -> None:
    """Of five minutes there are intervals of a second; nothing of them is lost."""
    run = run_of(*[tally() for _ in range(1200)])
    assert 1.0 == run.interval
    assert 300 == len(run.intervals)
    assert {16} == {part.tally.right for part in run.intervals.values()}
    assert 4800 == run.total.right


def test_two_runs_are_set_side_by_side() -> None:
    """Each figure of both, how it changed, and what was set otherwise."""
    first, second = run_of(tally()), run_of(tally(range(2000, 10_000, 2000), unsent=7))
    second.settings["url"] = "http://y"
    said = comparison(first, second, ("a.json", "b.json"))
    assert re.search(r"^p50 ms +2\.00 +4\.00 +\+100\.\d %$", said, re.MULTILINE)
    for name in ("sent +4 +4", "unanswered +0 +0", "unsent +0 +7"):
        assert re.search(rf"^{name} +(same|new)$", said, re.MULTILINE)
    assert "  url: http://x / http://y" in said


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("p99>200ms", False),
        ("p99>3.9ms", True),
        ("P99 > .0039 S", True),
        ("ERRORS>.1%", True),
        ("p50 <= 2100us", True),
        ("max>=0.1s", False),
        ("mean<1s", True),
        ("errors>0", True),
        ("errors>50%", False),
        ("errors>=50 %", True),
        ("wrong>0", True),
        ("failed>1", False),
        ("retries>0", False),
        ("rate<8.1", True),
        ("rate<8/s", False),
        ("unsent>0", False),
    ],
)
def test_thresholds_fail_a_run(text: str, met: bool) -> None:
    """Latencies, counts, shares and the rate of a run of six requests, half of them bad, against limits."""
    assert met is parse_threshold(text).is_met(troubled_run())


@pytest.mark.parametrize(
    ("texts", "fails"),
    [
        ("", True),
        ("p99>200ms", True),
        ("errors>50%", False),
        ("errors>1%", True),
        ("wrong>1", True),
        ("wrong>1 failed>1", True),
        ("wrong>1 failed>1 unsent>2", False),
        ("wrong>1 failed>0 unsent>2", True),
        ("errors>50% failed>0", True),
        ("errors>50% p99>1ms", True),
    ],
)
def test_conditions_alone_judge_the_trouble_that_they_are_about(texts: str, fails: bool) -> None:
    """One wrong answer, one failure, two requests never sent: each fails a run, unless a condition allows so many."""
    bad = tally(sent=6, wrong=1, unsent=2)
    bad.failures["timeout"] = 1
    assert fails is has_failed(run_of(bad), [parse_threshold(text) for text in texts.split()])


def test_no_condition_excuses_the_client_itself() -> None:
    """A run that sent nothing, or of which a process died, has failed, whatever its conditions allow."""
    allowed = [parse_threshold("errors>100%")]
    killed = run_of(tally())
    assert not has_failed(killed, allowed)
    killed.ended_badly = ["process 0 was ended by SIGKILL"]
    assert has_failed(killed, allowed)
    assert has_failed(run_of(), allowed)


@pytest.mark.parametrize(
    "text",
    ["p99>200", "p0>1ms", "p99=2ms", "foo>1", "errors>1ms", "rate>5%", "p99>-1ms", "", "p99>", "errors==0", "errors>."],
)
def test_what_is_no_threshold_is_refused(text: str) -> None:
    """The error says what was expected and repeats what was found."""
    known = r"\(>, >=, < or <=\) and a limit: p50, .* mean or max .* errors, wrong, failed, unsent or retries .* rate "
    with pytest.raises(ValueError, match=rf"expected a figure, a comparison {known}.*found \[{re.escape(text)}\]"):
        parse_threshold(text)


def test_a_run_without_an_answer_fails_every_limit_of_latency_and_rate() -> None:
    """Where nothing was answered, p99 is not below anything; time-outs have a latency, and no rate."""
    run = run_of()
    assert "nothing was sent" in page(run)
    assert parse_threshold("p99>200ms").is_met(run)
    assert parse_threshold("rate<1").is_met(run)
    late = run_of(tally(right=0, answered=0, measured=0))
    assert not parse_threshold("p99>200ms").is_met(late)
    assert parse_threshold("rate>0").is_met(late)


class Reader(HTMLParser):
    """Collects the tags of a page, and checks that each that is opened is closed."""

    VOID = ("meta", "link", "br", "line", "path", "rect", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It must be the last that was opened."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_draws_and_asks_nobody() -> None:
    """Five pictures, no script, no address but that of an empty icon; what a server answered is text in it."""
    reader = Reader(page(troubled_run()))
    assert [] == reader.open
    assert 5 == reader.tags.count("svg")
    assert "script" not in reader.tags
    assert ["data:,"] == reader.addresses
    assert "got &lt;script&gt;alert(1)&lt;/script&gt;\\x1b" in page(troubled_run())


@pytest.mark.parametrize(
    ("households", "said"),
    [(11.0, "176 households a second"), (1.5, "24 households a second"), (1, "over 0.5 s"), ("1, 500", "over 0.5 s")],
)
def test_households_a_second_are_those_that_were_sent(households: object, said: str) -> None:
    """Sixteen answers a second to so many households each; of clients that differ there is no such figure."""
    run = run_of(tally(), tally())
    run.settings["households a request"] = households
    assert f"<dd>16/s<small>{said}</small>" in page(run)


@pytest.mark.parametrize("run", [run_of(), run_of(tally()), run_of(tally(range(5, 6))), run_of(tally(range(0)))])
def test_pages_of_little_are_whole_too(run: object) -> None:
    """No answer at all, a quarter of a second, a single answer: a page each."""
    assert [] == Reader(page(run)).open  # type: ignore[arg-type]


def test_labels_of_an_axis_do_not_overlap() -> None:
    """A label that has no room beside the one before is left out; its tick stays."""
    chart = Chart("x", plot_x(0, 100), upwards(1, BOTTOM, TOP))
    chart.axes(lambda value: f"{value:g} milliseconds", thousands, "time", [0, 50, 99, 100])
    drawn = chart.svg()
    assert [True, True, True, False] == [f">{value} milliseconds<" in drawn for value in (0, 50, 99, 100)]
    assert 4 == drawn.count('class="tick"')


def test_a_rare_thing_is_seen_beside_a_frequent_one() -> None:
    """A bar of a thousandth of the scale is two pixels high, one of nothing has no height."""
    chart = Chart("x", plot_x(0, 3), upwards(1000, BOTTOM, TOP))
    for place, count in enumerate((1000, 1, 0)):
        chart.bar("one", place, place + 1, 0, count)
    heights = [float(height) for height in re.findall(r'<rect class="bar one".*?height="([\d.]+)"', chart.svg())]
    assert [BOTTOM - TOP, 2, 0] == heights


def test_scales_are_round_and_hold_their_values() -> None:
    """A scale from 0 ends at a round value above the highest; values that differ much get a logarithmic one."""
    assert 300 == upwards(203, 0, 1).high
    assert [0, 100, 200, 300] == upwards(203, 0, 1).ticks()
    wide = fitting(0.3, 800, 0, 100)
    assert wide.logarithmic
    assert [1, 10, 100, 1000] == [tick for tick in wide.ticks() if tick in (1, 10, 100, 1000)]
    assert 50 == pytest.approx(Scale(1, 100, 0, 100, logarithmic=True).place(10))
    assert not fitting(1, 20, 0, 100).logarithmic
    assert (0, 100) == (wide.place(0.0001), wide.place(10**9))


def test_figures_are_short() -> None:
    """Times in the unit that suits them, large numbers in thousands."""
    assert ["0", "250 µs", "3.5 ms", "1.2 s"] == [duration(ms) for ms in (0, 0.25, 3.5, 1200)]
    assert ["0", "0.25", "7", "1,500", "12k"] == [thousands(value) for value in (0, 0.25, 7, 1500, 12_000)]
