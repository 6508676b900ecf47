"""Call the packages' commands within the test process, because a new process would add almost a second per call."""

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
    """Call a command's main function with arguments and standard input. Return the exit code and the output."""
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
