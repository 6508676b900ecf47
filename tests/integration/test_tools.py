"""Tests of tools that change the user's files or signal containers. The tests need no container engine."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


def check_settings(**settings: str) -> tuple[int, list[str]]:
    """Check settings, and return the exit code and the lines of the error."""
    given = "".join(f"{name}={value}\n" for name, value in settings.items())
    done = subprocess.run([ROOT / "tools/check-settings"], input=given, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB", "oracle", "postgres or mysql"),
        ("TLS", "yes", "on or off"),
        ("MASK_AMOUNTS", "true", "on or off"),
        ("REPLICAS", "1000", "a whole number from 1 to 20; MAX_REPLICAS in .env sets this limit"),
        ("REPLICAS", "0", "a whole number from 1 to 20; MAX_REPLICAS in .env sets this limit"),
        ("MAX_REPLICAS", "many", "a whole number from 1 to 1000"),
        ("HTTP_PORT", "65536", "a whole number from 1 to 65535"),
        ("HTTPS_PORT", "08443", "a whole number from 1 to 65535"),
        ("HTTP_PORT", "8025", "another port than MAIL_PORT"),
        ("PROMETHEUS_PORT", "8080", "another port than HTTP_PORT"),
        ("ALERTMANAGER_PORT", "9090", "another port than PROMETHEUS_PORT"),
        ("GRAFANA_PORT", "x", "a whole number from 1 to 65535"),
        ("NGINX_WORKERS", "auto;", "a whole number from 1 to 32"),
        ("CLIENT_TIMEOUT", "10sec", "a time such as 30s, 500ms or 2m, above 0, at most 1d"),
        ("CLIENT_TIMEOUT", "30S", "a time such as 30s, 500ms or 2m, above 0, at most 1d"),
        ("READ_TIMEOUT", "0", "a time such as 30s, 500ms or 2m, above 0, at most 1d"),
        ("READ_TIMEOUT", "25h", "a time such as 30s, 500ms or 2m, above 0, at most 1d"),
        ("RETRY_TIMEOUT", "0.7s", "a time such as 30s, 500ms or 2m, above 0, at most 1d"),
        ("BATCH_MAX", "010000", "a whole number from 1 to 1000000"),
        ("MAX_BODY", "10x", "a size such as 500k or 2m, above 0, at most 1024g"),
        ("MAX_BODY", "1.5m", "a size such as 500k or 2m, above 0, at most 1024g"),
        ("MAX_BODY", "9999999999999", "a size such as 500k or 2m, above 0, at most 1024g"),
        ("MAX_HEADER", "8k", "a whole number from 512 to 8000"),
        ("RATE_LIMIT", "20", "a rate such as 20r/s or 60r/m, from 1 to 1000000000"),
        ("RATE_LIMIT", "9999999999r/s", "a rate such as 20r/s or 60r/m, from 1 to 1000000000"),
        ("RATE_BURST", "-1", "a whole number from 1 to 1000000000"),
        ("API_MEMORY", "512x", "a size such as 512m or 2g, from 64m to 1024g"),
        ("API_MEMORY", "512", "a size such as 512m or 2g, from 64m to 1024g"),
        ("API_MEMORY", "512bb", "a size such as 512m or 2g, from 64m to 1024g"),
        ("API_MEMORY", "1025g", "a size such as 512m or 2g, from 64m to 1024g"),
        ("API_PIDS", "32", "a whole number from 33 to 100000"),
        ("LOG_EACH_MAX", "1e6", "a whole number from 0 to 1000000000"),
    ],
)
def test_each_wrong_setting_is_named(name: str, value: str, expected: str) -> None:
    """The check of the settings names the setting, its value and the expected values."""
    assert (1, [f"{name} is [{value}]; expected {expected}"]) == check_settings(**{name: value})


def test_good_settings_are_accepted() -> None:
    """Empty settings, foreign variables and values at a limit are accepted, and all wrong settings are listed."""
    good = {"DB": "mysql", "TLS": "on", "REPLICAS": "21", "MAX_REPLICAS": "100", "HTTP_PORT": "65535", "MAX_BODY": "2m"}
    more = {"READ_TIMEOUT": "500ms", "RATE_LIMIT": "1r/m", "API_CPUS": "0.5", "CLIENT_TIMEOUT": "", "EDITOR": "ed"}
    assert (0, []) == check_settings(**good, **more)
    for size in ("0.5g", "536870912", "536870912b", "64M", "1.5Gb", "1024g"):
        assert (0, []) == check_settings(API_MEMORY=size, BATCH_MAX="1000000", CLIENT_TIMEOUT="1d", MAX_BODY="1024G")
    assert 2 == len(check_settings(DB="x", TLS="x")[1])


def test_targets_take_turns(tmp_path: Path) -> None:
    """A second target waits, names the target that runs, and continues after the first target was killed."""
    for name in ("held", "go"):
        os.mkfifo(tmp_path / name)
    run = str(ROOT / "tools/run-exclusively")
    with (
        in_session([run, "up", "sh", "-c", "echo > held; read -r _ < go"], tmp_path) as first,
        in_session(["sh", "-c", f"read -r _ < held; exec {run} clean echo cleaned"], tmp_path) as second,
    ):
        assert second.stderr is not None
        assert f"make clean waits for the end of make up (process {first.pid}) ...\n" == second.stderr.readline()
        os.killpg(first.pid, signal.SIGKILL)
        assert ("cleaned\n", "") == second.communicate(timeout=60)


SECRETS = dict.fromkeys(("db_owner_password", "client_credentials", "db_monitor_password", "grafana_password"), b"x\n")


@pytest.mark.parametrize(
    ("files", "is_called"),
    [
        (SECRETS, False),
        (SECRETS | {"db_owner_password": b"x\r\n"}, True),
        (SECRETS | {"db_owner_password": b"\xef\xbb\xbfx\n"}, True),
        (SECRETS | {"db_owner_password": b"\xff\xfex\0\n\0"}, True),
        *((dict(list(SECRETS.items())[:kept]), True) for kept in range(len(SECRETS))),
    ],
)
def test_secrets_are_created_or_corrected_if_necessary(
    tmp_path: Path, files: dict[str, bytes], is_called: bool
) -> None:
    """`make up` calls the program that writes secrets if one is missing, or if a database password needs correction."""
    for name, content in files.items():
        (tmp_path / "secrets").mkdir(exist_ok=True)
        (tmp_path / "secrets" / name).write_bytes(content)
    (tmp_path / ".ready").write_text(f"{tmp_path.resolve()}\n")
    (tmp_path / "income-tax").write_text("#!/bin/sh\necho called $*\n")
    (tmp_path / "income-tax").chmod(0o755)
    done = subprocess.run(
        [ROOT / "tools/create-secrets", tmp_path], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "called secrets secrets\n" * is_called == done.stdout


def test_variables_of_compose_in_the_shell_do_not_reach_compose(tmp_path: Path) -> None:
    """The Makefile removes all variables of Compose from the environment, and keeps DOCKER_HOST and the settings."""
    makefile = tmp_path / "Makefile"
    makefile.write_text((ROOT / "Makefile").read_text(encoding="utf-8") + "\nshow:\n\t@env\n")
    names = ("FILE", "PROJECT_NAME", "PROFILES", "ENV_FILES", "PATH_SEPARATOR")
    shell = {f"COMPOSE_{name}": "other" for name in names} | {"DOCKER_HOST": "unix:///x", "TZ": "UTC"}
    done = subprocess.run(
        ["make", "show"], cwd=tmp_path, env=os.environ | shell, capture_output=True, text=True, check=True
    )
    seen = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert {"DOCKER_HOST", "TZ"} == seen & shell.keys()


DOCKER = """#!/bin/sh
case "$*" in
    version*) echo amd64 ;;
    *--environment) echo COMPOSE_PROJECT_NAME=mine ;;
    ps*) cat containers ;;
    volume*) cat volumes ;;
    run*) cat folder ;;
esac
"""


def check_docker(folder: Path, /, **files: str) -> tuple[int, str]:
    """Run `check-docker` with a docker that prints the files. Return the exit code and the error."""
    (folder / "tools").symlink_to(ROOT / "tools")
    for name, text in ({"containers": "", "volumes": "", "folder": "", "docker": DOCKER} | files).items():
        (folder / name).write_text(text)
    (folder / "docker-compose.yml").write_text("name: mine\n")
    (folder / "docker").chmod(0o755)
    done = tool(folder, "sh", "-c", "PATH=.:$PATH; export PATH; exec tools/check-docker")
    return done.returncode, done.stderr


def test_volumes_of_another_folder_are_refused(tmp_path: Path) -> None:
    """Without containers, the targets refuse if the volumes of the project belong to another folder or project."""
    other = tmp_path / "other"
    other.mkdir()
    cases = {
        "the folder of the volume": {"volumes": "mine_state\n", "folder": f"{other}\n"},
        "a container": {"containers": f"{other}\n"},
        "no folder and no secrets": {"volumes": "mine_logs\nmine_state\n"},
        "volumes of another project": {"volumes": "mine_data\n"},
        "another project, with secrets here": {"volumes": "mine_data\n", "secrets": "yes"},
    }
    for name, files in cases.items():
        folder = tmp_path / name
        (folder / "secrets").mkdir(parents=True)
        if files.pop("secrets", ""):
            (folder / "secrets/db_owner_password").touch()
        code, error = check_docker(folder, **files)
        assert (1, True) == (code, "Set another COMPOSE_PROJECT_NAME" in error), name
        assert ("another project" in error) == (str(other) not in error), name


VOLUMES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["volumes"]


def test_own_volumes_are_accepted(tmp_path: Path) -> None:
    """The targets accept the volumes of this folder, of a removed folder, and of a failed start."""
    cases = {
        "this": {"volumes": "mine_state\n", "folder": f"{tmp_path}/this\n"},
        "moved": {"volumes": "mine_state\n", "folder": f"{tmp_path}/gone\n"},
        "failed": {"volumes": "".join(f"mine_{name}\n" for name in VOLUMES)},
        "new": {},
    }
    for name, files in cases.items():
        folder = tmp_path / name
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets/db_owner_password").touch()
        assert (0, "") == check_docker(folder, **files), name


def test_a_colon_in_the_path_is_reported(tmp_path: Path) -> None:
    """In a folder whose path contains a colon, the targets report that Docker cannot mount the folder."""
    folder = tmp_path / "a:b"
    folder.mkdir()
    code, error = check_docker(folder)
    assert 1 == code
    assert f"The path of this folder, {folder}, contains a colon, so Docker cannot mount it." in error


def test_printed_logs_contain_no_control_characters() -> None:
    """The printer of the logs escapes control characters, also invalid UTF-8 and C1, and keeps tabs and other text."""
    lines = "é\t\x1b[31mRED\x1b]0;x\x07\r\x9b2J\n".encode() + b"\x9b31m\xff\n"
    done = subprocess.run(
        [sys.executable, ROOT / "tools/print_logs.py"],
        input=lines,
        env=os.environ | {"PYTHONPATH": str(ROOT / "services/common/src")},
        capture_output=True,
        check=True,
    )
    first, second = done.stdout.decode().splitlines()
    assert r"é	\x1b[31mRED\x1b]0;x\x07\x0d\x9b2J" == first
    assert r"\x9b31m\xff" == second


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
