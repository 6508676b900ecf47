"""Valid bodies of POST /, and the early rejection of invalid bodies."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from income_tax.households.batch_validation import ParsedBatch
from income_tax.households.parameters_and_decoders import CHILDREN, EXPLAIN, MARRIED, SALARY, YEAR
from income_tax.households.validation import ParameterError
from income_tax.http.requests.json_and_csv_body import BodyReader, TooManyHouseholds, UnsupportedBody
from income_tax.http.responses import CSV, JSON
from tax_common.tables.table_reader import UNCOMMENT
from tests.support.data import schedules

LIMIT = 50
ONE = {"married": "yes", "children": 2, "salary": 50_000}
READER = BodyReader(LIMIT, schedules().years)
MISSING = [f"column [{name}] is missing" for name in ("marié", "enfants", "salaire")]
COLUMNS = "expected a header with the columns married,children,salary and optionally year,single_parent,spouse_salary"
TOO_LARGE = "parameter [salary] has an invalid value: [a number that is too large]"


def get_errors(body: bytes, content_type: str = JSON) -> list[str]:
    """Return the errors of a rejected body."""
    with pytest.raises(ParameterError) as caught:
        READER.parse(content_type, body)
    assert caught.value.expected
    return caught.value.errors


def test_one_object() -> None:
    """One object is one household and can have the parameter `explain`."""
    values = READER.parse(JSON, json.dumps(ONE | {"year": 2024, "explain": "yes"}).encode())
    assert {MARRIED: True, CHILDREN: 2, SALARY: 50_000, YEAR: 2024, EXPLAIN: True} == values


HOUSEHOLD = '{"married": "yes", "children": 2, "salary": %s}'
ZEROS = "0" * 20


@pytest.mark.parametrize(
    "number", [f"50000.{ZEROS}1", f"49999.{'9' * 20}", f"5.{ZEROS}1e4", f"5{ZEROS}1e-17", f"1e-{'9' * 20}"]
)
def test_a_fraction_is_not_rounded(number: str) -> None:
    """A number that is nearly an integer is invalid, and the message quotes the number as text."""
    error = f'parameter [salary] has an invalid value: ["{number}"]'
    assert [error] == get_errors((HOUSEHOLD % number).encode())
    batch = READER.parse(JSON, f"[{HOUSEHOLD % number}]".encode())
    assert isinstance(batch, ParsedBatch)
    assert [error] == batch.errors[0].errors


@pytest.mark.parametrize("number", [f"50000.{ZEROS}", f"5.{ZEROS}e4", f"5{ZEROS}e-16"])
def test_long_integers_are_exact(number: str) -> None:
    """A long number that is exactly an integer is this integer."""
    values = READER.parse(JSON, (HOUSEHOLD % number).encode())
    assert isinstance(values, dict)
    assert 50_000 == values[SALARY]


def count_households(body: bytes, content_type: str = JSON) -> int:
    """Count the households of a body."""
    many = READER.parse(content_type, body)
    assert isinstance(many, ParsedBatch)
    return len(many.households.year)


def test_limit() -> None:
    """A body with more households than the limit is rejected."""
    assert LIMIT == count_households(json.dumps([ONE] * LIMIT).encode())
    with pytest.raises(TooManyHouseholds):
        READER.parse(JSON, json.dumps([ONE] * (LIMIT + 1)).encode())
    assert LIMIT == count_households(b"married,children,salary\n" + b"yes,2,3\n" * LIMIT, CSV)
    with pytest.raises(TooManyHouseholds):
        READER.parse(CSV, b"married,children,salary\n" + b"yes,2,3\n" * (LIMIT + 1))
    with pytest.raises(TooManyHouseholds):  # the reader does not parse the rest of the body
        READER.parse(CSV, b"married,children,salary\n" + b"yes,2,3\n" * (LIMIT + 1) + b'"')


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (b"", "the body is not JSON"),
        (b"[", "the body is not JSON"),
        (b'[{"married": "yes"', "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[NaN]", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"a":' * 100_000, "the body is not JSON"),
        (b"[" * 900 + b"]" * 900, "household"),
        (b"[]", "there is no household in the body"),
        (b"7", "the body is neither an object nor an array"),
        (b'"x"', "the body is neither an object nor an array"),
        (b"null", "the body is neither an object nor an array"),
        (b'{"salary" : 1 , "salary" : 2}', "parameter [salary] is repeated in one object"),
        (b'{"x":1,"x":' + b"9" * 400 + b"}", "parameter [x] is repeated in one object"),
        (b'[{"x":' * 510 + b"1" + b"}]" * 510, "the body is not JSON: it is nested too deeply"),
    ],
    ids=lambda value: str(value[:24]),
)
def test_invalid_json(body: bytes, start: str) -> None:
    """Malformed, nested, empty or ambiguous JSON is rejected with a clear error."""
    if start == "household":
        many = READER.parse(JSON, body)
        assert isinstance(many, ParsedBatch)
        assert ["not a JSON object"] == many.errors[0].errors
    else:
        (error,) = get_errors(body)
        assert error.startswith(start)


@pytest.mark.parametrize("depth", [1, 253, 254, 255, 256, 300, 1000])
def test_nested_values_are_invalid(depth: int) -> None:
    """A nested value of any depth is rejected as invalid with a short error."""
    nested = b"[" * depth + b"]" * depth
    one = b'{"married":"yes","children":0,"salary":' + nested + b"}"
    assert ["parameter [salary] has an invalid value: [an array]"] == get_errors(one)
    many = READER.parse(JSON, b"[" + one + b"]")
    assert isinstance(many, ParsedBatch)
    assert ["parameter [salary] has an invalid value: [an array]"] == many.errors[0].errors


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ('{"salary":1,"salary":2}', "parameter [salary] is repeated in one object"),
        ('{"salary":1,"salary" :2}', "parameter [salary] is repeated in one object"),
        ('{"sal\\u0061ry":1,"salary":2}', "parameter [salary] is repeated in one object"),
        ('{"x":{"y":1,"y":2}}', "parameter [y] is repeated in one object"),
        ('{"x":":","x":1}', "parameter [x] is repeated in one object"),
        ('{"married":"yes","children":0,"salary":"50000"}', 'parameter [salary] has an invalid value: ["50000"]'),
        *(
            ('{"married":"yes","children":0,"salary":' + number + "}", TOO_LARGE)
            for number in ("18446744073709551616", "9" * 400, "9" * 5000, "1e400", "-" + "9" * 400)
        ),
    ],
    ids=lambda value: value[:40],
)
def test_errors_concern_one_household(item: str, error: str) -> None:
    """A repeated key or a huge number is an error of only the household that contains it."""
    many = READER.parse(JSON, f"[{json.dumps(ONE)}, {item}, {json.dumps(ONE)}]".encode())
    assert isinstance(many, ParsedBatch)
    assert {1: [error]} == {row: wrong.errors for row, wrong in many.errors.items()}
    assert [50_000, 0, 50_000] == many.households.salary.tolist()


def test_repeated_key_among_many() -> None:
    """The search for a repeated key takes linear time."""
    keys = ",".join(f'"k{number}":1' for number in range(100_000))
    reader = BodyReader(10_000, schedules().years)
    with pytest.raises(ParameterError, match=r"parameter \[k99999\] is repeated"):
        reader.parse(JSON, b"{" + keys.encode() + b',"k99999":2}')


@pytest.mark.parametrize("name", ["mari\u00e9", "marie\u0301"])
def test_decomposed_names(name: str) -> None:
    """A decomposed name, as macOS produces, is valid in an object, an array and a header."""
    one = {name: "oui", "enfants": 2, "salaire": 50_000}
    assert {MARRIED: True, CHILDREN: 2, SALARY: 50_000} == READER.parse(JSON, json.dumps(one).encode())
    table = ",".join(one) + "\n" + ",".join(map(str, one.values()))
    for body, kind in ((json.dumps([one], ensure_ascii=False), JSON), (table, CSV)):
        many = READER.parse(kind, body.encode())
        assert isinstance(many, ParsedBatch)
        assert ([True], {}) == (many.households.married.tolist(), many.errors)


def test_errors_have_the_language_of_the_header() -> None:
    """An error about a row uses the parameter names of the header. A blank cell means a missing value."""
    for header, married in (("year,married,children,salary", "married"), ("année,marié,enfants,salaire", "marié")):
        many = READER.parse(CSV, f"\n{header}\n , ,2,3\n".encode())
        assert isinstance(many, ParsedBatch)
        assert [f"parameter [{married}] is missing"] == many.errors[0].errors


def test_table_with_too_many_lines() -> None:
    """A table with far too many lines is rejected early, even if no line is valid."""
    with pytest.raises(TooManyHouseholds):
        READER.parse(CSV, b"married,children,salary\n" + b"x\n" * 3000)


def test_too_many_cells_are_not_too_many_households() -> None:
    """Any number of households below the limit can have empty cells. A line with too many cells has its own error."""
    empty = b"," * 900
    body = b"married,children,salary" + empty + b"\n" + (b"yes,2,3" + empty + b"\n") * LIMIT
    many = READER.parse(CSV, body)
    assert isinstance(many, ParsedBatch)
    assert ({}, [3] * LIMIT) == (many.errors, many.households.salary.tolist())
    many = READER.parse(CSV, b"married,children,salary\nyes,2,3" + b"," * 3000 + b"\nyes,2,3\n")
    assert isinstance(many, ParsedBatch)
    reason = "line 2: expected at most 1000 cells, found 3003: shorten the line"
    assert {0: [reason]} == {row: error.errors for row, error in many.errors.items()}


def test_body_with_too_many_values() -> None:
    """JSON with far too many households or values is rejected before it is parsed. The errors differ."""
    with pytest.raises(TooManyHouseholds):
        READER.parse(JSON, b"[" + b'{"a":1,"b":2},' * (LIMIT * 20) + b"[]]")
    assert ["the body has too many values"] == get_errors(b"[[" + b"1," * (LIMIT * 20 + 1) + b"1]]")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b"", ["there is no line that names the columns in the body"]),
        (b"\n\n# nobody\n", ["there is no line that names the columns in the body"]),
        (b"Export 2024\nmarried,children,salary\n", ["unknown column [export 2024]", *MISSING]),
        (b"yes,2,50000\n", ["line 1 [yes,2,50000] is not a header: " + COLUMNS]),
        (b"# married,children,salary\nyes,2,5\n", [f"line 1 is a header behind a #: {UNCOMMENT}"]),
        (b"married,children,salary\n", ["there is no household in the body"]),
        (b"married,children,salary,x\n", ["unknown column [x]"]),
        (b"married,children,salary,salaire\n", ["column [salary] is repeated"]),
        (b"married,children\nyes,1\n", ["column [salary] is missing"]),
        (b"marie,enfants,enfants\n", ["column [enfants] is repeated", "column [salaire] is missing"]),
        (b"\xff\xfe", ["the content is text in UTF-16: save it as UTF-8"]),
    ],
)
def test_invalid_tables(body: bytes, errors: list[str]) -> None:
    """A table with an invalid header or malformed CSV is rejected."""
    assert errors == get_errors(body, CSV)


@pytest.mark.parametrize(
    "body",
    [
        b"married,children,salary\r\nyes,2,50000\r\n",
        "\ufeffmarié;enfants;salaire\noui;2;50000\n\n".encode(),
        b'"salary","married","children"\n"50000","yes","2"',
        b"salary,year,married,children,spouse_salary\n50000,,yes,2,\n",
    ],
    ids=["english", "semicolons", "quotes", "empty cells"],
)
def test_valid_tables(body: bytes) -> None:
    """A table can have any column order, English or French names, commas or semicolons, and empty cells."""
    many = READER.parse(CSV, body)
    assert isinstance(many, ParsedBatch)
    assert {} == many.errors
    (household,) = many.households
    assert (True, 2, 50_000, None) == (household.married, household.children, household.salary, household.year)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_unsupported_types(content_type: str) -> None:
    """A body that is neither JSON nor CSV is rejected."""
    with pytest.raises(UnsupportedBody, match=rf"^the body's type is \[{content_type}\]: send the header Content-Type"):
        READER.parse(content_type, json.dumps(ONE).encode())


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.sampled_from([JSON, CSV]))
def test_any_bytes_are_parsed_or_rejected(body: bytes, content_type: str) -> None:
    """Any body is parsed or rejected with expected values, and causes no other exception."""
    try:
        READER.parse(content_type, body)
    except ParameterError as refused:
        assert refused.errors
        assert refused.expected


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_any_json_is_parsed_or_rejected(content: Any) -> None:
    """Any JSON is parsed or rejected, and each invalid element has its own error."""
    try:
        many = READER.parse(JSON, json.dumps(content).encode())
    except TooManyHouseholds:
        assert len(content) > LIMIT
    except ParameterError as refused:
        assert refused.errors
        assert refused.expected
    else:
        assert isinstance(many, ParsedBatch)
        assert len(content) == len(many.errors)
