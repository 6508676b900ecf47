"""`make bench-million`: measure `tax-client calculate --batch 1000` with a file of a million lines.

The benchmark uses the tutorial's rules (v7) and the dated law, each on a new server. It repeats each calculation, kills
the repetition three times with SIGKILL, and resumes it after each kill. The exit code is 1 if a calculation loses,
reorders or changes lines. The verdict judges the duration and the memory of the client. With `--on sqlite`, the server
is gunicorn on SQLite instead of the stack in containers.
"""

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import performance_goals  # noqa: E402
from bench import result_files as f  # noqa: E402
from bench.container_stack import stack  # noqa: E402
from bench.kill_and_resume import OUTPUTS, digests, killed_and_resumed, same  # noqa: E402
from bench.process_usage import cpu_seconds, memory_of  # noqa: E402
from bench.servers import Server, ours  # noqa: E402
from tests.support.taxpayers_file import write_taxpayers  # noqa: E402

BATCH = 1000
LAWS = {"the tutorial's rules (v7)": None, f.DATED_LINES: 2024}


@contextmanager
def server(where: str) -> Iterator[Server]:
    """Run and yield a server: gunicorn on SQLite if `where` is `sqlite`, otherwise the stack in containers."""
    if where == "sqlite":
        with ours() as found:
            yield found
    else:
        with stack() as (_made, found):
            yield found


def command(folder: Path, url: str, source: Path, *more: str) -> list[str]:
    """Build the command line of a calculation that keeps its files in `folder`."""
    files = {"credentials-file": "credentials", "log-file": "client.log"}
    files |= {"results": OUTPUTS[0], "errors": OUTPUTS[1]}
    options = [part for option, name in files.items() for part in (f"--{option}", str(folder / name))]
    return [sys.executable, "-m", "tax_client", "calculate", str(source), "--url", url, *options, *more]


def measured(arguments: list[str], found: Server) -> dict[str, float]:
    """Run a calculation. Return its duration, and the CPU seconds and peak memory of the client and of the server."""
    pids = found.pids
    before, start = cpu_seconds(pids), time.monotonic()
    with memory_of(found.workers) as seen:
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} ended with exit code {process.returncode}; expected 0")
    return {
        "seconds": seconds,
        "client cpu": used.ru_utime + used.ru_stime,
        "server cpu": cpu_seconds(pids) - before,
        "client MiB": used.ru_maxrss / 1024,
        "worker MiB": max(seen),
    }


def measure(where: str, lines: int, year: int | None) -> dict[str, Any]:
    """Calculate a file on a new server, first without kills and then with kills. Return all measurements."""
    with tempfile.TemporaryDirectory() as name, server(where) as found:
        folder = Path(name)
        (folder / "credentials").write_bytes(base64.b64decode(found.login.rpartition(" ")[2]))
        source = folder / "taxpayers.txt"
        good, bad = write_taxpayers(source, lines)
        run = command(folder, found.url, source, "--batch", str(BATCH), *(["--year", str(year)] if year else []))
        figures: dict[str, Any] = {"on": where, "lines": lines, "good": len(good), "bad": len(bad)}
        figures |= measured(run, found)
        figures["all lines, in order"] = same(folder / OUTPUTS[0], rb'\s*\{"id":(\d+),', good) and same(
            folder / OUTPUTS[1], rb'\{"line": (\d+),', bad
        )
        whole = digests(folder)
        figures["killed at percent"] = killed_and_resumed(run, folder, source.stat().st_size)
        figures["same bytes"] = whole == digests(folder)
    return figures


def yes_no(truth: bool) -> str:
    """Return "yes" or "NO"."""
    return "yes" if truth else "NO"


def paragraph(rules: str, figures: dict[str, Any]) -> str:
    """Format the measurements of the calculations by one law as a paragraph."""
    where = "the stack in containers with one replica" if figures["on"] == "stack" else "gunicorn on SQLite"
    kills = ", ".join(f"{percent} %" for percent in figures["killed at percent"])
    return (
        f"The calculation of {figures['lines']:,} lines by {rules} took {figures['seconds']:.1f} s on {where}."
        f" Client and server shared {os.cpu_count()} cores. The client used {figures['client cpu']:.1f} CPU seconds"
        f" and at most {figures['client MiB']:.0f} MiB. The server used {figures['server cpu']:.1f} CPU seconds,"
        f" and a worker at most {figures['worker MiB']:.0f} MiB (PSS). The file has {figures['good']:,} valid and"
        f" {figures['bad']:,} invalid lines. Does the output contain each line once and in order?"
        f" {yes_no(figures['all lines, in order'])}. The client was killed with SIGKILL at {kills} and resumed."
        f" Has the output the same bytes as without a kill? {yes_no(figures['same bytes'])}."
    )


def chosen(year: str | None) -> dict[str, int | None]:
    """Return the laws that `--year` selects. Return both laws if the option is absent."""
    if year is None:
        return LAWS
    return {name: law for name, law in LAWS.items() if year == (str(law) if law else "v7")}


def main() -> None:
    """Measure the calculations, save the measurements, and write paragraphs and verdict to bench/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=("stack", "sqlite"), default="stack")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--year", choices=("v7", "2024"), help="the law (default: both laws, one after the other)")
    options = parser.parse_args()
    f.save("million", {rules: measure(options.on, options.lines, law) for rules, law in chosen(options.year).items()})
    figures = f.load("million")
    f.put("million", "\n\n".join(paragraph(rules, found) for rules, found in figures.items()))
    performance_goals.publish()
    if not all(found["all lines, in order"] and found["same bytes"] for found in figures.values()):
        sys.exit("A run has lost, reordered or changed lines. The paragraphs above mark the failed check with NO.")


if __name__ == "__main__":
    main()
