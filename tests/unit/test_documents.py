"""Tests of links, anchors, paths, benchmark results and parameters in the documents.

`mkdocs build --strict` checks only the links within docs/.
"""

import re
import subprocess
from collections.abc import Iterator

import pytest

from income_tax.households.parameters_and_decoders import CALCULATION
from income_tax.http.openapi.document import EXAMPLES
from tests.support.data import ROOT

TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
DOCUMENTS = [name for name in TRACKED if name.endswith(".md")]
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)#?([^)\s]*)\)")
FOLDERS = r"(?:bench|db|nginx|services|tests|tools|\.github)"
PRINTING = (".md", ".py", "start-stack")
CALCULATION_ADDRESS = re.compile(r"""[?"](?:[\w%]+=[^&\s"']+&)*(?:married|mari%C3%A9)=[^\s"']*""")
SOURCE_PATH = re.compile(rf"`({FOLDERS}/(?![\w./-]*\.log`)[\w./-]*|[A-Z]+\.md|\.env\.example)`")  # logs are untracked


def read_prose(name: str) -> str:
    """Return the text of a document without its code blocks."""
    return FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))


def list_anchors(name: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ +(.*?)\s*$", read_prose(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_resolve(name: str) -> None:
    """Each relative link in a document leads to an existing file, and each anchor to a heading."""
    for target, anchor in LINK.findall(read_prose(name)):
        path = ((ROOT / name).parent / target).resolve() if target else ROOT / name
        assert path.exists(), f"{name}: {target}"
        assert not anchor or anchor in list_anchors(str(path.relative_to(ROOT))), f"{name}: {target}#{anchor}"


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.startswith("docs/")])
def test_source_paths_exist(name: str) -> None:
    """Each source file or folder that a page names by its path exists."""
    missing = [path for path in SOURCE_PATH.findall(read_prose(name)) if not (ROOT / path).exists()]
    assert [] == missing


def test_examples_are_of_the_law_of_2025() -> None:
    """Each printed address of a calculation has `year=2025`, or follows the words "the tutorial's rules"."""
    printed = [name for name in TRACKED if name.startswith(("docs/", "services/", "tools/", "README.md"))]
    lines = [(name, *place) for name in printed if name.endswith(PRINTING) for place in find_addresses(name)]
    assert len(lines) >= 6
    assert [] == [
        place
        for *place, address, before in lines
        if "year=2025" not in address and "the tutorial's rules" not in before
    ]


def find_addresses(name: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the address and the six lines before each address of a calculation in a file."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        for address in CALCULATION_ADDRESS.findall(line):
            yield number + 1, address, "\n".join(lines[max(0, number - 6) : number])


def test_described_examples_are_of_the_law_of_2025() -> None:
    """The first example of each operation is of 2025. Examples of other years or of the rules v7 are named as such."""
    first = {example.operation: example for example in reversed(EXAMPLES.values())}
    assert {2025} == {example.request["year"] for example in first.values()}
    for example in EXAMPLES.values():
        years = {*re.findall(r"\b20[12]\d\b", f"{example.request}")} or {"v7"}
        assert {"2025"} == years or all(year in example.summary for year in years)


def test_named_documents_exist() -> None:
    """Each document that a message, a comment or a test names by its path exists."""
    command = ["git", "grep", "-hoIE", r"\bdocs/[a-z0-9/-]+\.md"]
    named = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert set() == set(named) - set(DOCUMENTS)


@pytest.mark.parametrize(
    ("target", "phrase"),
    [
        ("rate of our GET through nginx / rate of Flask hello world", "{} times the rate, with login"),
        ("rate of our GET through nginx / rate of bare WSGI", "{} times the rate |"),
        (
            "rate with 1 household per request / rate of OpenFisca",
            "{} times the households per second in single requests",
        ),
        ("rate with 1,000 households per request / rate of OpenFisca", "{} times in batches"),
        ("requests per CPU second of tax-client flood / of Locust", "sends {} and"),
        ("requests per CPU second of tax-client flood / of hey", "and {} times the requests"),
        ("households per second in batches of 10,000", "{} households per second"),
        ("seconds of a million lines", "\n{} seconds."),
    ],
)
def test_the_readme_has_the_results_of_the_benchmarks(target: str, phrase: str) -> None:
    """Each benchmark result in the README equals the median in the verdict of bench/README.md."""
    verdict = dict(re.findall(r"^- (.*?): ([\d.,]+) ", (ROOT / "bench/README.md").read_text("utf-8"), re.MULTILINE))
    assert phrase.format(verdict[target]) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_parameter_is_documented() -> None:
    """The table of parameters lists the English and French names of all parameters, with their limits."""
    text = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)`(?: \(optional\))? \| (.*) \|$", text, re.MULTILINE))
    for parameter in CALCULATION:
        french, _, value = rows[parameter.english].partition(" | ")
        assert list(parameter.french) == re.findall(r"`(\w+)`", french)
        assert parameter.maximum is None or parameter.english == "year" or str(parameter.maximum) in value
