"""What stops the client before it works: something the user gave it and can mend."""


class UserError(Exception):
    """Its text says what was expected and what to do next; the exit code is 2."""


def unreadable(what: str, path: object, error: OSError, remedy: str) -> UserError:
    """The error of a file that cannot be read, opened or written."""
    return UserError(f"{what} [{path}]: {error.strerror or error}: {remedy}")
