"""Tests of the packages' wheels in a virtual environment that contains only the wheels and their dependencies."""

import json
import subprocess
import sys
import venv
from collections.abc import Iterable
from contextlib import chdir
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from flit_core import buildapi
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.data import ROOT
from tests.support.service import environment, service_with

PACKAGES = {"income-tax": "services/api", "tax-client": "services/client", "tax-common": "services/common"}
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def find_dependencies(names: Iterable[str]) -> dict[str, Distribution]:
    """Return the declared dependencies of packages and of these dependencies, without the packages of PACKAGES."""
    found: dict[str, Distribution] = {}
    waiting = [*names]
    while waiting:
        for needed in map(Requirement, distribution(waiting.pop()).requires or []):
            name = canonicalize_name(needed.name)
            is_needed = needed.marker is None or needed.marker.evaluate({"extra": ""})
            if is_needed and name not in found and name not in PACKAGES:
                found[name] = distribution(name)
                waiting.append(name)
    return found


def find_site(programs: Path) -> Path:
    """Return the folder of the installed packages in a virtual environment."""
    return next(programs.parent.glob("lib/python*/site-packages"))


def lend_packages(site: Path) -> None:
    """Link the dependencies of the packages from the tests' environment, so that the test needs no package index."""
    for package in find_dependencies(PACKAGES).values():
        for name in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            (site / name).symlink_to(Path(str(package.locate_file(name))))


def run(*command: str | Path, folder: Path, given: str = "") -> str:
    """Run a command with the settings of a service in a folder. Assert success and return its output."""
    settings = environment(folder, 1, PYTHONPATH="")
    finished = subprocess.run(
        command, cwd=folder, env=settings, input=given, capture_output=True, text=True, check=False
    )
    assert 0 == finished.returncode, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheels in a new virtual environment, and return the folder of its programs."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in PACKAGES.values():
        with chdir(ROOT / source):
            buildapi.build_wheel(str(folder))
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv/bin/python"
    lend_packages(find_site(python.parent))
    wheels = [*folder.glob("*.whl")]
    assert len(PACKAGES) == len(wheels)
    run(*PIP, "--python", python, "install", "--quiet", "--no-index", "--no-deps", *wheels, folder=folder)
    run(*PIP, "--python", python, "check", folder=folder)
    return python.parent


def test_installed_wheels_serve_and_calculate(programs: Path, tmp_path: Path) -> None:
    """Away from the repository, the wheels contain the tax data and all files that the service and the client need."""
    run(programs / "income-tax", "seed", "sqlite", folder=tmp_path)
    run(programs / "income-tax", "users", "add", "client", folder=tmp_path, given="long-secret\n")
    with service_with(tmp_path, 1, None, [programs / "income-tax"], PYTHONPATH="") as service:
        service.credentials = "client:long-secret"
        answer = service.get("/?married=yes&children=2&salary=50000&spouse_salary=20000&year=2025")
        assert (200, 2025) == (answer.status, answer.body["response"]["result"]["income_year"])
        for page in ("/docs", "/simulator", "/status", "/openapi.json"):
            assert 200 == service.request("GET", page)[0]
        (tmp_path / "credentials").write_text(service.credentials)
        options: list[str | Path] = [
            "--url",
            f"http://127.0.0.1:{service.port}",
            "--credentials-file",
            tmp_path / "credentials",
        ]
        run(programs / "tax-client", "calculate", *options, folder=tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())


@pytest.mark.parametrize("name", PACKAGES)
def test_wheels_contain_every_file(programs: Path, name: str) -> None:
    """An installed package has every file of its source, such as scripts, styles, templates and `py.typed`."""
    site = find_site(programs)
    source = ROOT / PACKAGES[name] / "src"
    files = [path for path in (source / name.replace("-", "_")).rglob("*") if path.is_file()]
    shipped = [path for path in files if "__pycache__" not in path.parts]
    assert source / name.replace("-", "_") / "py.typed" in shipped
    assert [] == [path for path in shipped if path.read_bytes() != (site / path.relative_to(source)).read_bytes()]
