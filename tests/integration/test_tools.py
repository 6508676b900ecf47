"""Tests of tools that change the user's files or signal containers. The tests need no container engine."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.data import ROOT
from tests.support.sessions import in_session
from tests.support.stack import copy_project
from tests.support.waiting import wait_until


def tool(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in a folder, and return its exit code and output."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_save_settings_keeps_other_lines_mode_and_link(tmp_path: Path) -> None:
    """`save-settings` replaces values in `.env`, and keeps the other lines, the file mode and the symbolic link."""
    real, link = tmp_path / "settings", tmp_path / ".env"
    real.write_text("DB=postgres\nTZ=Europe/Paris\nDBX=1\n")
    real.chmod(0o600)
    link.symlink_to(real)
    done = tool(tmp_path, str(ROOT / "tools/save-settings"), ".env", "DB", "mysql", "REPLICAS", "", "HTTP_PORT", "9080")
    assert (0, "") == (done.returncode, done.stderr)
    assert "TZ=Europe/Paris\nDBX=1\nDB=mysql\nHTTP_PORT=9080\n" == real.read_text()
    assert link.is_symlink()
    assert 0o600 == real.stat().st_mode & 0o777
    assert {real, link} == set(tmp_path.iterdir())


def test_settings_survive_a_full_disk(tmp_path: Path) -> None:
    """If the disk is full, `save-settings` keeps the old settings and reports the failure."""
    settings = tmp_path / ".env"
    settings.write_text("DB=postgres\n")
    (tmp_path / ".env.new").symlink_to("/dev/full")
    done = tool(tmp_path, str(ROOT / "tools/save-settings"), ".env", "DB", "mysql")
    assert 1 == done.returncode
    assert ".env could not be written. Free disk space" in done.stderr
    assert "DB=postgres\n" == settings.read_text()


def test_one_change_of_passwords_at_a_time(tmp_path: Path) -> None:
    """A second concurrent `make db-password` fails, prints the remedy, and changes no file."""
    (tmp_path / "secrets/.db-password").mkdir(parents=True)
    (tmp_path / "secrets/db_reader_password").write_text("old")
    done = tool(tmp_path, str(ROOT / "tools/rotate-db-passwords"))
    assert 1 == done.returncode
    assert (
        "Another `make db-password` holds the lock. If none runs, remove the lock: rmdir secrets/.db-password"
        in done.stderr
    )
    assert {".db-password", "db_reader_password"} == {path.name for path in (tmp_path / "secrets").iterdir()}
    assert "old" == (tmp_path / "secrets/db_reader_password").read_text()


@pytest.mark.parametrize("alone", ["cert.pem", "key.pem"])
def test_incomplete_certificate_pair_is_not_overwritten(tmp_path: Path, alone: str) -> None:
    """If only the certificate or only the key exists, `make certs` reports the file and does not overwrite it."""
    folder = tmp_path / "secrets/tls"
    folder.mkdir(parents=True)
    (folder / alone).write_text("mine")
    done = tool(tmp_path, str(ROOT / "tools/create-certs"))
    assert 1 == done.returncode
    assert f"secrets/tls/{alone} exists without the other file of its pair" in done.stderr
    assert ["mine"] == [path.read_text() for path in folder.iterdir()]


def test_copied_environment_is_recreated(tmp_path: Path) -> None:
    """`make venv` recreates a virtual environment that was created in another folder."""
    copy_project(tmp_path)
    marker = tmp_path / ".venv/bin/.ready"
    marker.parent.mkdir(parents=True)

    def would_make() -> bool:
        # The marker is newer than its sources. Therefore `make` decides only by the folder name in the marker.
        return "tools/create-venv" in tool(tmp_path, "make", "--dry-run", "venv").stdout

    assert would_make()
    marker.write_text(f"{ROOT}\n")
    assert would_make()
    marker.write_text(f"{tmp_path}\n")
    assert not would_make()


def test_signal_is_sent_only_after_the_client_runs(tmp_path: Path) -> None:
    """The script sends a signal only after the container runs the client, because an earlier signal would be lost."""
    docker = tmp_path / "docker"
    docker.write_text(
        """#!/bin/sh
echo "$1" >> calls
[ "$1" = kill ] || printf 'PID\\n1\\n'
[ "$(grep -c top calls)" -lt 3 ] || echo 7
"""
    )
    docker.chmod(0o755)
    script = f"PATH=.:$PATH; . {ROOT}/tools/client-containers; stop_client client $$"
    done = tool(tmp_path, "sh", "-c", script)
    assert (0, "") == (done.returncode, done.stderr)
    assert ["top", "top", "top", "kill"] == (tmp_path / "calls").read_text().split()


@pytest.mark.parametrize("shell", ["dash", "bash --posix"])
@pytest.mark.parametrize(
    ("early", "late", "code"),
    [
        ("", "", 0),
        ("kill -s TERM 0", "", 2),
        ("", "kill -s TERM 0", -signal.SIGTERM),
        ("", "kill -s KILL 0", -signal.SIGKILL),
    ],
    ids=["normal exit", "SIGTERM before the watcher runs", "SIGTERM", "SIGKILL"],
)
def test_the_folder_of_a_run_is_removed(tmp_path: Path, shell: str, early: str, late: str, code: int) -> None:
    """The watcher removes the temporary folder of a load test after every kind of exit of the script."""
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    for name, text in {"docker": "", "setsid": f'{early}\nexec {shutil.which("setsid")} "$@"\n'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / name).chmod(0o755)
    run = "folder=. work=.load names=name; start_watcher; echo watched"
    script = f"PATH=.:$PATH; . tools/client-containers; {run}; {late}"
    with in_session([*shell.split(), "-c", script], tmp_path) as process:
        said, err = process.communicate(timeout=60)
    assert ("" if early else "watched\n", code) == (said, process.returncode), err
    wait_until(lambda: not (tmp_path / ".load").exists())
