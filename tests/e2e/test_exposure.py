"""Tests of information exposure: security headers, tools in images and secrets."""

import json
from pathlib import Path

import pytest

from tests.support.stack import Stack

TARGET = "/?married=yes&children=3&salary=200000"
LIVE = "/health/live"


SECURITY_HEADERS = {
    "server": "nginx",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.mark.parametrize("target", [TARGET, LIVE, "/nothing", "/nginx-error", "/?x=1"])
def test_security_headers(stack: Stack, target: str) -> None:
    """Every response of the API and of nginx has each security header exactly once. No header contains a version."""
    answer = stack.get(target, stack.credentials)
    assert SECURITY_HEADERS == {name: answer.headers.get(name) for name in SECURITY_HEADERS}


LOOK = """
id -u
for tool in gcc cc g++ c++ clang ld make; do command -v $tool || true; done
ls -d /root/.cache /home/*/.cache /nonexistent/.cache 2>/dev/null || true
find / -xdev \\( -name '*.whl' -o -path '*/pip/http*' -o -path '*/pip/wheels/*' \\) -not -path '*/site-packages/*' \
  -not -path '*/dist-packages/*' -not -path '*/ensurepip/*' -not -path '/usr/share/python-wheels/*' 2>/dev/null || true
"""


@pytest.mark.parametrize("service", ["api", "client", "mailhog"])
def test_images_contain_no_build_tools(stack: Stack, service: str) -> None:
    """The project's images use an unprivileged user, and contain no compiler, pip cache or wheel."""
    image = f"{stack.project}-{service}"
    said = stack.run("docker", "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", LOOK)
    uid, *found = said.stdout.splitlines()
    assert "0" != uid
    assert [] == found
    (described,) = json.loads(stack.run("docker", "image", "inspect", image).stdout)
    assert described["Config"]["User"] not in ("", "root", "0")


def test_secrets_are_in_no_image_and_no_environment(stack: Stack, tmp_path: Path) -> None:
    """The project's images and the environments of their processes contain no secret.

    The test excludes the database, because its image writes the passwords to the environment. This discloses
    nothing new, because the database container can read the password files anyway.
    """
    known = [path for path in (stack.folder / "secrets").rglob("*") if path.is_file() and path.suffix != ".pem"]
    words = {line.rpartition(":")[2] for path in known for line in path.read_text().splitlines() if line}
    assert len(words) >= 5
    for service, package in (("api", "income_tax"), ("client", "tax_client")):
        image = f"{stack.project}-{service}"
        # As a control, also search for a line of code that the image contains.
        code = (stack.folder / f"services/{service}/src/{package}/__init__.py").read_text().splitlines()[0]
        assert {code} == found_in(stack, image, words | {code}, tmp_path)
        told = run_docker(stack, "history", "--no-trunc", image) + run_docker(stack, "image", "inspect", image)
        assert "ENTRYPOINT" in told
        assert [] == [word for word in words if word in told]
    read = ("sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null || true")
    for service in ("api", "nginx"):
        environments = stack.compose("exec", "-T", service, *read)
        assert "PATH=" in environments
        assert [] == [word for word in words if word in environments]


def run_docker(stack: Stack, *arguments: str) -> str:
    """Run docker, assert success, and return its stdout."""
    finished = stack.run("docker", *arguments)
    assert 0 == finished.returncode, finished.stderr
    return finished.stdout


def found_in(stack: Stack, image: str, words: set[str], folder: Path) -> set[str]:
    """Export the files of an image to a temporary archive in `folder`, and return the words that the files contain."""
    archive, patterns = folder / "files.tar", folder / "patterns"
    patterns.write_text("\n".join(words))
    container = run_docker(stack, "create", image).strip()
    try:
        run_docker(stack, "export", f"--output={archive}", container)
        found = stack.run("grep", "-aohFf", str(patterns), str(archive))
    finally:
        run_docker(stack, "rm", container)
        archive.unlink(missing_ok=True)
    assert 0 == found.returncode, found.stderr
    return set(found.stdout.splitlines())
