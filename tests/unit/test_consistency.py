"""Tests that values in two places of the project are equal."""

import json
import re
import subprocess
import tomllib

import pytest

import income_tax
import tax_client
import tax_common
from income_tax.alerts.alert import Summary
from income_tax.households import result_serialization
from income_tax.households.parameters_and_decoders import HOUSEHOLD
from tax_client.api import responses
from tax_client.taxpayers.columns_and_values import VOCABULARY, Taxpayer
from tax_common.tables import household_columns
from tests.support.data import ROOT, SAMPLE, v7_cases

API = ROOT / "services/api/src/income_tax"
LOCKS = ["services/api/requirements.lock", "services/client/requirements.lock", "requirements.lock"]
TOOLS_LOCKS = [str(path.relative_to(ROOT)) for folder in ("bench", "tools") for path in (ROOT / folder).glob("*.lock")]


def versions(lock: str) -> dict[str, str]:
    """Return a mapping from package to the version that a lock file pins."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


def test_locks_agree() -> None:
    """Each service's lock file pins the same versions as the project's lock file."""
    whole = versions(LOCKS[2])
    for lock in LOCKS[:2]:
        pinned = versions(lock)
        assert pinned == {name: whole[name] for name in pinned}


@pytest.mark.parametrize("lock", sorted([*LOCKS, *TOOLS_LOCKS]))
def test_locks_contain_hashes_and_no_address(lock: str) -> None:
    """Every pinned package has hashes, and no lock file contains the address of a package index."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", text) if "==" in block)


def test_all_versions_are_equal() -> None:
    """The service, client and shared package, both images and the newest release in the changelog have one version."""
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert [newest[1]] * 3 == [income_tax.__version__, tax_client.__version__, tax_common.__version__]
    images = [(ROOT / f"services/{name}/Dockerfile").read_text(encoding="utf-8") for name in ("api", "client")]
    assert [[newest[1]]] * 2 == [re.findall(r"^ARG VERSION=(.*)$", image, re.MULTILINE) for image in images]


def test_dependabot_watches_the_vendored_packages() -> None:
    """`services/api/package.json` names the vendored packages with the versions of their files."""
    folders = (API / "http/pages/static/vendor", ROOT / "services/common/src/tax_common/vendor")
    texts = ((folder / "packages.json").read_text(encoding="utf-8") for folder in folders)
    packages = [package for text in texts for package in json.loads(text).values()]
    watched = json.loads((ROOT / "services/api/package.json").read_text(encoding="utf-8"))["dependencies"]
    assert watched == {package["package"]: package["version"] for package in packages}


def test_pre_commit_runs_the_tools_of_make_check() -> None:
    """The pre-commit hooks run mkdocs and exactly the tools of `make check`."""
    tools = [
        set(re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name, pattern in (("Makefile", r"^\t\$\(BIN\)/(\w+)"), (".pre-commit-config.yaml", r"\.venv/bin/(\w+)"))
    ]
    assert tools[0] | {"mkdocs"} == tools[1]


def test_published_results_are_the_first_cases() -> None:
    """The client's published results are the first eleven cases of the contract."""
    published = json.loads((SAMPLE / "published.json").read_text(encoding="utf-8"))
    assert v7_cases()[:11] == [{name: row[name] for name in row if name != "id"} for row in published]


def test_tables_and_requests_have_the_same_parameters() -> None:
    """The columns of tables have the order, the names and the limits of the API's parameters."""
    columns = [(one.name, one.french, one.limit, one.is_required) for one in household_columns.HOUSEHOLD]
    assert columns == [(one.english, one.french, one.maximum, one.required) for one in HOUSEHOLD]


def test_a_taxpayer_has_the_columns_of_a_file() -> None:
    """The fields of a taxpayer are the columns of a taxpayers file, in the same order."""
    assert Taxpayer._fields == tuple(column.name for column in VOCABULARY.columns)


def test_client_and_api_have_the_same_result_fields() -> None:
    """Client and API have the same result fields in the same order, for the rules `v7` and for the laws of years."""
    assert result_serialization.V7_FIELDS == responses.V7_FIELDS
    assert result_serialization.DATED_FIELDS == responses.DATED_FIELDS


@pytest.mark.parametrize("package", ["services/api/src/income_tax/storage", "services/client/src/tax_client/sample"])
def test_packages_contain_no_second_copy_of_data(package: str) -> None:
    """The data files of a package are links to the files that operators edit, and a wheel contains these files."""
    links = [path for path in (ROOT / package).iterdir() if path.suffix in (".json", ".sql", ".txt")]
    assert 2 == len(links)
    for link in links:
        assert link.is_symlink()
        assert link.resolve() in (ROOT / "db/init" / link.name, ROOT / "services/client/data" / link.name)


def tags(image: str) -> set[str]:
    """Return the tags of an image that begin with a number and occur in the project's files."""
    command = ["git", "grep", "-hoE", rf"\b{image}:[0-9]+\.[0-9a-z.-]+"]
    return set(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("image", ["nginx", "python"])
def test_each_image_has_one_tag(image: str) -> None:
    """All files of the project use the same tag of an image."""
    assert 1 == len(tags(image))


def test_python_versions_agree() -> None:
    """All packages require the same Python version."""
    files = ["pyproject.toml", *(f"services/{name}/pyproject.toml" for name in ("api", "client", "common"))]
    wanted = {tomllib.loads((ROOT / f).read_text(encoding="utf-8"))["project"]["requires-python"] for f in files}
    assert {">=3.11"} == wanted


COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")


def test_every_variable_of_the_stack_is_documented_with_its_default() -> None:
    """`.env.example` lists exactly the variables of docker-compose.yml and MAX_REPLICAS, with the same defaults."""
    taken = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)) | {"MAX_REPLICAS"}
    assert taken == set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^${}]*)\}", COMPOSE))
    lines = re.findall(r"^# ([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    documented = dict(lines)
    assert len(lines) == len(documented)
    assert {name: value for name, value in defaults.items() if value} == {
        name: documented[name] for name, value in defaults.items() if value
    }


def test_every_variable_of_the_stack_is_checked() -> None:
    """`make up` checks every variable of `.env.example`: by `tools/check-settings`, or by the rules of the API."""
    rules = (ROOT / "tools/check-settings").read_text(encoding="utf-8")
    checked = set(re.findall(r'^    (?:form|quantity|whole|cpus|port)\("([A-Z_]+)"', rules, re.MULTILINE))
    check = COMPOSE[COMPOSE.index("&api-settings") : COMPOSE.index("\n  nginx:")]
    check += COMPOSE[COMPOSE.index("&rotate-settings") : COMPOSE.index("\n  check:")]
    checked |= set(re.findall(r"^      [A-Z_]+: \$\{([A-Z_]+)", check, re.MULTILINE))
    assert {"COMPOSE_PROJECT_NAME"} == set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE)) - checked
    for name, default in re.findall(r'value\["([A-Z_]+)"\] = (\d+)', rules):
        assert f"\n# {name}={default}\n" in EXAMPLE


def test_compose_sets_every_setting_of_the_api() -> None:
    """docker-compose.yml sets every setting of the API, except the four settings that the comment explains."""
    settings = "".join((API / name).read_text(encoding="utf-8") for name in ("settings.py", "alert_settings.py"))
    read = set(re.findall(r'read\.\w+\("([A-Z_]+)"', settings))
    # The exceptions: DB_FILE is for SQLite only, DB_PORT and DB_NAME have defaults, and `make drill` sets ALERT_DRILL.
    elsewhere = {"DB_FILE", "DB_PORT", "DB_NAME", "ALERT_DRILL"}
    assert set() == {name for name in read - elsewhere if not re.search(rf"^\s+{name}: ", COMPOSE, re.MULTILINE)}


def test_every_alert_is_explained() -> None:
    """The table of docs/reference/alerts.md lists exactly the summaries of all alerts."""
    summaries = {summary.removeprefix("The tax service ").rstrip(".:") for summary in Summary}
    table = (ROOT / "docs/reference/alerts.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert summaries == set(re.findall(r"^\| ([a-z][^|]*?) \|", table, re.MULTILINE))


def test_a_signal_waits_for_the_child_of_the_init() -> None:
    """The client's containers run an init. tools/client-containers sends a signal only after the init has a child."""
    assert 'has_begun "$1" && docker kill' in (ROOT / "tools/client-containers").read_text(encoding="utf-8")
    client = re.search(r"^  client:\n((?:    .*\n)+)", COMPOSE, re.MULTILINE)
    assert client is not None
    assert "    init: true\n" in client[1]


def test_the_mutation_tests_name_existing_files() -> None:
    """All modules and tests that pyproject.toml lists for `make mutants` exist."""
    mutmut = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    sources = [*ROOT.glob("services/*/src")]
    modules = [path.removeprefix("src/") for path in mutmut["only_mutate"]]
    assert [] == [path for path in modules if not any(any(source.glob(path)) for source in sources)]
    assert [] == [path for path in mutmut["pytest_add_cli_args_test_selection"] if not (ROOT / path).is_file()]
    assert modules
