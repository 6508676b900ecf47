"""The commands of the packages, called within this process: a process of their own would cost most of a second each."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from unittest.mock import patch

Called = subprocess.CompletedProcess[str]


def called(
    main: Callable[[], object], *arguments: str, given: str = "", environment: Mapping[str, str] | None = None
) -> Called:
    """What a command prints when it is called with these arguments and reads what is given."""
    stdin, stdout, stderr = (io.TextIOWrapper(io.BytesIO(text), "utf-8") for text in (given.encode(), b"", b""))
    printed, complained = stdout.buffer, stderr.buffer
    assert isinstance(printed, io.BytesIO)
    assert isinstance(complained, io.BytesIO)
    code: object = 0
    with (
        patch.object(sys, "argv", ["", *arguments]),
        patch.multiple(sys, stdin=stdin, stdout=stdout, stderr=stderr),
        patch.dict(os.environ, environment or {}, clear=environment is not None),
    ):
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
        stdout.flush()
        stderr.flush()
    assert code is None or isinstance(code, int)
    return Called([*arguments], code or 0, printed.getvalue().decode(), complained.getvalue().decode())
