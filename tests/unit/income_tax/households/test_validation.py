"""A query string is parsed as a household, or is rejected with a list of all errors."""

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from income_tax.households.validation import ParameterError
from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY, Household
from tests.support.data import read_household

GOOD = "married=yes&children=3&salary=200000"


def get_errors(query: str) -> list[str]:
    with pytest.raises(ParameterError) as caught:
        read_household(query)
    return caught.value.errors


@pytest.mark.parametrize(
    "query",
    [
        GOOD,
        "mari%C3%A9=oui&enfants=3&salaire=200000",
        "marie=oui&enfants=3&salaire=200000",
        "marie%CC%81=oui&enfants=3&salaire=200000",
        "salary=200000&married=YES&children=3",
        "married=+Oui%09&children=03&salary=+200000+",
        "&married=yes&&children=3&salary=200000&",
        "%6darried=yes&enfants=3&salaire=200000",
    ],
    ids=[
        "english",
        "french",
        "no accent",
        "decomposed accent",
        "order",
        "case and blanks",
        "empty parts",
        "encoded name",
    ],
)
def test_spellings(query: str) -> None:
    """Every spelling that the contract allows gives the same household."""
    assert Household(True, 3, 200_000) == read_household(query)


def test_largest_values_are_valid() -> None:
    """The largest values are valid."""
    assert Household(False, MAX_CHILDREN, MAX_SALARY) == read_household(
        f"married=non&children={MAX_CHILDREN}&salary={MAX_SALARY}"
    )


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("", ["parameter [marié] is missing", "parameter [enfants] is missing", "parameter [salaire] is missing"]),
        ("salary=1", ["parameter [married] is missing", "parameter [children] is missing"]),
        ("marie=oui&salaire=1", ["parameter [enfants] is missing"]),
        ("married=oui&salaire=1", ["parameter [children] is missing"]),
        (
            "marie=oui&salaire=12x&x=1",
            [
                "parameter [enfants] is missing",
                "parameter [salaire] has an invalid value: [12x]",
                "unknown parameter [x]",
            ],
        ),
        (GOOD + "&salary=1", ["parameter [salary] is repeated: it was given 2 times"]),
        (GOOD + "&salaire=200000", ["parameter [salary], [salaire] is repeated: it was given 2 times"]),
        ("married=maybe&children=3&salary=1", ["parameter [married] has an invalid value: [maybe]"]),
        ("married&children=3&salary=1", ["parameter [married] has an invalid value: []"]),
        ("Married=yes&children=3&salary=1", ["parameter [married] is missing", "unknown parameter [Married]"]),
        (
            "CHILDREN=3&salaire=1",
            ["parameter [married] is missing", "parameter [children] is missing", "unknown parameter [CHILDREN]"],
        ),
    ],
)
def test_errors(query: str, errors: list[str]) -> None:
    """A rejection lists all errors of the request, and uses the parameter names of the request."""
    assert errors == get_errors(query)


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "+1",
        "12.5",
        "1e9",
        "1_000",
        "0x10",
        "1000000000",
        "9" * 5000,
        "0" * 5000,
        "٣",
        "３",
        "²",
        "",
        " ",
        "1 2",
        "1\0",
        "1\n",
        "\u00a01",
        "\ud800",
    ],
)
def test_salary_in_plain_digits(value: str) -> None:
    """A salary that is not a number within the limits in plain ASCII digits is rejected with a short error."""
    (error,) = get_errors("married=yes&children=1&salary=" + quote(value.encode("utf-8", "surrogatepass")))
    assert error.startswith("parameter [salary] has an invalid value: [")
    assert len(error) < 200


@pytest.mark.parametrize("value", ["%FF", "%C3", "%zz", "%", "%ED%A0%80"])
def test_invalid_escapes(value: str) -> None:
    """A malformed escape or an escape of invalid UTF-8 is rejected as an invalid value."""
    (error,) = get_errors(f"married={value}&children=1&salary=1")
    assert error.startswith("parameter [married] has an invalid value: [")


def test_expected_values() -> None:
    """A rejection lists the expected values of each rejected parameter."""
    with pytest.raises(ParameterError) as caught:
        read_household("married=yes&children=x&salary=1&y=2")
    assert [
        "[children] once: an integer from 0 to 99, in plain digits",
        "only the parameters married or marié or marie, children or enfants, salary or salaire, year or année or annee,"
        " single_parent or parent_isolé or parent_isole, spouse_salary or salaire_conjoint, explain or explication",
    ] == caught.value.expected


@pytest.mark.parametrize(
    "query",
    [
        "year=2024&married=yes&single_parent=no&children=2&salary=50000&spouse_salary=1000",
        "annee=2024&marie=oui&parent_isole=non&enfants=2&salaire=50000&salaire_conjoint=1000",
        "ann%C3%A9e=2024&mari%C3%A9=oui&parent_isol%C3%A9=non&enfants=2&salaire=50000&salaire_conjoint=1000",
    ],
)
def test_spellings_with_a_year(query: str) -> None:
    """The parameters of a household with a year also have French names."""
    assert Household(True, 2, 50_000, 2024, False, 1000) == read_household(query)


def test_optional_parameters() -> None:
    """In a household with a year, the parameters `spouse_salary` and `single_parent` are optional."""
    assert Household(False, 1, 5, 2018) == read_household("year=2018&married=no&children=1&salary=5")
    assert Household(False, 1, 5, 2018, single_parent=True) == read_household(
        "year=2018&married=no&children=1&salary=5&single_parent=yes&spouse_salary=0"
    )


ALL_YEARS = "[year] once: one of the income years 2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025"


@pytest.mark.parametrize(
    ("query", "errors", "expected"),
    [
        ("year=2030&" + GOOD, ["parameter [year] has an invalid value: [2030]"], [ALL_YEARS]),
        ("year=2017&" + GOOD, ["parameter [year] has an invalid value: [2017]"], [ALL_YEARS]),
        ("year=&" + GOOD, ["parameter [year] has an invalid value: []"], [ALL_YEARS]),
        (
            "year=2024&annee=2024&" + GOOD,
            ["parameter [year], [annee] is repeated: it was given 2 times"],
            [ALL_YEARS],
        ),
        (
            GOOD + "&single_parent=no&spouse_salary=0&explain=yes",
            [
                "parameter [single_parent] needs [year]: the rules without a year do not use it",
                "parameter [spouse_salary] needs [year]: the rules without a year do not use it",
                "parameter [explain] needs [year]: the rules without a year do not use it",
            ],
            [ALL_YEARS],
        ),
        (
            "year=2024&single_parent=yes&" + GOOD,
            ["parameter [single_parent] contradicts [married]: a single parent is not married"],
            ["[single_parent] yes only where [married] is no"],
        ),
        (
            "year=2024&married=no&single_parent=yes&children=0&salary=1",
            ["parameter [single_parent] contradicts [children]: a single parent has at least one child"],
            ["[single_parent] yes only where [children] is 1 or more"],
        ),
        (
            "year=2024&married=no&children=0&salary=1&spouse_salary=1",
            ["parameter [spouse_salary] contradicts [married]: only spouses have a second salary"],
            ["[spouse_salary] above 0 only where [married] is yes"],
        ),
        (
            "annee=2024&marie=non&enfants=0&salaire=x&salaire_conjoint=1",
            [
                "parameter [salaire] has an invalid value: [x]",
                "parameter [salaire_conjoint] contradicts [marie]: only spouses have a second salary",
            ],
            [
                "[salaire] once: an integer from 0 to 999999999, in plain digits",
                "[salaire_conjoint] above 0 only where [marie] is yes",
            ],
        ),
    ],
)
def test_errors_of_the_dated_law(query: str, errors: list[str], expected: list[str]) -> None:
    """Parameters that the law of a year does not allow are rejected with the reason and the expected values."""
    with pytest.raises(ParameterError) as caught:
        read_household(query)
    assert errors == caught.value.errors
    assert expected == caught.value.expected


names = st.sampled_from(["married", "marié", "marie", "children", "enfants", "salary", "salaire"]) | st.text(max_size=9)
values = st.sampled_from(["yes", "NON", " oui "]) | st.integers(-5, MAX_SALARY + 5).map(str) | st.text(max_size=30)


@given(st.lists(st.tuples(names, values), max_size=5))
def test_any_parameters_are_parsed_or_rejected(parameters: list[tuple[str, str]]) -> None:
    """Any parameters give a household within the limits or a list of errors, and cause no other exception."""
    query = "&".join(
        quote_plus(n, errors="surrogatepass") + "=" + quote_plus(v, errors="surrogatepass") for n, v in parameters
    )
    try:
        household = read_household(query)
    except ParameterError as refused:
        assert refused.errors
    else:
        assert 0 <= household.children <= MAX_CHILDREN
        assert 0 <= household.salary <= MAX_SALARY
        assert 3 == len(parameters)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_rejected(raw: bytes) -> None:
    """Any bytes of a WSGI query string give a household or errors, and cause no other exception."""
    try:
        read_household(raw.decode("latin-1"))
    except ParameterError as refused:
        assert refused.errors
