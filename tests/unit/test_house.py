"""Tests of the architecture rules: imports between packages, names, sizes and docstrings."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from itertools import combinations
from pathlib import Path

import pytest

from tests.support.data import ROOT

PACKAGES = {
    "income_tax": ROOT / "services/api/src",
    "tax_client": ROOT / "services/client/src",
    "tax_common": ROOT / "services/common/src",
}
SCREEN = 24  # maximum number of entries in a folder
MODULE_LINES, FUNCTION_LINES = 200, 35
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_module(path: Path, source: Path) -> str:
    """Return the dotted module name of a file."""
    return ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_module(path, source): path for package, source in PACKAGES.items() for path in (source / package).rglob("*.py")
}


@cache
def parse(module: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def resolve_import(module: str, node: ast.ImportFrom) -> str:
    """Return the absolute module name of a relative or absolute import."""
    if not node.level:
        return node.module or ""
    parents = module.split(".") if MODULES[module].name == "__init__.py" else module.split(".")[:-1]
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


@cache
def find_imports(module: str) -> frozenset[str]:
    """Return the modules that a module imports, including imports within functions and imports for types."""
    found = set()
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_import(module, node)
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else base for name in names}
    return frozenset(found)


def find_functions(module: str) -> Iterator[Function]:
    """Yield the functions and methods of a module, including nested functions."""
    return (node for node in ast.walk(parse(module)) if isinstance(node, Function))


# The module prefixes that each package must not import.
HTTP_LIBRARIES = ("flask", "werkzeug", "gunicorn", "flask_httpauth")
BUILDERS = ("income_tax.cli", "income_tax.bootstrap", "income_tax.startup", "income_tax.schedule_reload")
WALLS = {
    "income_tax.tax": ("income_tax", "tax_common", *HTTP_LIBRARIES),
    "income_tax.households": (
        *("income_tax.http", "income_tax.server", "income_tax.storage", "income_tax.alerts", "income_tax.monitoring"),
        *(*HTTP_LIBRARIES, *BUILDERS),
    ),
    "income_tax.storage": (
        *("income_tax.http", "income_tax.server", "income_tax.alerts", "income_tax.monitoring", *BUILDERS),
        *("flask", "gunicorn"),
    ),
    "income_tax.alerts": ("income_tax.http", "income_tax.server", "income_tax.monitoring", *HTTP_LIBRARIES, *BUILDERS),
    "income_tax.metrics": (
        *("income_tax.http", "income_tax.server", "income_tax.alerts", "income_tax.monitoring", "income_tax.storage"),
        *(*HTTP_LIBRARIES, *BUILDERS),
    ),
    "income_tax.monitoring": ("income_tax.http", "income_tax.server", *HTTP_LIBRARIES, *BUILDERS),
    "income_tax.http": ("income_tax.server", "gunicorn", "sqlalchemy", *BUILDERS),
    "income_tax.server": ("sqlalchemy", *BUILDERS),
    "income_tax.bootstrap": ("income_tax.cli", "income_tax.startup", "income_tax.schedule_reload"),
    "tax_common": ("income_tax", "tax_client"),
    "income_tax": ("tax_client",),
    "tax_client": ("income_tax",),
    "tax_client.api": ("tax_client.calculate", "tax_client.load"),
    "tax_client.taxpayers": ("tax_client.api", "tax_client.calculate", "tax_client.load", "requests"),
    "tax_client.calculate": ("tax_client.load",),
    "tax_client.load": ("tax_client.calculate",),
}


def is_in(module: str, room: str) -> bool:
    """Return whether a module is the package `room` or belongs to this package."""
    return f"{module}.".startswith(f"{room}.")


@pytest.mark.parametrize("room", WALLS)
def test_a_package_imports_only_allowed_modules(room: str) -> None:
    """No module of a package imports a module or library that WALLS forbids for the package."""
    modules = [module for module in MODULES if is_in(module, room)]
    assert modules
    found = {
        (module, name)
        for module in modules
        for name in find_imports(module)
        for wall in WALLS[room]
        if is_in(name, wall) and not (is_in(name, room) and is_in(room, wall))
    }
    assert set() == found


# The database drivers, which SQLAlchemy imports by their names in a URL.
IMPORTED_BY_NAME = {"income_tax": {"psycopg2-binary", "pymysql"}}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_declares_exactly_its_imports(package: str) -> None:
    """The dependencies of a package are the libraries that its modules import, and the drivers that it uses."""
    imports = {name.partition(".")[0] for module in MODULES if is_in(module, package) for name in find_imports(module)}
    libraries = imports - sys.stdlib_module_names - {package, "_typeshed"}  # only type checkers read _typeshed
    names = packages_distributions()
    found = {names.get(library, [library])[0].lower().replace("_", "-") for library in libraries}
    project = tomllib.loads((PACKAGES[package].parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split("[^A-Za-z0-9-]", one)[0] for one in project["dependencies"]}
    assert declared == found | IMPORTED_BY_NAME.get(package, set())


def test_the_tax_rules_import_only_the_standard_library() -> None:
    """The tax rules import only standard modules, and numpy in the vectorized module."""
    allowed = {"ast", "collections", "dataclasses", "decimal", "fractions", "functools", "hashlib", "itertools", "json"}
    allowed |= {"math", "typing", "income_tax"}
    for module in (module for module in MODULES if is_in(module, "income_tax.tax")):
        roots = {name.partition(".")[0] for name in find_imports(module)}
        assert roots <= allowed | ({"numpy"} if module.endswith(".vectorized") else set()), module


def test_no_modules_import_each_other() -> None:
    """The imports of all modules have no cycle. Imports within functions and imports for types count too."""
    graph = {module: {name for name in find_imports(module) if name in MODULES} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_only_the_commands_read_the_environment() -> None:
    """Only the modules of the commands and of the client's settings read environment variables."""
    readers = {name for name, path in MODULES.items() if re.search(r"os\.(environ|getenv)", path.read_text("utf-8"))}
    assert readers <= {"income_tax.cli", "tax_client.cli", "tax_client.settings"}


def edit_distance_is_one(a: str, b: str) -> bool:
    """Return whether two names differ by one added, removed or replaced letter."""
    if len(a) > len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    return a != b and a[start + (len(a) == len(b)) :] == b[start + 1 :]


@pytest.mark.parametrize("package", PACKAGES)
def test_module_names_are_distinct(package: str) -> None:
    """No two modules of a package have the same name or names that differ by only one letter."""
    places = defaultdict(list)
    for module, path in MODULES.items():
        if is_in(module, package) and path.name not in ("__init__.py", "__main__.py"):
            places[module.rpartition(".")[2]].append(module)
    assert {} == {name: modules for name, modules in places.items() if len(modules) > 1}
    assert [] == [pair for pair in combinations(sorted(places), 2) if edit_distance_is_one(*pair)]


def test_a_folder_fits_a_screen() -> None:
    """No folder of the packages has more than 24 entries."""
    folders = {path.parent for path in MODULES.values()}
    entries = {folder: len([path for path in folder.iterdir() if path.name != "__pycache__"]) for folder in folders}
    assert {} == {folder: count for folder, count in entries.items() if count > SCREEN}


def test_modules_and_functions_are_short() -> None:
    """A module has at most 200 lines and a function at most 35."""
    modules = {module: len(path.read_text("utf-8").splitlines()) for module, path in MODULES.items()}
    functions = {(m, f.name): (f.end_lineno or 0) - f.lineno + 1 for m in MODULES for f in find_functions(m)}
    assert {} == {module: lines for module, lines in modules.items() if lines > MODULE_LINES}
    assert {} == {function: lines for function, lines in functions.items() if lines > FUNCTION_LINES}


IRREGULAR = "begun drawn done found given held kept known left made met said seen sent shown spent taken told written"
PARTICIPLE = re.compile(rf"_*(?:[a-z]+ed|{IRREGULAR.replace(' ', '|')})")


def is_attribute(function: Function) -> bool:
    """Return whether a function is a property, whose name can be a noun or an adjective."""
    decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
    return not decorators.isdisjoint({"property", "cached_property", "functools.cached_property"})


def test_functions_are_named_by_verbs() -> None:
    """No function name is a bare participle or ends in `of`."""
    names = {(module, f.name) for module in MODULES for f in find_functions(module) if not is_attribute(f)}
    assert set() == {name for name in names if PARTICIPLE.fullmatch(name[1]) or name[1].endswith("_of")}


def find_docstrings(module: str) -> Iterator[str]:
    """Yield the docstrings of a module, its classes and its functions."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(parse(module)) if isinstance(node, documented)]
    return (text for node in nodes if (text := ast.get_docstring(node)))


def test_docstrings_name_their_subject() -> None:
    """No docstring begins with a free relative clause such as "What is ..." or "Who calls ..."."""
    texts = [(module, text) for module in MODULES for text in find_docstrings(module)]
    assert [] == [(module, text) for module, text in texts if re.match(r"(What|Who|Whoever|Whom)\b", text)]
