"""The complete texts of error messages and expected values, and values at their limits."""

import json
from typing import Any

import pytest

from income_tax.households.batch_validation import ParsedBatch
from income_tax.households.parameters_and_decoders import (
    CALCULATION,
    CHILDREN,
    HOUSEHOLD,
    MARRIED,
    SALARY,
    JsonDecoder,
    TextDecoder,
    join_names,
    quote_text,
)
from income_tax.households.validation import HouseholdSchema, ParameterError
from income_tax.http.requests.json_and_csv_body import BodyReader
from income_tax.http.requests.query_string import parse_query
from income_tax.http.requests.strict_json import OBJECTS
from income_tax.http.responses import CSV, JSON
from tests.support.data import schedules

READER = BodyReader(50, schedules().years)
HEADER = "a first line that names the columns: " + join_names(HOUSEHOLD)
NO_NUMBER = "the body is not JSON: unexpected character, expected a JSON value: line 1 column 2 (char 1)"
ONE = {"married": "yes", "children": 2, "salary": 50_000}


def reject(body: bytes, kind: str = JSON) -> tuple[list[str], list[str]]:
    """Return the errors and the expected values of a rejected body."""
    with pytest.raises(ParameterError) as caught:
        READER.parse(kind, body)
    return caught.value.errors, caught.value.expected


@pytest.mark.parametrize(
    ("body", "error", "expected"),
    [
        (b"7", "the body is neither an object nor an array", OBJECTS),
        (b"[]", "there is no household in the body", "1 to 50 households"),
        (b"[NaN]", NO_NUMBER, OBJECTS),
        (b"[" * 100_000, "the body is not JSON: it is nested too deeply", OBJECTS),
        (b'{"x":1,"x":2}', "parameter [x] is repeated in one object", "[x] once"),
        (b'{"y":1,"x":1,"z":1,"x":2,"z":2}', "parameter [x] is repeated in one object", "[x] once"),
        (b'{"x":[[1,{"z":1,"z":2}]],"y":1}', "parameter [z] is repeated in one object", "[z] once"),
        (b'{"x":":","y":{"z":1,"z":2}}', "parameter [z] is repeated in one object", "[z] once"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_invalid_json(body: bytes, error: str, expected: str) -> None:
    """An invalid JSON body is rejected with the reason and the expected values."""
    assert ([error], [expected]) == reject(body)


@pytest.mark.parametrize(
    ("body", "errors", "expected"),
    [
        (b"married,children,salary,x,y\n", ["unknown column [x]", "unknown column [y]"], HEADER),
        (
            b"salaire,salary,salary,enfants\n",
            ["column [salaire] is repeated", "column [married] is missing"],
            HEADER,
        ),
        (b"x,marie\n", ["unknown column [x]", "column [enfants] is missing", "column [salaire] is missing"], HEADER),
        (b"married,children,salary\n", ["there is no household in the body"], "1 to 50 households"),
    ],
)
def test_invalid_csv(body: bytes, errors: list[str], expected: str) -> None:
    """A table with a wrong header is rejected with all errors of the header and the expected header."""
    assert (errors, [expected]) == reject(body, CSV)


def parse_batch(body: bytes, kind: str) -> ParsedBatch:
    """Parse the households of a body."""
    read = READER.parse(kind, body)
    assert isinstance(read, ParsedBatch)
    return read


@pytest.mark.parametrize(
    "body",
    [
        b"married,children,salary\nyes,2,50000\nno,1;5,3\nno,1,3\n",
        b"\n\r\nmarried;children;salary\nyes;2;50000\nno;1,5;3\nno;1;3\n",
        b"married\tchildren\tsalary\r\nyes\t2\t50000\r\nno\t1;5\t3\r\nno\t1\t3\r\n",
        b"married , children,salary\nyes,2,50000\n\nno,1;5,3\n\nno,1,3",
    ],
    ids=["a semicolon in a line", "empty lines first", "tabs", "empty lines between"],
)
def test_first_line_determines_the_separator(body: bytes) -> None:
    """Both line endings are accepted, and the first line determines the separator."""
    table = parse_batch(body, CSV)
    assert [1] == list(table.errors)
    assert [50_000, 0, 3] == table.households.salary.tolist()


@pytest.mark.parametrize("cells", ['"yes"x,2,3', 'yes,2,"3', 'yes,2,"3\n4"'])
def test_quotes_that_do_not_end_a_cell(cells: str) -> None:
    """An error names the line of a quote that does not end at the end of a cell. Other lines are not affected."""
    table = parse_batch(f"married,children,salary\n{cells}\nno,0,17\n".encode(), CSV)
    reason = "expected a closing quote at the end of each quoted cell, on the same line: correct the quotes"
    assert [f"line 2: {reason}"] == table.errors[0].errors
    assert 17 == table.households.salary.tolist()[-1]


def test_maximum_number_of_values() -> None:
    """JSON with more than twenty values per household is rejected."""
    reader = BodyReader(1, schedules().years)
    with pytest.raises(ParameterError, match=r"^parameter \[marié\] is missing; .*; unknown parameter \[,*\]$"):
        reader.parse(JSON, json.dumps({"," * 20: 1}).encode())
    with pytest.raises(ParameterError, match="^the body has too many values$") as caught:
        reader.parse(JSON, json.dumps({"," * 21: 1}).encode())
    assert ["at most 20 values per household"] == caught.value.expected


def test_households_of_the_wrong_form() -> None:
    """A household that is not an object, or a row with too few cells, has an error with the expected form."""
    ones = parse_batch(json.dumps([ONE, 5, [ONE], ONE]).encode(), JSON)
    assert {1, 2} == set(ones.errors)
    assert ["not a JSON object"] == ones.errors[1].errors
    assert ["a JSON object with the parameters of a household"] == ones.errors[1].expected
    rows = parse_batch(b"married,children,salary\nyes,2\n", CSV)
    error = "line 2: expected the three fields married,children,salary, found 2: missing [salary]"
    assert [error] == rows.errors[0].errors
    assert ["a line with one cell for each column of the header"] == rows.errors[0].expected


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("9007199254740991.0", "9007199254740991.0"),
        ("9007199254740992.0", "a number that is too large"),
        ("-9007199254740992.0", "a number that is too large"),
        ("0.5", "0.5"),
        ("-1", "-1"),
        ('"é"', '"é"'),
        ("null", "null"),
        ("true", "true"),
        ("[1]", "an array"),
        ("{}", "an object"),
    ],
)
def test_errors_quote_the_value(number: str, told: str) -> None:
    """An error quotes the value as in the request, unless the value is huge or nested."""
    body = '{"married":"yes","children":0,"salary":' + number + "}"
    assert [f"parameter [salary] has an invalid value: [{told}]"] == reject(body.encode())[0]


@pytest.mark.parametrize(("digits", "told"), [(20, "9" * 20), (21, "a number that is too large")])
def test_long_number_beside_a_huge_one(digits: int, told: str) -> None:
    """If a number of the body is too large for a float, errors still quote other numbers of up to twenty digits."""
    one = '{"married":"yes","children":0,"salary":' + "9" * digits + "}"
    errors = parse_batch(f'[{one},{{"x":1e400,"x":1}}]'.encode(), JSON).errors
    assert [f"parameter [salary] has an invalid value: [{told}]"] == errors[0].errors
    assert ["parameter [x] is repeated in one object"] == errors[1].errors


@pytest.mark.parametrize("code", ["00A0", "202F", "200B", "FEFF", "202E"])
def test_invisible_characters_are_shown(code: str) -> None:
    """An error shows an invisible character by its code."""
    assert f"a<U+{code}>b" == quote_text(f"a{chr(int(code, 16))}b")


def test_long_texts_are_truncated() -> None:
    """An error quotes at most a hundred characters and replaces a lone surrogate with a question mark."""
    assert ["x" * 100, "x" * 100 + "…", "a?b"] == [quote_text("x" * 100), quote_text("x" * 101), quote_text("a\ud800b")]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0" * 19 + "5", 5), ("0" * 20 + "5", None), ("999999999", 999_999_999), ("1000000000", None), ("X5", None)],
)
def test_digits_of_a_number(text: str, value: int | None) -> None:
    """Only a text of at most twenty digits is accepted as a number, and its value must be within the limits."""
    assert value == TextDecoder().decode(SALARY, text)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (0, 0),
        (999_999_999, 999_999_999),
        (1_000_000_000, None),
        (-1, None),
        (1.0, 1),
        (1.5, None),
        (-0.0, 0),
        (True, None),
        ("1", None),
    ],
)
def test_json_numbers(given: Any, value: int | None) -> None:
    """In JSON, only an integer within the limits is accepted as a number. 1.0 is an integer (JSON Schema 2020-12)."""
    assert value == JsonDecoder().decode(SALARY, given)


@pytest.mark.parametrize(("given", "value"), [("yes", 1), (" Non ", 0), ("X yes", None), (True, None), (1, None)])
def test_yes_and_no_in_json(given: Any, value: int | None) -> None:
    """In JSON, only a string is accepted for a yes-or-no parameter."""
    assert value == JsonDecoder().decode(MARRIED, given)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("a=b=c&d&=e&&f=", [("a", "b=c"), ("d", ""), ("", "e"), ("f", "")]),
        ("a=%3D=c&d&=e&&f=", [("a", "==c"), ("d", ""), ("", "e"), ("f", "")]),
        ("a+b=c+d", [("a b", "c d")]),
        ("a%2Bb=%26", [("a+b", "&")]),
        ("e\u0301=1", [("é", "1")]),
        ("e%CC%81=%FF", [("é", "\ufffd")]),
        ("a%=b%zz", [("a%", "b%zz")]),
        ("e\u0301=+%2B", [("é", " +")]),
    ],
)
def test_names_and_values_of_a_query(query: str, wanted: list[tuple[str, str]]) -> None:
    """A name ends at the first equals sign, a plus sign means a blank, and escapes are decoded only once."""
    assert wanted == parse_query(query)


def test_text_of_an_error() -> None:
    """The text of an error contains all its messages."""
    assert "one; two" == str(ParameterError(["one", "two"], []))


def test_spellings_of_a_request() -> None:
    """The spellings in a request are returned as a mapping from parameter to spelling. Unknown names are omitted."""
    schema = HouseholdSchema(CALCULATION, TextDecoder())
    assert {MARRIED: "marie", CHILDREN: "children"} == schema.find_spellings(
        [("marie", ""), ("x", ""), ("children", "")]
    )


def test_expected_values_appear_once() -> None:
    """Expected values that two errors share appear once, in the order of the errors."""
    schema = HouseholdSchema(CALCULATION, TextDecoder())
    with pytest.raises(ParameterError) as caught:
        schema.parse(parse_query("explain=yes&single_parent=no&b=1&a=2&married=no&children=1&salary=1"), [2020, 2021])
    assert [
        "parameter [single_parent] needs [year]: the rules without a year do not use it",
        "parameter [explain] needs [year]: the rules without a year do not use it",
        "unknown parameter [b]",
        "unknown parameter [a]",
    ] == caught.value.errors
    assert [
        "[year] once: one of the income years 2020, 2021",
        "only the parameters " + join_names(CALCULATION),
    ] == caught.value.expected
