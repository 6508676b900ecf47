"""`make bench-peers`: compare the rates of this service and of OpenFisca's web API for the same household.

Both APIs run under gunicorn with two workers and without a proxy. They share the machine's cores with the client. The
client checks each response.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import performance_goals  # noqa: E402
from bench import result_files as f  # noqa: E402
from bench.load_generator import Request, flood  # noqa: E402
from bench.servers import Server, answers, ours  # noqa: E402
from bench.venvs import installed  # noqa: E402
from tests.support.waiting import free_port, wait_until  # noqa: E402

ROUNDS, SECONDS = f.rounds(5), f.seconds(3)
SINGLE, SEVERAL = 32, 8  # connections for requests with one household, and for requests with BATCH households
BATCH = 1000
CONNECTIONS = {f.SINGLE: SINGLE, f.SEVERAL: SEVERAL}
PATIENCE = 120.0  # seconds to wait for the first response of OpenFisca
YEAR, SALARY, CHILDREN, TAX = 2024, 50_000, 2, 209  # a couple with one salary, whose tax is 209 euros
AS_JSON = "Content-Type: application/json"


def situation(households: int) -> bytes:
    """Build a request body for OpenFisca's /calculate. OpenFisca's variable ip_net is the tax before credits."""
    people: dict[str, Any] = {}
    homes, families, fiscal = {}, {}, {}
    for n in range(households):
        adults, children = [f"a{n}", f"b{n}"], [f"c{n}-{i}" for i in range(CHILDREN)]
        for name, salary in zip(adults, (SALARY, 0), strict=True):
            people[name] = {"salaire_imposable": {YEAR: salary}, "date_naissance": {"ETERNITY": "1980-01-01"}}
        for name in children:
            people[name] = {"date_naissance": {"ETERNITY": "2015-01-01"}}
        fiscal[f"f{n}"] = {"declarants": adults, "personnes_a_charge": children, "ip_net": {YEAR: None}}
        families[f"f{n}"] = {"parents": adults, "enfants": children}
        homes[f"m{n}"] = {"personne_de_reference": adults[:1], "conjoint": adults[1:], "enfants": children}
    body = {"individus": people, "foyers_fiscaux": fiscal, "familles": families, "menages": homes}
    return json.dumps(body).encode()


def taxes_of_openfisca(body: bytes) -> list[int]:
    """Return the taxes in a response body of OpenFisca."""
    return [round(home["ip_net"][str(YEAR)]) for home in json.loads(body)["foyers_fiscaux"].values()]


def taxes_of_ours(body: bytes) -> list[int]:
    """Return the taxes in a response body of this service."""
    response = json.loads(body)["response"]
    return [answer["result"]["tax"] for answer in response.get("results", [response])]


def rate(request: Request, taxes: Callable[[bytes], list[int]], connections: int) -> float:
    """Measure requests per second over keep-alive connections. Check that every tax is correct."""
    right: set[bytes] = set()  # bodies already checked

    def check(body: bytes) -> bool:
        if body not in right and {TAX} == set(taxes(body)):
            right.add(body)
        return body in right

    return flood(request, SECONDS, connections, check).rate


@contextmanager
def openfisca() -> Iterator[int]:
    """Run OpenFisca's web API with the command in OpenFisca's documentation, and yield the port."""
    port = free_port()
    program = installed("peers", "openfisca")
    command = [str(program), "serve", "--country-package", "openfisca_france", "--port", str(port), "--workers", "2"]
    # Add the environment's programs to PATH, because `openfisca serve` looks up gunicorn there.
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port), PATIENCE)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=60)


def measure(service: Server, port: int) -> dict[str, dict[str, list[float]]]:
    """Measure the households per second of both APIs in interleaved rounds. A request has 1 or 1,000 households."""
    theirs = f"http://127.0.0.1:{port}/calculate"
    one, many = (Request(theirs, (AS_JSON,), situation(count)) for count in (1, BATCH))
    batch = [{"year": YEAR, "married": "yes", "children": CHILDREN, "salary": SALARY}] * BATCH
    target = f"/?year={YEAR}&married=yes&children={CHILDREN}&salary={SALARY}"
    our_one = Request(service.url + target, (service.login,))
    our_many = Request(service.url + "/", (service.login, AS_JSON), json.dumps(batch).encode())
    measures: dict[tuple[str, str], Callable[[], float]] = {
        (f.SINGLE, f.OPENFISCA): lambda: rate(one, taxes_of_openfisca, SINGLE),
        (f.SINGLE, f.SERVICE): lambda: rate(our_one, taxes_of_ours, SINGLE),
        (f.SEVERAL, f.OPENFISCA): lambda: BATCH * rate(many, taxes_of_openfisca, SEVERAL),
        (f.SEVERAL, f.SERVICE): lambda: BATCH * rate(our_many, taxes_of_ours, SEVERAL),
    }
    figures: dict[str, dict[str, list[float]]] = {how: {} for how, _ in measures}
    for number in range(ROUNDS + 1):  # round 0 is a warm-up
        for (how, who), measured in measures.items():
            speed = measured()
            figures[how].setdefault(who, []).extend([speed] * (number > 0))
    return figures


def page(content: dict[str, Any]) -> str:
    """Return the Markdown text about OpenFisca for bench/README.md."""
    rows = []
    for how, found in content["households_per_second"].items():
        theirs, our = found[f.OPENFISCA], found[f.SERVICE]
        times = f.spread(f.ratios(our, theirs))
        rows.append((f"{how}, {CONNECTIONS[how]} connections", f.spread(theirs, ",.1f"), f.spread(our), f"{times} x"))
    rounds = f"{content['rounds']} interleaved rounds of {content['seconds']:g} s on {content['cores']} cores"
    head = ("households per second", f.OPENFISCA, f.SERVICE, "this service / OpenFisca")
    return f"The values are the medians (lowest to highest) of {rounds}.\n\n{f.table(head, rows)}"


def main() -> None:
    """Measure both APIs, save the measurements, and write the table and the verdict to bench/README.md."""
    with ours() as service, openfisca() as port:
        figures = measure(service, port)
    facts = {"cores": os.cpu_count(), "rounds": ROUNDS, "seconds": SECONDS}
    f.save("peers", facts | {"households_per_second": figures})
    f.put("peers", page(f.load("peers")))
    performance_goals.publish()


if __name__ == "__main__":
    main()
