"""`make bench-profile`: measure the CPU time of a request, and the share of each part of the program.

The profile compares our GET with a bare WSGI callable. Each server has one worker. The first load measures the CPU time
without py-spy. py-spy takes its samples during a second load.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import result_files as f  # noqa: E402
from bench.load_generator import Request, flood  # noqa: E402
from bench.process_usage import cpu_seconds  # noqa: E402
from bench.profile_parts import PARTS, REST, SOCKETS, shares  # noqa: E402
from bench.servers import TARGET, Server, ours, under_gunicorn  # noqa: E402
from bench.venvs import installed  # noqa: E402

SECONDS = f.seconds(10)
SAMPLES = 200  # per second
WHOLE = "CPU microseconds per request"


def spy(pid: int, samples: Path) -> "subprocess.Popen[str]":
    """Start py-spy on a process. py-spy does not pause the process, and skips idle threads."""
    program = [str(installed("profile", "py-spy")), "record", "--pid", str(pid), "--nonblocking"]
    how = ["--rate", str(SAMPLES), "--duration", str(max(1, round(SECONDS)))]
    kept = ["--format", "raw", "--full-filenames", "--output", str(samples)]
    return subprocess.Popen([*program, *how, *kept], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def profile(server: Server, request: Request) -> dict[str, float]:
    """Measure the CPU microseconds per request, in total and for each part of the program."""
    flood(request, SECONDS / 4)
    before = cpu_seconds(server.pids)
    requests = flood(request, SECONDS).requests
    whole = (cpu_seconds(server.pids) - before) / requests * 1e6
    (worker,) = server.workers
    with tempfile.TemporaryDirectory() as name:
        samples = Path(name) / "samples"
        watcher = spy(worker, samples)
        while watcher.poll() is None:
            flood(request, 1)
        said = watcher.stdout.read() if watcher.stdout else ""
        if watcher.returncode or not samples.exists():
            sys.exit(f"py-spy cannot sample process {worker}. Run it as root, or allow ptrace. Its output:\n{said}")
        with samples.open(encoding="utf-8") as lines:
            return {WHOLE: whole} | {part: share * whole for part, share in shares(lines).items()}


def page(content: dict[str, Any]) -> str:
    """Return the Markdown text about the profile for bench/README.md."""
    profiles = content["microseconds"]
    rows = []
    for part in (WHOLE, SOCKETS, *PARTS, REST):
        if any(part in found for found in profiles.values()):
            rows.append((part, *(f"{found[part]:.0f}" if part in found else "" for found in profiles.values())))
    told = f"Each measurement took {content['seconds']:g} s on {content['cores']} cores"
    return f"{told}. Each server had one worker with eight threads.\n\n{f.table(('', *profiles), rows)}"


def main() -> None:
    """Measure all profiles, save the measurements, and write the table to bench/README.md."""
    found = {}
    for name, own_worker in ((f.BARE, False), (f"{f.BARE}, the service's worker", True)):
        with under_gunicorn("bare", own_worker, workers=1) as server:
            found[name] = profile(server, Request(server.url))
    with ours(workers=1) as server:
        found[f.OURS] = profile(server, Request(server.url + TARGET, (server.login,)))
    f.save("profile", {"cores": os.cpu_count(), "seconds": SECONDS, "microseconds": found})
    f.put("profile", page(f.load("profile")))


if __name__ == "__main__":
    main()
