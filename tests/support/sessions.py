"""Run commands in their own session, so that tests can kill or find all their processes together."""

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
    """Start a command in a folder and yield its process. The caller must end the process.

    `one_output` merges stderr into stdout.
    """
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
        except BaseException:  # kill the process, because Popen would wait for its end
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise


def gone(session: int) -> bool:
    """Return whether a session has no processes left."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return True
    return False
