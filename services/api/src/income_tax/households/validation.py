"""From the names and values that a request gives to a household, or to the list of all that is wrong with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from income_tax.tax.models import Household

from .parameters import (
    CHILDREN,
    EXPLAIN,
    MARRIED,
    SALARY,
    SINGLE_PARENT,
    SPOUSE_SALARY,
    YEAR,
    Form,
    Parameter,
    Values,
    is_english,
    names_of,
    shown,
)

ONLY_WITH_YEAR = (SINGLE_PARENT, SPOUSE_SALARY, EXPLAIN)


class ParameterError(ValueError):
    """The request does not say what it must: all its errors, and what was expected instead."""

    def __init__(self, errors: Sequence[str], expected: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = list(errors)
        self.expected = list(expected)


class Reading:
    """Takes the values of parameters out of the names and values that a request gives."""

    def __init__(self, parameters: tuple[Parameter, ...], form: Form) -> None:
        self.parameters = parameters
        self.form = form
        self._by_name = {name: p for p in parameters for name in p.names}
        self._required = {parameter for parameter in parameters if parameter.required}
        self._english = {parameter: parameter.english for parameter in parameters}

    def values(self, pairs: Collection[tuple[str, Any]], years: Collection[int], named: Collection[str] = ()) -> Values:
        """The values; ParameterError lists every error, each under the name that the request used.

        `named` are further names that the request uses, without values.
        """
        values: Values = {}
        for name, given in pairs:
            parameter = self._by_name.get(name)
            value = None if parameter is None or parameter in values else self.form.read(parameter, given)
            if parameter is None or value is None or (parameter is YEAR and value not in years):
                break
            values[parameter] = value
        else:
            if values.keys() >= self._required and not any(
                contradictions(values, self._english, years, YEAR in values)
            ):
                return values
        raise self._error(pairs, years, named)

    def spelled(self, pairs: Iterable[tuple[str, Any]]) -> dict[Parameter, str]:
        """The names of the parameters as a request spells them."""
        return {self._by_name[name]: name for name, _ in pairs if name in self._by_name}

    def _error(
        self, pairs: Collection[tuple[str, Any]], years: Collection[int], named: Collection[str]
    ) -> ParameterError:
        """All that is wrong."""
        given: dict[Parameter, list[tuple[str, Any]]] = {parameter: [] for parameter in self.parameters}
        unknown = []
        for name, value in pairs:
            if name in self._by_name:
                given[self._by_name[name]].append((name, value))
            else:
                unknown.append(f"unknown parameter [{shown(name)}]")
        english = is_english([*named, *(name for name, _ in pairs)], self.parameters)
        names = {p: uses[0][0] if uses else p.name(english) for p, uses in given.items()}
        values: Values = {}
        errors, expected = [], []
        for parameter, uses in given.items():
            if uses or parameter.required:
                try:
                    values[parameter] = self._value(parameter, names[parameter], uses, years)
                except ValueError as error:
                    errors.append(str(error))
                    expected.append(f"[{names[parameter]}] once: {expectation(parameter, years)}")
        for contradiction, hint in contradictions(values, names, years, dated=bool(given.get(YEAR))):
            errors.append(contradiction)
            expected.append(hint)
        if unknown:
            expected.append("only the parameters " + names_of(self.parameters))
        return ParameterError(errors + unknown, list(dict.fromkeys(expected)))

    def _value(self, parameter: Parameter, name: str, uses: list[tuple[str, Any]], years: Collection[int]) -> int:
        if not uses:
            raise ValueError(f"parameter [{name}] is missing")
        if len(uses) > 1:
            spellings = ", ".join(f"[{spelling}]" for spelling in dict.fromkeys(spelling for spelling, _ in uses))
            raise ValueError(f"parameter {spellings} is repeated: it was given {len(uses)} times")
        value = self.form.read(parameter, uses[0][1])
        if value is None or (parameter is YEAR and value not in years):
            raise ValueError(f"parameter [{name}] has an invalid value: [{self.form.show(uses[0][1])}]")
        return value


def expectation(parameter: Parameter, years: Collection[int]) -> str:
    """What a value must be, in words."""
    return parameter.expected if parameter is not YEAR else f"one of the income years {', '.join(map(str, years))}"


def contradictions(
    values: Values, names: Mapping[Parameter, str], years: Collection[int], dated: bool
) -> Iterable[tuple[str, str]]:
    """What does not go together, and what would; `dated` where the request names a year."""
    if not dated:
        for parameter in ONLY_WITH_YEAR:
            if parameter in values:
                error = f"parameter [{names[parameter]}] needs [{names[YEAR]}]: the rules without a year have none"
                yield error, f"[{names[YEAR]}] once: {expectation(YEAR, years)}"
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


def household_of(values: Values) -> Household:
    """The household that the values say."""
    return Household(
        bool(values[MARRIED]),
        values[CHILDREN],
        values[SALARY],
        values.get(YEAR),
        bool(values.get(SINGLE_PARENT)),
        values.get(SPOUSE_SALARY, 0),
    )
