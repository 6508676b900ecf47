"""Programs that one target alone needs, each in a virtual environment of its own, as a lock file pins it."""

import subprocess
import venv
from pathlib import Path

BENCH = Path(__file__).parent


def installed(name: str, program: str, place: Path = BENCH) -> Path:
    """A program of PLACE/.NAME, which is made of PLACE/NAME.lock when it is not there."""
    folder = place / f".{name}"
    if not (folder / "bin" / program).exists():
        venv.create(folder, with_pip=True, clear=True)
        lock = ["--require-hashes", "--requirement", str(place / f"{name}.lock")]
        subprocess.run([folder / "bin/pip", "install", "--quiet", *lock], check=True)
    return folder / "bin" / program
