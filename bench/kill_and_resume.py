"""Kill and resume a calculation, and check its output files for lost, reordered or changed lines."""

import hashlib
import json
import re
import subprocess
import time
from itertools import zip_longest
from pathlib import Path

KILLS = 3
OUTPUTS = ("results.json", "errors.jsonl")


def offset_of(checkpoint: Path) -> int:
    """Return the input offset that a checkpoint contains, or 0 if the checkpoint does not exist."""
    return int(json.loads(checkpoint.read_bytes())["position"]["offset"]) if checkpoint.exists() else 0


def killed_and_resumed(arguments: list[str], folder: Path, size: int) -> list[int]:
    """Run a calculation, and kill it after one, two and three quarters of the input file.

    Return the progress at each kill in percent. After each kill, a new run resumes the calculation. The last run ends
    without a kill.
    """
    checkpoint = folder / f"{OUTPUTS[0]}.checkpoint"
    reached = []
    for quarter in range(1, KILLS + 1):
        process = subprocess.Popen([*arguments, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while offset_of(checkpoint) < size * quarter / (KILLS + 1) and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()
        reached.append(100 * offset_of(checkpoint) // size)
    subprocess.run([*arguments, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return reached


def digests(folder: Path) -> list[str]:
    """Return the SHA-256 digests of the output files."""
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in OUTPUTS]


def same(path: Path, pattern: bytes, expected: list[int]) -> bool:
    """Return whether a file contains exactly the expected numbers in the expected order.

    The first group of `pattern` matches the number in a line, such as an id. Lines without a match are ignored.
    """
    with path.open("rb") as file:
        found = (int(number[1]) for line in file if (number := re.match(pattern, line)))
        return all(one == other for one, other in zip_longest(found, expected))
