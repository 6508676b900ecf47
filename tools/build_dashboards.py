"""Write the dashboards of Grafana as JSON. To run the program: `python -m tools.build_dashboards`."""

import json
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "monitoring/grafana/dashboards"
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}


class Panel(NamedTuple):
    """A chart: its title, its unit in Grafana's notation, and its queries by legend."""

    title: str
    unit: str
    queries: dict[str, str]


LATENCY = "service:income_tax_request_duration_seconds"
ERRORS = "service:income_tax_errors:ratio_rate"
DASHBOARDS: dict[str, tuple[str, list[Panel]]] = {
    "service": (
        "Service",
        [
            Panel("Requests by status", "reqps", {"{{status}}": "status:income_tax_requests:rate1m"}),
            Panel("Requests by route", "reqps", {"{{route}}": "route:income_tax_requests:rate1m"}),
            Panel("Latency", "s", {name: f"{LATENCY}:{name}_5m" for name in ("p50", "p95", "p99")}),
            Panel("Server errors", "percentunit", {span: ERRORS + span for span in ("5m", "1h", "6h", "3d")}),
            Panel(
                "Calculations",
                "ops",
                {"{{kind}} {{year}}": "sum by (kind, year) (rate(income_tax_calculations_total[1m]))"},
            ),
            Panel("Logins", "ops", {"{{outcome}}": "sum by (outcome) (rate(income_tax_logins_total[1m]))"}),
            Panel(
                "Alert messages",
                "short",
                {"pending": "max(income_tax_alert_mails_pending)", "dead letters": "max(income_tax_dead_letters)"},
            ),
            Panel("Log lines lost", "short", {"{{instance}}": "income_tax_log_lines_lost_total"}),
        ],
    ),
    "replicas": (
        "Replicas",
        [
            Panel("Replicas", "short", {"up": 'sum(up{job="api"})', "expected": "max(income_tax_replicas_expected)"}),
            Panel(
                "Workers",
                "short",
                {"{{instance}}": "income_tax_workers", "expected": "max(income_tax_workers_expected)"},
            ),
            Panel("Ends of workers", "short", {"{{instance}} {{reason}}": "income_tax_worker_exits_total"}),
            Panel("Busy threads", "percentunit", {"{{instance}}": "income_tax_threads_busy / income_tax_threads"}),
            Panel("Cores in use", "short", {"{{instance}}": 'rate(process_cpu_seconds_total{job="api"}[1m])'}),
            Panel("Memory", "bytes", {"{{instance}}": 'process_resident_memory_bytes{job="api"}'}),
            Panel("Open files", "short", {"{{instance}}": 'process_open_fds{job="api"}'}),
            Panel(
                "Versions of the tax data", "short", {"{{version}}": "count by (version) (income_tax_schedules_info)"}
            ),
        ],
    ),
    "load": (
        "Flood against service",
        [
            Panel(
                "Requests that nginx receives and the API answers",
                "reqps",
                {
                    "nginx": "sum(rate(nginx_http_requests_total[1m]))",
                    "API": "sum(rate(income_tax_requests_total[1m]))",
                },
            ),
            Panel(
                "Connections of nginx",
                "short",
                {"active": "nginx_connections_active", "waiting": "nginx_connections_waiting"},
            ),
            Panel(
                "Busy threads of all replicas",
                "short",
                {"busy": "sum(income_tax_threads_busy)", "all": "sum(income_tax_threads)"},
            ),
            Panel(
                "Password checks",
                "short",
                {
                    "waiting": "sum(income_tax_password_checks_waiting)",
                    "refused a second": "sum(rate(income_tax_password_checks_refused_total[1m]))",
                },
            ),
            Panel(
                "Busy cores of the machine", "short", {"cores": 'sum(rate(node_cpu_seconds_total{mode!="idle"}[1m]))'}
            ),
            Panel("Free memory of the machine", "bytes", {"available": "node_memory_MemAvailable_bytes"}),
        ],
    ),
    "database": (
        "Database and disks",
        [
            Panel("Database answers a replica", "short", {"{{instance}}": "income_tax_database_up"}),
            Panel(
                "Sessions",
                "short",
                {"sessions": "sum(pg_stat_database_numbackends) or sum(mysql_global_status_threads_connected)"},
            ),
            Panel(
                "Statements",
                "ops",
                {
                    "a second": "sum(rate(pg_stat_database_xact_commit[1m]))"
                    " or sum(rate(mysql_global_status_queries[1m]))",
                },
            ),
            Panel(
                "Free space of the volumes",
                "percentunit",
                {"{{volume}}": "min by (volume) (income_tax_volume_free_bytes / income_tax_volume_size_bytes)"},
            ),
            Panel(
                "Free space of the machine",
                "percentunit",
                {"{{device}}": "min by (device) (node_filesystem_avail_bytes / node_filesystem_size_bytes)"},
            ),
        ],
    ),
}


def build_panel(number: int, panel: Panel) -> dict[str, Any]:
    """Return a chart of half the width of a dashboard."""
    queries = enumerate(panel.queries.items())
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in queries
        ],
    }


def build_dashboard(name: str) -> str:
    """Return a dashboard as JSON."""
    title, panels = DASHBOARDS[name]
    dashboard = {
        "uid": f"income-tax-{name}",
        "title": title,
        "tags": ["income-tax"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "panels": [build_panel(number, panel) for number, panel in enumerate(panels)],
    }
    return json.dumps(dashboard, indent=2) + "\n"


if __name__ == "__main__":
    for dashboard_name in DASHBOARDS:
        (FOLDER / f"{dashboard_name}.json").write_text(build_dashboard(dashboard_name), encoding="utf-8")
