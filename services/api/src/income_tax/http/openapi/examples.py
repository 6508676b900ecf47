"""The examples of the API's description: requests with the answers that they have. A test asks each of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """A request (its parameters, or its body) and the body of its answer."""

    operation: str
    summary: str
    request: Any
    answer: Any


EXAMPLES = {
    name: Example(**example)
    for name, example in json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8")).items()
}


def requests_of(operation: str, *kinds: type) -> dict[str, Any]:
    """The requests of an operation's examples that are of these kinds, as OpenAPI writes them."""
    return {
        name: {"summary": example.summary, "value": example.request}
        for name, example in EXAMPLES.items()
        if example.operation == operation and isinstance(example.request, kinds)
    }


def answers_of(operation: str, kind: type = dict) -> dict[str, Any]:
    """The answers of an operation's examples that are of a kind, as OpenAPI writes them."""
    return {
        name: {"summary": example.summary, "value": example.answer}
        for name, example in EXAMPLES.items()
        if example.operation == operation and isinstance(example.answer, kind)
    }
