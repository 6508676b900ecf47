"""Hooks of the documentation site. They insert the output of a help command below the line that shows the command."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
HELP_LINE = re.compile(r"^\$ ((?:income-tax|tax-client|make)\b.* (?:--)?help)$", re.MULTILINE)


def read_help(command: str) -> str:
    """Return the output of a help command. Remove the path of the repository from the output."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    run = subprocess.run(command.split(), cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return run.stdout.replace(f"{ROOT}/", "").rstrip()


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Below each line that shows a help command, insert the output of the command."""
    return HELP_LINE.sub(lambda line: f"{line[0]}\n{read_help(line[1])}", markdown)
