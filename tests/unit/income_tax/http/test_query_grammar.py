"""The query parser agrees with an oracle on generated queries. The oracle follows only the documentation."""

import re
import unicodedata
from collections import Counter
from urllib.parse import parse_qsl

from hypothesis import given, settings
from hypothesis import strategies as st

from income_tax.households.parameters_and_decoders import EXPLAIN
from income_tax.households.validation import ParameterError, build_household
from income_tax.http.requests.query_string import parse_query
from income_tax.http.routes.calculation import QUERY_SCHEMA
from income_tax.tax.models import Household
from tests.support.budget import budget
from tests.support.grammar import Grammar

EXAMPLES, QUERIES = budget(150, 1500), 40
YEARS = range(2018, 2026)

NAMES = {
    "married": ["married", "marié", "marie"],
    "children": ["children", "enfants"],
    "salary": ["salary", "salaire"],
    "year": ["year", "année", "annee"],
    "single_parent": ["single_parent", "parent_isolé", "parent_isole"],
    "spouse_salary": ["spouse_salary", "salaire_conjoint"],
    "explain": ["explain", "explication"],
}
NAMED = {spelling: name for name, spellings in NAMES.items() for spelling in spellings}
WORD, EUROS = re.compile("(?i:yes|oui|no|non)", re.ASCII), re.compile("[0-9]{1,20}")
VALID = {
    "married": WORD,
    "children": re.compile("0{0,18}[0-9]{1,2}"),
    "salary": EUROS,
    "year": re.compile("0{0,16}20(1[89]|2[0-5])"),
    "single_parent": WORD,
    "spouse_salary": EUROS,
    "explain": WORD,
}
NAME = f"\\[({'|'.join(NAMED)})\\]"
CLEAR = {
    "missing": f"parameter {NAME} is missing",
    "invalid": f"parameter {NAME} has an invalid value: \\[.{{0,101}}\\]",
    "repeated": rf"parameter {NAME}(, {NAME})* is repeated: it was given \d+ times",
    "unknown": r"unknown parameter \[.{0,101}\]",
    "needs": f"parameter {NAME} needs {NAME}: the rules without a year do not use it",
    "contradicts": f"parameter {NAME} contradicts {NAME}: (a single parent is not married"
    "|a single parent has at least one child|only spouses have a second salary)",
}
SENTENCE = re.compile("|".join(f"(?P<{kind}>{sentence})" for kind, sentence in CLEAR.items()), re.DOTALL)

Question = tuple[Household, bool]  # the household, and True if an explanation of its tax is requested


def oracle(query: str) -> Question | None:
    """Parse a query string as docs/reference/api.md defines it, or return None if the query string is invalid."""
    given: dict[str, str] = {}
    # A WSGI query string holds raw bytes as Latin-1. The parser leaves Latin-1 characters unchanged.
    for spelling, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        name = NAMED.get(unicodedata.normalize("NFC", spelling), "")
        if not name or name in given or not VALID[name].fullmatch(value.strip(" \t")):
            return None
        given[name] = value.strip(" \t").lower()
    if not given.keys() >= {"married", "children", "salary"}:
        return None
    yes = {name for name, value in given.items() if value in ("yes", "oui")}
    children, salary, spouse = (int(given.get(name, "0")) for name in ("children", "salary", "spouse_salary"))
    if max(salary, spouse) > 999_999_999:
        return None
    if "year" not in given and not given.keys().isdisjoint({"single_parent", "spouse_salary", "explain"}):
        return None
    if ("single_parent" in yes and ("married" in yes or not children)) or (spouse and "married" not in yes):
        return None
    year = int(given["year"]) if "year" in given else None
    return Household("married" in yes, children, salary, year, "single_parent" in yes, spouse), "explain" in yes


def parse(query: str, seen: Counter[str]) -> Question | None:
    """Return the question that the parser reads. If the parser rejects the query, check the errors and return None."""
    try:
        values = QUERY_SCHEMA.parse(parse_query(query), YEARS)
    except ParameterError as refused:
        assert refused.errors
        assert refused.expected
        for error in refused.errors:
            sentence = SENTENCE.fullmatch(error)
            assert sentence, error
            seen[f"{sentence.lastgroup}"] += 1
        return None
    return build_household(values), bool(values.get(EXPLAIN))


def list_parts(question: Question) -> list[str]:
    """Return the word "taken", followed by the optional parameters that have a value in the question."""
    household, explained = question
    parts = {"year": household.year, "single_parent": household.single_parent, "spouse_salary": household.spouse_salary}
    return ["taken", *(name for name, value in (parts | {"explain": explained}).items() if value)]


def test_parser_agrees_with_the_oracle() -> None:
    """The parser agrees with the oracle on thousands of valid and invalid query strings."""
    seen, queries, count = Counter[str](), set[str](), EXAMPLES * QUERIES

    @settings(max_examples=EXAMPLES)
    @given(st.binary(min_size=1800, max_size=1800))
    def compare(entropy: bytes) -> None:
        grammar = Grammar(entropy)
        for _ in range(QUERIES):
            query = grammar.query()
            expected = oracle(query)
            assert expected == parse(query, seen), query
            seen.update(list_parts(expected) if expected else ["refused"])
            queries.add(query)

    compare()
    assert seen["taken"] + seen["refused"] >= count
    assert min(seen["taken"], seen["refused"]) > count / 6, seen
    # The queries cover every optional parameter and every kind of error. Few queries occur more than once.
    assert min(seen[kind] for kind in (*list(NAMES)[3:], *CLEAR)) > count / 120, seen
    assert len(queries) > 0.8 * count
