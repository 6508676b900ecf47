"""Validation of one household. It converts all values of a request to numbers, or reports all errors of the request."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from income_tax.tax.models import Household

from .parameters_and_decoders import (
    CHILDREN,
    EXPLAIN,
    MARRIED,
    SALARY,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    Parameter,
    ValueDecoder,
    Values,
    has_english_name,
    join_names,
    normalize_name,
    quote_text,
)

ONLY_WITH_YEAR = (SINGLE_PARENT, SPOUSE_SALARY, EXPLAIN)
Pairs = Collection[tuple[str, Any]]


class ParameterError(ValueError):
    """A request is invalid. The exception contains all errors and the expected values."""

    def __init__(self, errors: Sequence[str], expected: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = list(errors)
        self.expected = list(expected)


class HouseholdSchema:
    """The parameters that a request can have, and the decoder of their values."""

    def __init__(self, parameters: tuple[Parameter, ...], decoder: ValueDecoder) -> None:
        self.parameters = parameters
        self.decoder = decoder
        self._by_name = {name: p for p in parameters for name in p.names}
        self._required = {parameter for parameter in parameters if parameter.required}
        self._english = {parameter: parameter.english for parameter in parameters}

    def parse(self, pairs: Pairs, years: Collection[int], columns: Collection[str] = ()) -> Values:
        """Return the values of a request. Raises ParameterError with all errors if the request is invalid.

        `years` are the known income years. `columns` are the column names of a table. If `columns` or the request
        contains an English name, error messages use the English names of missing parameters.
        """
        values: Values = {}
        for name, written in pairs:
            parameter = self._by_name.get(name)
            value = None if parameter is None or parameter in values else self.decoder.decode(parameter, written)
            if parameter is None or value is None or (parameter is YEAR and value not in years):
                break
            values[parameter] = value
        else:
            if values.keys() >= self._required and not any(
                find_contradictions(values, self._english, years, YEAR in values)
            ):
                return values
        raise self._build_error(pairs, years, columns)

    def find_spellings(self, pairs: Iterable[tuple[str, Any]]) -> dict[Parameter, str]:
        """Return a mapping from each parameter of the request to the name that the request uses."""
        return {self._by_name[name]: name for name, _ in pairs if name in self._by_name}

    def _build_error(self, pairs: Pairs, years: Collection[int], columns: Collection[str]) -> ParameterError:
        """Build a ParameterError with all errors of the request."""
        uses_of: dict[Parameter, list[tuple[str, Any]]] = {parameter: [] for parameter in self.parameters}
        unknown = []
        for name, written in pairs:
            if name in self._by_name:
                uses_of[self._by_name[name]].append((name, written))
            else:
                unknown.append(f"unknown parameter [{quote_text(name)}]")
        english = has_english_name([*columns, *(name for name, _ in pairs)], self.parameters)
        names = {p: uses[0][0] if uses else p.get_name(english) for p, uses in uses_of.items()}
        values: Values = {}
        errors, expected = [], []
        for parameter, uses in uses_of.items():
            if uses or parameter.required:
                try:
                    values[parameter] = self._parse_value(parameter, names[parameter], uses, years)
                except ValueError as error:
                    errors.append(str(error))
                    expected.append(f"[{names[parameter]}] once: {describe_values(parameter, years)}")
        for contradiction, hint in find_contradictions(values, names, years, has_year=bool(uses_of.get(YEAR))):
            errors.append(contradiction)
            expected.append(hint)
        if unknown:
            expected.append("only the parameters " + join_names(self.parameters))
        return ParameterError(errors + unknown, list(dict.fromkeys(expected)))

    def _parse_value(self, parameter: Parameter, name: str, uses: list[tuple[str, Any]], years: Collection[int]) -> int:
        if not uses:
            raise ValueError(f"parameter [{name}] is missing")
        if len(uses) > 1:
            spellings = ", ".join(f"[{spelling}]" for spelling in dict.fromkeys(spelling for spelling, _ in uses))
            raise ValueError(f"parameter {spellings} is repeated: it was given {len(uses)} times")
        value = self.decoder.decode(parameter, uses[0][1])
        if value is None or (parameter is YEAR and value not in years):
            raise ValueError(f"parameter [{name}] has an invalid value: [{self.decoder.quote(uses[0][1])}]")
        return value


def describe_values(parameter: Parameter, years: Collection[int]) -> str:
    """Return a description of the valid values of a parameter."""
    return parameter.expected if parameter is not YEAR else f"one of the income years {', '.join(map(str, years))}"


def find_contradictions(
    values: Values, names: Mapping[Parameter, str], years: Collection[int], has_year: bool
) -> Iterable[tuple[str, str]]:
    """Yield an error message and the expected values for each contradiction between values."""
    if not has_year:
        for parameter in ONLY_WITH_YEAR:
            if parameter in values:
                error = f"parameter [{names[parameter]}] needs [{names[YEAR]}]: the rules without a year do not use it"
                yield error, f"[{names[YEAR]}] once: {describe_values(YEAR, years)}"
        return
    if values.get(SINGLE_PARENT):
        name = names[SINGLE_PARENT]
        if values.get(MARRIED):
            error = f"parameter [{name}] contradicts [{names[MARRIED]}]: a single parent is not married"
            yield error, f"[{name}] yes only where [{names[MARRIED]}] is no"
        if values.get(CHILDREN) == 0:
            error = f"parameter [{name}] contradicts [{names[CHILDREN]}]: a single parent has at least one child"
            yield error, f"[{name}] yes only where [{names[CHILDREN]}] is 1 or more"
    if values.get(SPOUSE_SALARY) and values.get(MARRIED) == 0:
        name = names[SPOUSE_SALARY]
        error = f"parameter [{name}] contradicts [{names[MARRIED]}]: only spouses have a second salary"
        yield error, f"[{name}] above 0 only where [{names[MARRIED]}] is yes"


def build_household(values: Values) -> Household:
    """Build a household from validated values."""
    return Household(
        bool(values[MARRIED]),
        values[CHILDREN],
        values[SALARY],
        values.get(YEAR),
        bool(values.get(SINGLE_PARENT)),
        values.get(SPOUSE_SALARY, 0),
    )


def list_members(item: object) -> list[tuple[str, Any]]:
    """Return the names and values of a JSON object.

    Raises ParameterError if the item is not an object. If the item is already a ParameterError, raises the item.
    """
    if isinstance(item, ParameterError):
        raise item
    if not isinstance(item, dict):
        raise ParameterError(["not a JSON object"], ["a JSON object with the parameters of a household"])
    return [(normalize_name(name), value) for name, value in item.items()]
