"""The figures of the processes of a replica, from files in the format of /proc."""

from pathlib import Path

from income_tax.metrics.process_figures import PAGE, TICKS, ProcessFigures, read_process_figures


def write_process(proc: Path, pid: int, times: list[int], pages: int, children: str = "") -> None:
    """Write the files of a process whose name contains blanks and parentheses."""
    fields = ["S", "1", *["0"] * 9, *map(str, times), *["0"] * 4, "300", "0", str(pages), "0"]
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "fd/0").touch()
    (folder / "stat").write_text(f"{pid} (a (b) c) {' '.join(fields)}")
    (folder / f"task/{pid}").mkdir(parents=True)
    (folder / f"task/{pid}/children").write_text(children)


def test_figures_of_all_processes_are_added(tmp_path: Path) -> None:
    """The figures are the sums over the master, its workers and its ended workers."""
    (tmp_path / "stat").write_text("cpu 1 2\nbtime 1000\nprocesses 3\n")
    write_process(tmp_path, 7, [1, 2, 30, 40], 5, "8 9 ")
    write_process(tmp_path, 8, [100, 0, 0, 0], 10)
    write_process(tmp_path, 9, [0, 200, 0, 0], 20)
    found = read_process_figures(7, tmp_path)
    assert found is not None
    assert ProcessFigures(373 / TICKS, 35 * PAGE, 3, found.max_files, 1000 + 300 / TICKS) == found
    assert found.max_files > 0


def test_unreadable_figures_are_unknown(tmp_path: Path) -> None:
    """Without /proc, or for a process that has ended, there are no figures."""
    assert read_process_figures(7, tmp_path) is None
