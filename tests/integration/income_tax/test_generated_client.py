"""A client that openapi-python-client generates from the description calls every operation of a running service."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any

import pytest

from income_tax.http.openapi.document import EXAMPLES, TEMPLATE
from tests.support.service import Service

PACKAGE = "generated_tax_client"
PATHS = {one["operationId"]: (path, one) for path, methods in TEMPLATE["paths"].items() for one in methods.values()}
NO_PARAMETERS = [name for name, (_, one) in PATHS.items() if not {"parameters", "requestBody"} & one.keys()]
JSON_EXAMPLES = [name for name, example in EXAMPLES.items() if not isinstance(example.request, str)]


@pytest.fixture(scope="module")
def warnings(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Generate the client, make it importable, and return the output of the generator."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(service.request("GET", "/openapi.json")[2])
    (folder / "config.json").write_text('{"post_hooks": []}')  # do not format the generated code
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", "openapi.json", "--config", "config.json", "--output-path", PACKAGE]
    run = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    assert 0 == run.returncode, run.stdout + run.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield run.stdout + run.stderr


def call(service: Service, operation: str, **arguments: Any) -> Any:
    """Call an operation with the generated client. Assert the status 200 and return the response as plain values."""
    client = import_module(PACKAGE).AuthenticatedClient(
        base_url=f"http://127.0.0.1:{service.port}",
        token=base64.b64encode(service.credentials.encode()).decode(),
        prefix="Basic",
        timeout=60,
        httpx_args={"trust_env": False},
    )
    module = import_module(f"{PACKAGE}.api.{PATHS[operation][1]['tags'][0]}.{operation}")
    with client:
        response = module.sync_detailed(client=client, **arguments)
    assert 200 == response.status_code
    return response.parsed if isinstance(response.parsed, str) else response.parsed.to_dict()


def build_arguments(request: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the parameters of an example to arguments of the generated client."""
    models = import_module(f"{PACKAGE}.models")
    kinds = {"year": models.IncomeYear, **dict.fromkeys(("married", "single_parent", "explain"), models.YesNoWord)}
    arguments = {name: kinds.get(name, int)(value) for name, value in request.items()}
    return {f"{name}_" if iskeyword(name) else name: value for name, value in arguments.items()}


def build_body(request: Any) -> Any:
    """Convert the body of an example to an object of the generated client."""
    models = import_module(f"{PACKAGE}.models")
    if isinstance(request, list):
        return [models.Household.from_dict(household) for household in request]
    return models.Question.from_dict(request)


def test_every_operation_is_generated(warnings: str) -> None:
    """The generator omits no operation, and warns only of the body in CSV, which it does not support."""
    assert 1 == warnings.count("WARNING"), warnings
    assert "Unsupported content type text/csv" in warnings
    for operation, (_, description) in PATHS.items():
        assert import_module(f"{PACKAGE}.api.{description['tags'][0]}.{operation}").sync_detailed


@pytest.mark.parametrize("name", JSON_EXAMPLES)
def test_examples(service: Service, warnings: str, name: str) -> None:
    """The generated client sends each example of the description, and gets the example's response."""
    example = EXAMPLES[name]
    posted = example.operation == "calculate_posted"
    arguments = {"body": build_body(example.request)} if posted else build_arguments(example.request)
    assert example.answer == call(service, example.operation, **arguments)


@pytest.mark.parametrize("operation", NO_PARAMETERS)
def test_operations_without_parameters(service: Service, warnings: str, operation: str) -> None:
    """The generated client gets the same response as a plain request."""
    plain = service.request("GET", PATHS[operation][0])[2].decode()
    found = call(service, operation)
    if operation == "status":  # its figures change with each request
        assert json.loads(plain)["response"]["status"].keys() == found["response"]["status"].keys()
    elif isinstance(found, str):
        assert plain == found
    else:
        assert json.loads(plain) == found


def test_one_schedule(service: Service, warnings: str) -> None:
    """The generated client gets the same schedule as a plain request."""
    name = import_module(f"{PACKAGE}.models").ScheduleName("v7")
    assert service.get("/schedules/v7").body == call(service, "schedule", schedule=name)
    assert {*PATHS} == {*NO_PARAMETERS, "schedule", *(EXAMPLES[name].operation for name in JSON_EXAMPLES)}
