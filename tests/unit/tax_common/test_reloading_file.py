"""A reloading file keeps its last valid content, and reports each invalid file once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tax_common.reloading_file import ReloadingFile

Reports = list[object]


def read_number(path: Path) -> int:
    return int(path.read_text())


def build(path: Path, **options: object) -> tuple[ReloadingFile[int], Reports]:
    """Return a reloading file and a list of its reports: an error's reason, or new content and a recovery flag."""
    reports: Reports = []
    return ReloadingFile(path, read_number, reports.append, lambda *load: reports.append(load), **options), reports  # type: ignore[arg-type]


def test_a_changed_file_is_read_once(tmp_path: Path) -> None:
    """A new content is returned and reported, and an unchanged file is not read again."""
    path = tmp_path / "number"
    path.write_text("1")
    file, reports = build(path)
    assert (1, 1) == (file.get(), file.get())
    path.write_text("22")
    assert (22, 22, [(22, False)]) == (file.get(), file.get(), reports)


def test_a_replaced_file_of_the_same_size_and_time_is_read(tmp_path: Path) -> None:
    """An atomically replaced file is detected by its inode, even within one clock tick."""
    path, other = tmp_path / "number", tmp_path / "other"
    path.write_text("1")
    file, _ = build(path)
    other.write_text("2")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert 2 == file.get()


def test_lost_permissions_are_an_error(tmp_path: Path) -> None:
    """A file that becomes unreadable through its permissions alone is reported, and its recovery too."""

    def read(path: Path) -> int:
        if not path.stat().st_mode & 0o400:  # root can read each file
            raise PermissionError("denied")
        return read_number(path)

    path = tmp_path / "number"
    path.write_text("1")
    reports: Reports = []
    file = ReloadingFile(path, read, reports.append, lambda *load: reports.append(load))
    path.chmod(0)
    assert (1, "denied", ["denied"]) == (file.get(), file.error, reports)
    path.chmod(0o600)
    assert (1, None, ["denied", (1, True)]) == (file.get(), file.error, reports)


def make_bad(path: Path) -> None:
    path.write_text("one")


def make_unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil", [make_bad, make_unreadable, Path.unlink])
def test_a_bad_file_is_reported_once_until_it_recovers(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """The last valid content is kept, the error is reported once, and the next valid file is reported as a recovery."""
    path, new = tmp_path / "number", tmp_path / "new"
    path.write_text("1")
    file, reports = build(path)
    spoil(path)
    assert (1, 1, 1) == (file.get(), file.get(), len(reports))
    if path.is_dir():
        path.rmdir()
    new.write_text("3")
    new.replace(path)
    assert (3, 3) == (file.get(), file.get())
    assert [(3, True)] == reports[1:]


def test_each_bad_file_is_reported(tmp_path: Path) -> None:
    """A second bad file with another fingerprint is reported as a second error."""
    path = tmp_path / "number"
    path.write_text("1")
    file, reports = build(path)
    for text in ("a", "bb"):
        path.write_text(text)
        file.get()
    assert 2 == len(reports)


def test_the_former_file_that_returns_is_a_recovery(tmp_path: Path) -> None:
    """A file that is moved away and back is reported as a recovery without being read again."""
    path, away = tmp_path / "number", tmp_path / "away"
    path.write_text("1")
    file, reports = build(path)
    for _ in range(2):
        path.rename(away)
        file.get()
        away.rename(path)
        file.get()
    assert [(1, True)] * 2 == reports[1::2]
    assert 4 == len(reports)


def test_an_optional_file_may_be_missing(tmp_path: Path) -> None:
    """If there is an initial content, a missing optional file is not an error."""
    file, reports = build(tmp_path / "number", initial=7, is_required=False)
    assert (7, []) == (file.get(), reports)
    (tmp_path / "number").write_text("8")
    assert (8, [(8, False)]) == (file.get(), reports)


def test_a_required_file_must_be_good_at_first(tmp_path: Path) -> None:
    """If there is no initial content, a missing or invalid file immediately raises an error."""
    with pytest.raises(OSError):
        build(tmp_path / "number")
    (tmp_path / "number").write_text("one")
    with pytest.raises(ValueError):
        build(tmp_path / "number")


def test_checks_keep_their_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the interval after a check, the file is not checked again."""
    now = 100.0
    monkeypatch.setattr("tax_common.reloading_file.time.monotonic", lambda: now)
    path = tmp_path / "number"
    path.write_text("1")
    file, _ = build(path, interval=5.0)
    file.get()
    path.write_text("22")
    now = 104.0
    assert 1 == file.get()
    now = 105.0
    assert 22 == file.get()
