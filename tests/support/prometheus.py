"""A client of the Prometheus and the Alertmanager of a stack."""

import json
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from tests.support.stack import Stack


@dataclass(frozen=True)
class Prometheus:
    """The API of a running Prometheus."""

    address: str

    @classmethod
    def of(cls, stack: Stack) -> "Prometheus":
        """Return the Prometheus that `make monitor` has started."""
        return cls(stack.compose("--profile", "monitoring", "port", "prometheus", "9090").strip())

    def read(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of the API."""
        url = f"http://{self.address}/api/v1/{path}?{urlencode(parameters)}"
        with build_opener(ProxyHandler({})).open(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an expression. A scalar is a sample without labels."""
        data = self.read("query", query=expression)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return cast(list[dict[str, Any]], data["result"])

    def targets(self) -> set[tuple[str, str, str]]:
        """Return job, address and health of all targets."""
        targets = self.read("targets", state="active")["activeTargets"]
        return {(one["labels"]["job"], one["labels"]["instance"], one["health"]) for one in targets}

    def state(self, alert: str) -> str:
        """Return the state of an alert: inactive, pending or firing."""
        (rule,) = (rule for rule in self.rules("alert") if rule["name"] == alert)
        return str(rule["state"])

    def rules(self, kind: str) -> list[dict[str, Any]]:
        """Return all rules of a kind, which is `alert` or `record`."""
        return [rule for group in self.read("rules", type=kind)["groups"] for rule in group["rules"]]


def post_alerts(stack: Stack, *alerts: dict[str, Any]) -> None:
    """Post alerts to the Alertmanager of a stack in one request."""
    address = stack.compose("--profile", "monitoring", "port", "alertmanager", "9093").strip()
    body = json.dumps(alerts).encode()
    request = Request(f"http://{address}/api/v2/alerts", body, {"Content-Type": "application/json"})
    build_opener(ProxyHandler({})).open(request, timeout=30).close()
