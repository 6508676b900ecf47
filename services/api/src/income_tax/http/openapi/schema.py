"""What JSON Schemas (2020-12) are made of."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

WHOLE: Json = {"type": "integer", "minimum": 0}
FRACTION: Json = {"type": "number", "minimum": 0, "maximum": 1}
WORD: Json = {"type": "string", "enum": ["yes", "no"]}
TEXT: Json = {"type": "string"}
VERSION: Json = {"type": "string", "pattern": "^[0-9a-f]{12}$", "description": "Version of the schedules: a digest."}
OF_SERVICE: Json = {"type": "string", "description": "Version of the service."}


def members(properties: Mapping[str, Json], optional: Iterable[str] = (), **more: Any) -> Json:
    """An object with these members and no others."""
    required = [name for name in properties if name not in set(optional)]
    own = {"properties": dict(properties), "required": required, "additionalProperties": False}
    return {"type": "object", **own, **more}


def ref(name: str) -> Json:
    """A reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Json, **more: Any) -> Json:
    """An array."""
    return {"type": "array", "items": items, **more}


def enveloped(content: Json) -> Json:
    """What every answer is wrapped in."""
    return members({"response": content})
