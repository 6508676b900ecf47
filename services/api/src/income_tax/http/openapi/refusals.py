"""Headers and refusals, as OpenAPI has them."""

from .schema import TEXT, VERSION, Json, enveloped, ref

HEADERS: dict[str, Json] = {
    "RequestId": {"description": "The id of the request, in all logs too.", "required": True, "schema": TEXT},
    "SchedulesVersion": {"description": "The schedules that the answer was made from.", "schema": VERSION},
    "RetryAfter": {"description": "Seconds to wait.", "required": True, "schema": {**TEXT, "pattern": "^[0-9]+$"}},
    "Allow": {"description": "The methods that the address has.", "required": True, "schema": TEXT},
    "Authenticate": {"description": "The scheme, HTTP Basic.", "required": True, "schema": TEXT},
}


def refused(description: str, **headers: str) -> Json:
    """An answer that lists errors."""
    named = {"X-Request-ID": "RequestId"} | {name.replace("_", "-"): header for name, header in headers.items()}
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{header}"} for name, header in named.items()},
        "content": {"application/json": {"schema": enveloped(ref("Error"))}},
    }


RESPONSES: dict[str, Json] = {
    "BadRequest": refused("The request is wrong: every error of it, and what was expected."),
    "Unauthorized": refused("Login or password is missing or wrong.", WWW_Authenticate="Authenticate"),
    "NotFound": refused("There is nothing of that name."),
    "MethodNotAllowed": refused("No such method here.", Allow="Allow"),
    "TooLarge": refused("The body is too long, or has too many households."),
    "WrongType": refused("The body is of a type that is not read."),
    "TooManyRequests": refused("Too many logins failed, or too many requests at once.", Retry_After="RetryAfter"),
}
