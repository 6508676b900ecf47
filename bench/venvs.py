"""Install programs that only one make target needs. Each program has its own virtual environment and lock file."""

import subprocess
import venv
from pathlib import Path

BENCH = Path(__file__).parent


def installed(name: str, program: str, place: Path = BENCH) -> Path:
    """Return the path of a program in PLACE/.NAME. If it is missing, first install the packages in PLACE/NAME.lock."""
    folder = place / f".{name}"
    if not (folder / "bin" / program).exists():
        venv.create(folder, with_pip=True, clear=True)
        lock = ["--require-hashes", "--requirement", str(place / f"{name}.lock")]
        subprocess.run([folder / "bin/pip", "install", "--quiet", *lock], check=True)
    return folder / "bin" / program
