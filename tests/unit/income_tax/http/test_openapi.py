"""The API description agrees with the request parser, is complete, and is valid."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from income_tax.households.curve_points import CURVE
from income_tax.households.parameters_and_decoders import CALCULATION, HOUSEHOLD, JsonDecoder, Parameter
from income_tax.households.result_serialization import DATED_FIELDS, V7_FIELDS
from income_tax.households.validation import HouseholdSchema, ParameterError, build_household
from income_tax.http.openapi.document import EXAMPLES, build_document
from tests.support.data import ROOT

HTTP = ROOT / "services/api/src/income_tax/http"
YEARS = [2023, 2024]
DOCUMENT = build_document(YEARS, 100)
OPERATIONS = [one for path in DOCUMENT["paths"].values() for one in path.values()]


def find_refs(node: Any) -> Iterator[str]:
    """Yield the value of every $ref in the description."""
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for value in node.values():
            yield from find_refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from find_refs(value)


def find_members(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the path and the schema of every member of a schema, at any depth."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties":
                for name, schema in value.items():
                    yield (*path, name), schema
                    yield from find_members(schema, (*path, name))
            elif key not in ("if", "then", "not"):  # skip conditions, because conditions define no members
                yield from find_members(value, path)
    elif isinstance(node, list):
        for value in node:
            yield from find_members(value, path)


MEMBERS = {member: one for n, s in DOCUMENT["components"]["schemas"].items() for member, one in find_members(s, (n,))}


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def build_schema(name: str) -> dict[str, Any]:
    """Return a schema together with all components, so that its references resolve."""
    return {**DOCUMENT["components"]["schemas"][name], "components": DOCUMENT["components"]}


@pytest.mark.parametrize(
    ("path", "parameters"), [("/", CALCULATION), ("/curve", CURVE)], ids=["the calculation", "the curve"]
)
def test_parameters_equal_the_parser(path: str, parameters: tuple[Parameter, ...]) -> None:
    """The description has the names, the limits and the required parameters of the parser."""
    described = DOCUMENT["paths"][path]["get"]["parameters"]
    assert [(p.english, p.required) for p in parameters] == [(one["name"], one["required"]) for one in described]
    for parameter, one in zip(parameters, described, strict=True):
        assert all(name in one["description"] for name in parameter.french)
        if parameter.maximum is not None and parameter.english != "year":
            assert (parameter.minimum, parameter.maximum) == (one["schema"]["minimum"], one["schema"]["maximum"])


VALUES: dict[str, list[Any]] = {
    "married": ["yes", "no", "oui", "x", 1, None],
    "children": [0, 1, 99, 100, -1, "1", 1.5, 2.0, -0.0],
    "salary": [0, 999_999_999, 1_000_000_000, 2e4],
    "year": [2023, 2024, 2022, "2024", 2024.0],
    "single_parent": ["yes", "non", ""],
    "spouse_salary": [0, 5, -5],
    "explain": ["yes", "perhaps"],
}


def generate_bodies() -> Iterator[dict[str, Any]]:
    """Yield valid bodies, and bodies with an invalid value or with contradictory values."""
    base = {"married": "yes", "children": 1, "salary": 30000, "year": 2024}
    for name, values in VALUES.items():
        yield {key: value for key, value in base.items() if key != name}
        for value in values:
            yield base | {name: value}
            yield base | {"married": "no", name: value}
            yield base | {"married": "no", "children": 0, "single_parent": "yes", name: value}
            yield {key: v for key, v in (base | {name: value}).items() if key != "year"}
    yield base | {"colour": "red"}


@pytest.mark.parametrize(("name", "parameters"), [("Question", CALCULATION), ("Household", HOUSEHOLD)])
def test_schema_and_parser_agree(name: str, parameters: tuple[Parameter, ...]) -> None:
    """The schema accepts exactly the bodies that the parser accepts."""
    validator = jsonschema_rs.validator_for(build_schema(name))
    for body in generate_bodies():
        try:
            build_household(HouseholdSchema(parameters, JsonDecoder()).parse(body.items(), YEARS))
            taken = True
        except ParameterError:
            taken = False
        assert taken == validator.is_valid(body), body


def test_result_fields_equal_the_serializer() -> None:
    """The schemas of results have the same fields as the results, in the same order."""
    schemas = DOCUMENT["components"]["schemas"]
    assert [*V7_FIELDS] == [*schemas["V7Result"]["properties"]] == schemas["V7Result"]["required"]
    assert [*DATED_FIELDS, "notes", "steps"] == [*schemas["DatedResult"]["properties"]]
    assert [*DATED_FIELDS] == schemas["DatedResult"]["required"]


def test_references_have_targets() -> None:
    """Every $ref has a target, and every component is used."""
    used = set(find_refs(DOCUMENT))
    for reference in used:
        resolve(reference)
    kinds = ("schemas", "responses", "headers")
    known = {f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]}
    assert known == used


def test_schemas_are_valid() -> None:
    """Every schema is valid under JSON Schema 2020-12."""
    for name in DOCUMENT["components"]["schemas"]:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **build_schema(name)})


def find_anonymous(node: Any, place: str) -> Iterator[str]:
    """Yield the place of every enumeration and every object with properties that is not a named component."""
    if isinstance(node, dict):
        named = re.fullmatch("/components/schemas/[^/]+", place)
        if not named and {"enum", "properties"} & node.keys():
            yield place
        for key, value in node.items():
            if key not in ("allOf", "example", "examples"):  # skip the conditions of build_object_schema, and examples
                members = value.items() if key == "properties" and isinstance(value, dict) else [("", value)]
                for name, member in members:
                    yield from find_anonymous(member, f"{place}/{key}" + (f"/{name}" if name else ""))
    elif isinstance(node, list):
        for each in node:
            yield from find_anonymous(each, place)


def normalize(*words: str) -> str:
    """Return the lower-case letters and digits of a name, because generators change its case and its separators."""
    return re.sub("[^a-z0-9]", "", "".join(words).lower())


def test_generated_types_have_distinct_names() -> None:
    """No name that a generator of clients gives to a type occurs twice.

    A generator names types after schemas, operations and the members of both.
    """
    assert [] == [*find_anonymous(DOCUMENT, "")]
    suffixes = ("", "Body", "Param", "Params", "Parameters", "Request", "RequestBody", "Response", "Responses")
    operations = {normalize(one["operationId"], suffix) for one in OPERATIONS for suffix in suffixes}
    parameters = {normalize(o["operationId"], one["name"]) for o in OPERATIONS for one in o.get("parameters", [])}
    schemas = [normalize(name) for name in DOCUMENT["components"]["schemas"]]
    members = {normalize(*member) for member in MEMBERS}
    assert len(schemas) == len(set(schemas))
    assert set() == {*schemas} & (operations | parameters | members)
    assert set() == members & (operations | parameters)


def test_document_names_its_server_and_its_operator() -> None:
    """The server's URL is relative, so that it is right behind every proxy. The document names a contact."""
    assert ["/"] == [server["url"] for server in DOCUMENT["servers"]]
    assert DOCUMENT["info"]["contact"]["name"]


def test_examples_are_valid() -> None:
    """Each example of a parameter, a request or a response is valid under its schema."""
    document = build_document(range(2018, 2026), 100)  # the examples have these years
    operations = [one for path in document["paths"].values() for one in path.values()]
    bodies = [body for one in operations for body in (one.get("requestBody", {}), *one["responses"].values())]
    media = [media for body in bodies for media in body.get("content", {}).values()]
    values = [(one["schema"], example["value"]) for one in media for example in one.get("examples", {}).values()]
    parameters = [parameter for one in operations for parameter in one.get("parameters", [])]
    values += [(one["schema"], one["example"]) for one in parameters if "example" in one]
    assert len(values) > 2 * len(EXAMPLES)
    for schema, value in values:
        jsonschema_rs.validate({**schema, "components": document["components"]}, value)


def test_everything_is_described() -> None:
    """Each operation has a unique name, a summary and a listed tag, and each member has a description."""
    names = [one["operationId"] for one in OPERATIONS]
    assert sorted(set(names)) == sorted(names)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for one in OPERATIONS:
        assert one["summary"]
        assert one["description"]
        assert set(one["tags"]) <= tags
    assert [] == [member for member, described in MEMBERS.items() if not {"description", "$ref"} & set(described)]


OTHER_NUMBERS = {"children", "year", "income_year", "limit", "log_lines_lost", "rate", "average_rate", "shares"}


STATUS = re.compile("Status|ServiceStatus")  # schemas of GET /status


def test_every_amount_is_in_euros() -> None:
    """The description of every amount names its unit, euros. The status of the service contains no amounts."""
    numbers = [member for member, one in MEMBERS.items() if one.get("type") in ("integer", "number")]
    numbers = [member for member in numbers if member[-1] not in OTHER_NUMBERS and not STATUS.match(member[0])]
    amounts = {member: MEMBERS[member].get("description", "") for member in numbers}
    assert [] == [member for member, text in amounts.items() if not re.search("\\beuros?\\b|, like `salary`;", text)]
    assert {("TaxCurve", "from"), ("DatedResult", "collected"), ("Household", "salary")} <= amounts.keys()


def test_description_has_exactly_the_examples() -> None:
    """The description contains every example in EXAMPLES and no other example."""
    shown: dict[str, list[Any]] = {}
    for one in OPERATIONS:
        for content in (one.get("requestBody", {}).get("content", {}), one["responses"]["200"]["content"]):
            for kind in content.values():
                for name, example in kind.get("examples", {}).items():
                    shown.setdefault(name, []).append(example["value"])
    posted = {name for name, example in EXAMPLES.items() if example.operation == "calculate_posted"}
    assert {n: [e.request, e.answer] if n in posted else [e.answer] for n, e in EXAMPLES.items()} == shown
    for path, name in (("/", "family"), ("/curve", "curve")):
        parameters = DOCUMENT["paths"][path]["get"]["parameters"]
        assert EXAMPLES[name].request == {p["name"]: p["example"] for p in parameters if "example" in p}


def test_every_route_is_described() -> None:
    """The description has every route of the code, except drills, page files and nginx's login check."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in HTTP.rglob("*.py") if path.name != "drill.py")
    routes = {(method, re.sub("<[^>]+>", "{}", path)) for method, path in re.findall(r'routes\.(\w+)\("([^"]+)"', code)}
    health = {(method, f"/health{path}") for method, path in routes if path in ("/live", "/ready")}
    pages = {("get", "/static/{}/{}"), ("get", "/live"), ("get", "/ready"), ("get", "/login-check")}
    described = {
        (method, re.sub("{[^}]+}", "{}", path)) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert described == (routes | health) - pages
