"""The house as it was drawn: arrows, sizes, where SQL may stand, what no file may name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.app import ROUTERS
from gis.collections.catalogue import COLLECTIONS

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("gis", "api", "maps", "fixtures", "bench", "tests")
LIMIT = 400
# Written in pieces, so that this file does not name one itself.
REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "un" + "pkg.com", "js" + "delivr.net"]
STATEMENT = re.compile(r"\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s|WITH\s+\w+\s+AS\s|COPY\s+\w+)")
# Statements about a set of rows; a command about one row may stand beside the code that gives it.
SET_STATEMENT = re.compile(r"\bJOIN\b|\bGROUP BY\b|\bWITH\s+\w+\s+AS\b")


def tracked(*endings: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.exists() and (not endings or path.suffix in endings)]


def modules(*rooms: str) -> list[Path]:
    return [
        path
        for path in tracked(".py")
        if path.relative_to(ROOT).parts[0] in rooms and "migrations" not in path.parts and "vendor" not in path.parts
    ]


def texts_of(path: Path) -> list[str]:
    """String literals of a module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    literals = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in literals if text not in docs]


def test_the_arrows_between_the_rooms() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_modules_stay_readable(room: str) -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(room)}
    assert sizes
    assert not {str(path): size for path, size in sizes.items() if size >= LIMIT}


def test_no_module_is_called_after_nothing() -> None:
    assert not [
        path for path in modules(*ROOMS) if path.stem in {"utils", "util", "common", "helpers", "helper", "misc"}
    ]


def test_no_file_names_a_package_registry() -> None:
    named = {}
    for path in tracked():
        content = path.read_bytes()
        if found := [host for host in REGISTRIES if host.encode() in content]:
            named[str(path.relative_to(ROOT))] = found
    assert not named


def test_no_sql_in_the_rooms_that_know_no_database() -> None:
    found = [
        (str(path), text[:60])
        for path in modules("api", "maps")
        + [path for path in modules("gis") if path.parts[-2] in ("rules", "geometry", "readers")]
        for text in texts_of(path)
        if STATEMENT.match(text)
    ]
    assert not found


def test_questions_about_sets_are_files() -> None:
    found = [(str(path), text[:60]) for path in modules("gis") for text in texts_of(path) if SET_STATEMENT.search(text)]
    assert not found


def names_asked_for(path: Path) -> set[str]:
    """Patterns of the statements that a module may name, some put together: largest_{target}_id."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(re.escape(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in node.values]
            found.add("".join(parts))
    return {pattern for pattern in found if re.search(r"[a-z]{2}", pattern.replace(r"\w", ""))}


def test_every_sql_file_is_asked_and_says_what_it_answers() -> None:
    patterns = set().union(*(names_asked_for(path) for path in modules("gis", "api", "maps", "bench")))
    for path in tracked(".sql"):
        assert path.read_text(encoding="utf-8").startswith("-- "), path
        assert any(re.fullmatch(pattern, path.stem) for pattern in patterns), f"{path.name} is asked by nobody"


def test_the_sql_check_would_see_a_statement(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text('"""SELECT in words is fine."""\nQUESTION = "SELECT 1 FROM cells JOIN areas USING (id)"\n')
    (text,) = texts_of(path)
    assert STATEMENT.match(text)
    assert SET_STATEMENT.search(text)


def test_answers_hang_on_layers_that_somebody_writes() -> None:
    """A layer that nobody ever marks as changed would keep answers for good."""
    written: set[str] = set()
    for path in (ROOT / "gis").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for call in re.findall(r"bump_version\(([^)]*)\)", source):
            written |= set(re.findall(r'"(\w+)"', call))
        # The constant by which a writer, perhaps of another module, calls its layer.
        written |= set(re.findall(r'^LAYER = "(\w+)"', source, re.MULTILINE))
    hang = {layer for module in ROUTERS for route in module.router.routes for layer in _layers_of(route)}
    hang |= {layer for one in COLLECTIONS.values() for layer in one.layers}
    assert hang - written == set()
    assert {"reports", "policy"} <= hang


def _layers_of(route: Any) -> Iterator[str]:
    for depends in getattr(route, "dependencies", ()):
        check = depends.dependency
        for name, cell in zip(check.__code__.co_freevars, check.__closure__ or (), strict=True):
            if name == "layers":
                yield from cell.cell_contents
