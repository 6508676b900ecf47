"""The page files have complete translations and unchanged vendored packages, and do not contact other hosts."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from flask import Flask

from income_tax.http.pages import static_files
from income_tax.http.pages.rendering import TRANSLATIONS
from income_tax.http.pages.static_files import FILES
from tests.support.data import ROOT

PAGES = ROOT / "services/api/src/income_tax/http/pages"
VENDORED = (PAGES / "static/vendor", ROOT / "services/common/src/tax_common/vendor")
OWN = [*PAGES.glob("static/*.*"), *PAGES.glob("templates/*.html")]
PACKAGES = {
    folder / name: package
    for folder in VENDORED
    for name, package in json.loads((folder / "packages.json").read_text(encoding="utf-8")).items()
}


def test_languages_have_the_same_texts() -> None:
    """Both languages have the same texts, with the same placeholders."""
    names = {
        language: {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in texts.items()}
        for language, texts in TRANSLATIONS.items()
    }
    assert {"en", "fr"} == set(names)
    assert names["en"] == names["fr"]


def test_french_punctuation_has_no_break_spaces() -> None:
    """A no-break space precedes French punctuation, so that no line begins with a punctuation mark."""
    assert [] == [text for text in TRANSLATIONS["fr"].values() if re.search("[ ](?:[:;?!%€»]|[kM]€)|«[ ]", text)]


def test_keys_of_the_texts() -> None:
    """Scripts and templates use exactly the keys of the texts."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in OWN if path.suffix in (".js", ".html"))
    quoted = set(re.findall(r"""["']([a-z_]+(?:\.[\w]+)*)["']""", sources))
    assert [] == sorted(set(TRANSLATIONS["en"]) - quoted)
    asked = re.findall(r"""\b(?:text|t|label|Trouble)\(\s*["']([^"']+)["']""", sources)
    assert [] == sorted(set(asked) - set(TRANSLATIONS["en"]))


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_vendored_files_are_unchanged(folder: Path) -> None:
    """The digest of each vendored file equals its recorded digest. Each package has a version and a licence."""
    package = PACKAGES[folder]
    files = [path for path in folder.iterdir() if path.suffix in (".js", ".css")]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert package["files"] == found
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    assert (folder / "LICENSE").is_file()


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.name)
def test_pages_name_no_other_host(path: Path) -> None:
    """No page, script or style sheet has an address of another host, an inline script or an inline style."""
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert [] == re.findall(r"https?://\S+|\bstyle=|\bon\w+=\"|<style|innerHTML", text)


def test_used_files_exist() -> None:
    """Every file that a template uses exists."""
    templates = "".join(path.read_text(encoding="utf-8") for path in PAGES.glob("templates/*.html"))
    asked = set(re.findall(r"static\('([^']+)'\)", templates))
    assert set() == asked - set(FILES)


def test_only_files_in_two_forms_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a file with a compressed form has `Vary`, because nginx adds this header to the files that it compresses."""
    monkeypatch.setattr(static_files, "COMPRESSED", {"style.css": b"compressed"})
    app = Flask("test", static_folder=None)
    app.register_blueprint(static_files.build_blueprint(lambda view: view))
    found = {}
    for name, accepted in (("style.css", "gzip"), ("style.css", "identity"), ("icon.svg", "gzip")):
        answer = app.test_client().get(static_files.build_url(name), headers={"Accept-Encoding": accepted})
        found[name, accepted] = (answer.headers.get("Vary"), answer.headers.get("Content-Encoding"))
    assert found == {
        ("style.css", "gzip"): ("Accept-Encoding", "gzip"),
        ("style.css", "identity"): ("Accept-Encoding", None),
        ("icon.svg", "gzip"): (None, None),
    }
