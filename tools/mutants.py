"""`make mutants`: run mutation tests with mutmut, and report the share of killed mutants.

pyproject.toml lists the modules and the tests. Equivalent mutants do not count. The exit code is 1 if the tests kill
less than 95 % of the other mutants.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.venvs import installed  # noqa: E402

PLACE = ROOT / ".mutants"
EQUIVALENT = ROOT / "tests/mutants-equivalent.txt"
PACKAGES = ("api/src/income_tax", "client/src/tax_client", "common/src/tax_common")
PRELOADED = ("pytest", "hypothesis", "flask", "numpy", "orjson", "requests", "sqlalchemy", "structlog")
NOT_IMPORTED = 255  # exit code if the tests cannot be imported; the import compiles the laws, so a mutant can break it
NOTICED = (1, 3, 24, 36, 152, NOT_IMPORTED, -9, -11, -24)  # exit codes of failure, timeout or crash
SURVIVED = {0: "no test fails", 5: "no test calls it", 33: "no test calls it"}
ENOUGH = 0.95


def lay_out() -> None:
    """Create mutmut's working folder with links to the project's files. Its folder src/ links to the packages."""
    shutil.rmtree(PLACE, ignore_errors=True)
    (PLACE / "src").mkdir(parents=True)
    for package in PACKAGES:
        (PLACE / "src" / Path(package).name).symlink_to(ROOT / "services" / package)
    for name in ("db", "services", "tests", "pyproject.toml"):
        (PLACE / name).symlink_to(ROOT / name)
    (PLACE / "preload.txt").write_text("\n".join(PRELOADED), encoding="utf-8")


def mutmut(*arguments: str, quiet: bool = False) -> str:
    """Run mutmut with access to the tests' packages. Return the output if `quiet` is true, else print it."""
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    program = installed("mutants", "mutmut", ROOT / "tools")
    output = subprocess.PIPE if quiet else None
    run = subprocess.run([program, *arguments], cwd=PLACE, env=environment, stdout=output, text=True, check=False)
    if run.returncode:
        sys.exit(f"mutmut {arguments[0]} ended with exit code {run.returncode}")
    return run.stdout or ""


def outcomes() -> dict[str, dict[str, int | None]]:
    """Return, for each module, a mapping from tested mutants to the exit codes of their tests."""
    found = {}
    for path in sorted((PLACE / "mutants/src").rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        module = ".".join(path.relative_to(PLACE / "mutants/src").parts).removesuffix(".py.meta")
        found[module] = {name: code for name, code in codes.items() if code is not None}
    return {module: codes for module, codes in found.items() if codes}


def change(mutant: str) -> tuple[str, str]:
    """Return the text that a mutant removes and the text that it inserts."""
    lines = [line for line in mutmut("show", mutant, quiet=True).splitlines() if line[:3] not in ("+++", "---")]
    out, put = (" ".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
    return out, put


def is_equivalent(function: str, out: str, put: str) -> bool:
    """Return whether tests/mutants-equivalent.txt lists the change of a function from `out` to `put`."""
    for line in EQUIVALENT.read_text(encoding="utf-8").splitlines():
        if " | " not in line or line.startswith("#"):
            continue
        place, fault, _reason = line.split(" | ")
        old, _, new = fault.partition(" => ")
        parts = out.split(old)
        changed = (old.join(parts[:i]) + new + old.join(parts[i:]) for i in range(1, len(parts)))
        if fnmatchcase(function, place) and put in changed:
            return True
    return False


def name_of(mutant: str) -> str:
    """Return the name of a mutant's function, in the form `module.function` or `module.Class.method`."""
    path, _, name = mutant.partition("__mutmut_")[0].rpartition(".")
    return f"{path}.{name.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def report(found: dict[str, dict[str, int | None]]) -> bool:
    """Print the surviving mutants and a table of all modules. Return whether the tests killed enough mutants."""
    if {code for codes in found.values() for code in codes.values()} == {NOT_IMPORTED}:
        sys.exit("No test could be imported with any mutant. Run the tests without mutants to find the cause.")
    total = Counter[str]()
    rows = []
    for module, codes in found.items():
        count = Counter(mutants=len(codes), killed=sum(code in NOTICED for code in codes.values()))
        for mutant in (name for name, code in codes.items() if code not in NOTICED):
            out, put = change(mutant)
            if is_equivalent(name_of(mutant), out, put):
                count["equivalent"] += 1
            else:
                why = SURVIVED.get(codes[mutant] or 0, f"exit code {codes[mutant]}")
                print(f"{mutant} ({why})\n- {out}\n+ {put}\n")
        rows.append((module, count))
        total += count
    print(f"{'module':40}{'mutants':>9}{'killed':>9}{'equivalent':>12}{'survived':>10}{'share':>9}")
    for module, count in [*rows, ("all", total)]:
        rest = count["mutants"] - count["equivalent"]
        figures = f"{count['mutants']:9}{count['killed']:9}{count['equivalent']:12}{rest - count['killed']:10}"
        print(f"{module:40}{figures}{count['killed'] / max(rest, 1):9.1%}")
    return total["killed"] >= ENOUGH * (total["mutants"] - total["equivalent"])


def main(names: list[str]) -> None:
    """Test the mutants whose names match `names`, or all mutants if `names` is empty, and print the results."""
    lay_out()
    mutmut("run", *names)
    sys.exit(not report(outcomes()))


if __name__ == "__main__":
    main(sys.argv[1:])
