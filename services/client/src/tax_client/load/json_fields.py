"""The values of a JSON object, each of the kind and in the range that its reader can work with."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Self

import orjson

MOST = 2**53  # of what is counted: every JSON reader knows such a number exactly
SHOWN = 60  # characters of a value that an error repeats


class Fields:
    """An object's values by their names. Raises ValueError, which names the value, when one is not as expected.

    `where` is the path of the object in what holds it.
    """

    def __init__(self, content: object, where: str = "") -> None:
        if not isinstance(content, dict):
            raise refusal(where or "content", "an object", content)
        self._content: dict[str, Any] = content
        self._where = where

    def get(self, name: str) -> Any:
        """The value, whatever it is."""
        if name not in self._content:
            raise ValueError(f"{self.path(name)} is missing")
        return self._content[name]

    def path(self, name: str) -> str:
        """The path of a value."""
        return f"{self._where}.{name}" if self._where else name

    def number(self, name: str, low: float, high: float) -> float:
        """A number between two limits."""
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise refusal(self.path(name), f"a number from {low:g} to {high:g}", value)
        return value

    def whole(self, name: str, low: int = 0, high: int = MOST) -> int:
        """A whole number between two limits."""
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise refusal(self.path(name), f"a whole number from {low} to {high}", value)
        return value

    def text(self, name: str) -> str:
        """A text."""
        value = self.get(name)
        if not isinstance(value, str):
            raise refusal(self.path(name), "a text", value)
        return value

    def texts(self, name: str) -> list[str]:
        """An array of texts."""
        values = self.get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise refusal(self.path(name), "an array of texts", values)
        return values

    def part(self, name: str) -> Self:
        """An object."""
        return type(self)(self.get(name), self.path(name))

    def parts(self, name: str) -> Iterator[Self]:
        """An array of objects."""
        values = self.get(name)
        if not isinstance(values, list):
            raise refusal(self.path(name), "an array of objects", values)
        return (type(self)(value, f"{self.path(name)}[{n}]") for n, value in enumerate(values))

    def whatever(self) -> dict[str, Any]:
        """All values, unchecked."""
        return self._content

    def all_texts(self) -> dict[str, str]:
        """All values, which are texts."""
        return {name: self.text(name) for name in self._content}

    def counts(self) -> Counter[str]:
        """All values, which are counts."""
        return Counter({name: self.whole(name) for name in self._content})


def refusal(path: str, expected: str, value: object) -> ValueError:
    """What a value is, and what was expected."""
    found = orjson.dumps(value).decode()
    return ValueError(f"{path}: expected {expected}, found [{found[:SHOWN]}{'...' if len(found) > SHOWN else ''}]")
