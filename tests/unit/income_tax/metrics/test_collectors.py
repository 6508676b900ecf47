"""The metrics in the text format of Prometheus."""

from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from income_tax.metrics.counter_collector import CounterCollector
from income_tax.metrics.process_figures import ProcessFigures
from income_tax.metrics.state_collector import ReplicaState, StateCollector
from income_tax.metrics.worker_counters import Route
from tests.support.fakes import build_counters

STATE: dict[str, Any] = {
    "version": "8.0.0",
    "database": "mysql",
    "schedules": ["0123456789ab", "ba9876543210"],
    "schedules_loaded": 1e9,
    "is_database_answering": False,
    "workers_expected": 2,
    "replicas_expected": 3,
    "mails": {"pending": 1, "sent": 2, "dead": 3},
    "dead_letters": 4,
    "volumes": {"logs": (100, 40)},
    "certificate_end": 2e9,
    "processes": ProcessFigures(1.5, 2, 3, 4, 5.0),
}


def scrape(collector: Collector) -> dict[str, float]:
    """Return the value of each sample in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples]
    return {f"{one.name}{{{','.join(f'{k}={v}' for k, v in one.labels.items())}}}": one.value for one in samples}


def test_counts_are_exposed() -> None:
    """Each count appears under its name and its labels."""
    counters = build_counters()
    counters.set_routes([Route("GET", "/")])
    for status, microseconds in [(200, 600), (200, 4_000), (429, 20_000_000), (299, 1)]:
        counters.begin_request()
        counters.count_written_line()
        if status == 429:
            counters.count_household(2025)
        counters.record_response(1, status, microseconds)
    counters.begin_request()
    counters.count_written_line()
    counters.discard_response()
    counters.begin_request()
    counters.count_rejection(431)
    counters.count_calculations("batch", None, 30)
    counters.count_batch(31)
    counters.count_login("wrong")
    counters.count_refused_check()
    counters.set_waiting_checks(2)
    counters.count_written_line()  # in a request that has not ended
    counters.count_lost_line()
    found = scrape(CounterCollector(counters, 8))
    expected = {
        "requests_total{method=GET,route=/,status=200}": 2,
        "requests_total{method=GET,route=/,status=429}": 1,
        "requests_total{method=GET,route=/,status=500}": 0,
        "requests_total{method=GET,route=/,status=other}": 1,
        "requests_total{method=other,route=other,status=431}": 1,
        "request_duration_seconds_bucket{le=0.0005,method=GET,route=/}": 1,
        "request_duration_seconds_bucket{le=0.001,method=GET,route=/}": 2,
        "request_duration_seconds_bucket{le=10.0,method=GET,route=/}": 3,
        "request_duration_seconds_bucket{le=+Inf,method=GET,route=/}": 4,
        "request_duration_seconds_sum{method=GET,route=/}": 20.004601,
        "calculations_total{kind=household,year=2025}": 1,
        "calculations_total{kind=batch,year=none}": 30,
        "batch_households_bucket{le=10}": 0,
        "batch_households_bucket{le=100}": 1,
        "batch_households_sum{}": 31,
        "logins_total{outcome=wrong}": 1,
        "logins_total{outcome=accepted}": 0,
        "password_checks_refused_total{}": 1,
        "password_checks_waiting{}": 2,
        "log_lines_written_total{}": 5,
        "log_lines_lost_total{}": 1,
        "threads_busy{}": 1,
    }
    assert expected == {name: found[f"income_tax_{name}"] for name in expected}


def test_the_state_is_exposed() -> None:
    """Each fact of the state appears under its name and its labels."""
    found = scrape(StateCollector(lambda: ReplicaState(**STATE)))
    expected = {
        "income_tax_build_info{database=mysql,version=8.0.0}": 1,
        "income_tax_schedules_info{version=0123456789ab}": 1,
        "income_tax_schedules_info{version=ba9876543210}": 1,
        "income_tax_schedules_loaded_timestamp_seconds{}": 1e9,
        "income_tax_database_up{}": 0,
        "income_tax_workers_expected{}": 2,
        "income_tax_replicas_expected{}": 3,
        "income_tax_alert_mails_pending{}": 1,
        "income_tax_alert_mails_total{state=sent}": 2,
        "income_tax_alert_mails_total{state=dead}": 3,
        "income_tax_dead_letters{}": 4,
        "income_tax_volume_size_bytes{volume=logs}": 100,
        "income_tax_volume_free_bytes{volume=logs}": 40,
        "income_tax_certificate_expiry_timestamp_seconds{}": 2e9,
        "process_cpu_seconds_total{}": 1.5,
        "process_resident_memory_bytes{}": 2,
        "process_open_fds{}": 3,
        "process_max_fds{}": 4,
        "process_start_time_seconds{}": 5,
    }
    assert expected == found


def test_unknown_facts_are_omitted() -> None:
    """A fact that cannot be read has no sample."""
    unknown = {"replicas_expected": None, "certificate_end": None, "processes": None, "schedules_loaded": None}
    found = scrape(StateCollector(lambda: ReplicaState(**STATE | unknown | {"mails": {}, "volumes": {}})))
    assert {
        "income_tax_build_info{database=mysql,version=8.0.0}",
        "income_tax_schedules_info{version=0123456789ab}",
        "income_tax_schedules_info{version=ba9876543210}",
        "income_tax_database_up{}",
        "income_tax_workers_expected{}",
        "income_tax_dead_letters{}",
    } == set(found)
