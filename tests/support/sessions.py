"""Commands in a session of their own, whose processes can be ended, and looked for, together."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def in_session(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None, *, one_output: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A command under way in a folder; who asks for it sees to its end. With `one_output` stderr goes to stdout."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if one_output else subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        except BaseException:  # else the end of the block would wait for one that goes on
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def gone(session: int) -> bool:
    """Whether no process of a session is left."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return True
    return False
