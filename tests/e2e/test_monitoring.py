"""Tests of `make monitor`: targets, ports, accounts, the queries of rules and dashboards, and an outage."""

import json
import os
import re
import time
from email.message import EmailMessage

import pytest

from tests.support.prometheus import Prometheus
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tools.build_dashboards import DASHBOARDS

pytestmark = [pytest.mark.profile("monitoring"), pytest.mark.both_databases]
JOBS = {"api", "nginx", "database", "node", "prometheus", "alertmanager"}
CURL = ("curl", "-ks", "--noproxy", "*")
API = "https://127.0.0.1:8443"


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Prometheus:
    stack.make("monitor")
    return Prometheus.of(stack)


def up(prometheus: Prometheus, job: str) -> int:
    """Return the number of targets of a job that answer. Return -1 if any target does not answer."""
    health = [state for name, _, state in prometheus.targets() if name == job]
    return len(health) if set(health) <= {"up"} else -1


def test_all_targets_answer(stack: Stack, prometheus: Prometheus) -> None:
    """`make monitor` waits for all targets, and a second call changes no container."""
    wait_until(lambda: {(job, "up") for job in JOBS} == {(job, state) for job, _, state in prometheus.targets()})
    before = stack.ids()
    assert f"http://{prometheus.address}/" in stack.make("monitor")
    assert before == stack.ids()


def test_targets_follow_the_replicas(stack: Stack, prometheus: Prometheus) -> None:
    """New replicas become targets, removed replicas vanish, and `make up` does not stop the monitoring."""
    monitoring = stack.ids("label=com.docker.compose.service=prometheus")
    stack.make("up", "REPLICAS=4")
    wait_until(lambda: up(prometheus, "api") == 4)
    stack.make("up", "REPLICAS=2")
    wait_until(lambda: up(prometheus, "api") == 2)
    assert monitoring == stack.ids("label=com.docker.compose.service=prometheus", "health=healthy")
    assert JOBS == {job for job, _, _ in prometheus.targets()}


def test_only_the_expected_ports_are_published(stack: Stack, prometheus: Prometheus) -> None:
    """The stack publishes its pages, the mails, Prometheus and Alertmanager on 127.0.0.1, and no other port."""
    containers = json.loads(stack.run("docker", "inspect", *stack.ids("status=running")).stdout)
    published = {
        (one["Config"]["Labels"]["com.docker.compose.service"], inside.partition("/")[0], host["HostIp"])
        for one in containers
        for inside, hosts in one["NetworkSettings"]["Ports"].items()
        for host in hosts or []
    }
    expected = {("nginx", "8080"), ("nginx", "8443"), ("mailhog", "8025"), ("prometheus", "9090")}
    assert {(*one, "127.0.0.1") for one in expected | {("alertmanager", "9093")}} == published


def test_prometheus_shares_one_network_with_the_api(stack: Stack, prometheus: Prometheus) -> None:
    """Prometheus and a replica share exactly one network. Otherwise Prometheus would list each replica twice."""
    assert prometheus.targets()
    networks = [set(stack.containers(name)[0]["NetworkSettings"]["Networks"]) for name in ("prometheus", "api")]
    assert {f"{stack.project}_metrics"} == networks[0] & networks[1]


@pytest.mark.parametrize("path", ["/metrics", "/stub_status"])
def test_clients_cannot_read_metrics(stack: Stack, path: str) -> None:
    """Nginx does not forward the metrics: a client gets the JSON 404 of the service."""
    answer = stack.output("nginx", *CURL, "-u", stack.credentials, "-w", "\n%{http_code}", f"{API}{path}")
    body, _, status = answer.rpartition("\n")
    assert "404" == status
    assert json.loads(body)["response"]["errors"]


RIGHTS = {
    "postgres": (
        *("psql", "-U", "tax_owner", "-d", "tax", "-Atc"),
        "SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb"
        " OR has_table_privilege('tax_monitor', 'brackets', 'SELECT'),"
        " string_agg(g.rolname, ',') FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid"
        " JOIN pg_roles g ON g.oid = m.roleid WHERE r.rolname = 'tax_monitor' GROUP BY 1",
    ),
    "mysql": (
        *("sh", "-c"),
        "printf '[client]\\npassword=%s\\n' \"$(cat /run/secrets/db_root_password)\" |"
        " mysql --defaults-extra-file=/dev/stdin -u root -Ne 'SHOW GRANTS FOR tax_monitor'",
    ),
}
EXPECTED_RIGHTS = {
    "postgres": "f|pg_monitor\n",
    "mysql": "GRANT PROCESS, REPLICATION CLIENT ON *.* TO `tax_monitor`@`%`\n",
}


def test_the_account_of_the_exporter_reads_only_statistics(stack: Stack, prometheus: Prometheus) -> None:
    """The account of the exporter has only the rights to read statistics, and cannot read the tax data."""
    wait_until(lambda: up(prometheus, "database") == 1)
    assert EXPECTED_RIGHTS[stack.database] == stack.output("db", *RIGHTS[stack.database])


def test_the_password_of_the_exporter_changes(stack: Stack, prometheus: Prometheus) -> None:
    """`make db-password` also changes the password of the exporter, which reads the database again after it."""
    path = stack.folder / "secrets/db_monitor_password"
    old = path.read_text()
    stack.make("db-password")
    assert old != path.read_text()
    started = stack.containers("db-exporter")[0]["State"]["StartedAt"]
    since = stack.run("date", "-d", started, "+%s").stdout.strip()
    answers = [f"(timestamp({name}) > {since} and {name} == 1)" for name in ("pg_up", "mysql_up")]
    wait_until(lambda: prometheus.query(" or ".join(answers)))


def test_the_end_of_the_certificate_is_exported(stack: Stack, prometheus: Prometheus) -> None:
    """Nginx's health check writes the end of the served certificate in seconds since 1970, and no line of the log."""
    wait_until(lambda: up(prometheus, "api") == stack.healthy("api"))
    end = int(wait_until(lambda: stack.output("nginx", "cat", "/logs/nginx/certificate-end")))
    text = stack.output("nginx", "openssl", "x509", "-noout", "-enddate", "-in", "/tls/cert.pem").partition("=")[2]
    assert end == int(stack.output("nginx", "date", "-d", text.strip(), "+%s"))
    assert end > time.time()
    checks = stack.records("nginx/access.log", holding='"uri":"/nginx-health"')
    assert {8081} == {record["port"] for record in checks}


def calculate(stack: Stack) -> None:
    """Send a calculation and a batch to the API."""
    batch = json.dumps([{"year": 2025, "married": "no", "children": 0, "salary": 30000}])
    requests = (
        (f"{API}/?year=2025&married=no&children=0&salary=30000",),
        (f"{API}/", "-H", "Content-Type: application/json", "-d", batch),
    )
    options = ("-u", stack.credentials, "-o", "/dev/null", "-w", "%{http_code}")
    for request in requests:
        assert "200" == stack.output("nginx", *CURL, *options, *request)


def test_each_rule_is_healthy(stack: Stack, prometheus: Prometheus) -> None:
    """After a request, Prometheus evaluates every rule without an error, and every recording rule has a value."""
    calculate(stack)
    wait_until(lambda: all(rule["health"] == "ok" for kind in ("alert", "record") for rule in prometheus.rules(kind)))
    for rule in prometheus.rules("record"):
        wait_until(lambda name=rule["name"]: prometheus.query(name))


METRIC = re.compile(r"\b(?:income_tax|node|pg|mysql|nginx)_[a-z_]+\b")


def test_each_metric_of_the_alerts_exists(stack: Stack, prometheus: Prometheus) -> None:
    """Every metric in the expressions of the alerts exists. A quiet alert would otherwise hide a wrong name."""
    expressions = " ".join(rule["query"] for rule in prometheus.rules("alert"))
    names = set(METRIC.findall(re.sub(r"service:\w+:\w+|by \(\w+\)", "", expressions)))
    assert len(names) >= 15
    assert stack.healthy("nginx") == 1
    for name in names:
        wait_until(lambda name=name: prometheus.query(name))


QUERIES = [query for _, panels in DASHBOARDS.values() for panel in panels for query in panel.queries.values()]


def test_each_query_of_the_dashboards_answers(stack: Stack, prometheus: Prometheus) -> None:
    """After a calculation and a batch, every query of the dashboards has a value."""
    calculate(stack)
    for query in QUERIES:
        wait_until(lambda query=query: prometheus.query(query))


def alert_mails(stack: Stack, state: str) -> list[EmailMessage]:
    """Return the mails of Alertmanager about the database in a state."""
    mails = stack.mails("docs/how-to/prometheus-alerts.md#databasedown")
    return [mail for mail in mails if f"[tax-service {state} on {os.uname().nodename}] DatabaseDown" == mail["Subject"]]


def test_a_database_outage_fires_and_resolves(stack: Stack, prometheus: Prometheus) -> None:
    """While the database is stopped, its alert is pending, then fires with one mail, and resolves with another mail."""
    assert "inactive" == prometheus.state("DatabaseDown")
    stack.compose("stop", "db")
    wait_until(lambda: prometheus.state("DatabaseDown") == "firing")
    assert prometheus.query('count_over_time(ALERTS{alertname="DatabaseDown",alertstate="pending"}[5m])')
    wait_until(lambda: alert_mails(stack, "firing"))
    stack.compose("start", "db")
    wait_until(lambda: prometheus.state("DatabaseDown") == "inactive")
    wait_until(lambda: alert_mails(stack, "resolved"))
    assert 1 == len(alert_mails(stack, "firing"))
