"""Every command and request that the documents show is run, and answers as they show."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.console import Block, Shell, Step, blocks_of, differences

DOCS = Path(__file__).parent.parent.parent / "docs"
RUN = (
    "formats.md",
    "errors.md",
    "api.md",
    "cli.md",
    "rulebook.md",
    "exports.md",
    "ogc.md",
    "open311.md",
    "one-case.md",
    "standings.md",
    "dust-draw.md",
)
CLIENTS = DOCS / "clients"


@pytest.fixture(scope="module")
def walk(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, list[str]]:
    """The example city, loaded as docs/your-own-city.md says: its folder, its database, what was answered otherwise."""
    folder = shutil.copytree(DOCS / "example-city", tmp_path_factory.mktemp("walk") / "example-city")
    shell = Shell(folder, make_database(template_url))
    found = differences(DOCS / "your-own-city.md", shell)
    shell.close()
    return folder, shell.url, found


@pytest.fixture
def shells(
    walk: tuple[Path, str, list[str]], template_url: str, make_database: Callable[..., str], tmp_path: Path
) -> Iterator[tuple[Shell, Shell]]:
    """A terminal in a loaded example city of the test's own, and one without any city."""
    folder, url, _ = walk
    folder = shutil.copytree(folder, tmp_path / "example-city")
    loaded, empty = Shell(folder, make_database(url)), Shell(folder, make_database(template_url))
    yield loaded, empty
    loaded.close()
    empty.close()


def test_your_own_city_step_by_step(walk: tuple[Path, str, list[str]]) -> None:
    assert not walk[2], "\n\n".join(walk[2])


@pytest.mark.parametrize("name", RUN)
def test_every_example_answers_as_shown(name: str, shells: tuple[Shell, Shell]) -> None:
    found = differences(DOCS / name, *shells)
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("path", sorted(CLIENTS.glob("*.md")), ids=lambda path: path.stem)
def test_every_client_answers_as_shown(path: Path, walk: tuple[Path, str, list[str]], make_database, tmp_path) -> None:
    programs = {step.command.split()[0] for block in blocks_of(path) for step in block.steps}
    missing = [name for name in programs & {"ogrinfo", "ogr2ogr"} if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: make setup-test, or apt-get install gdal-bin")
    shell = Shell(shutil.copytree(CLIENTS, tmp_path / "clients"), make_database(walk[1]))
    found = differences(path, shell)
    shell.close()
    assert not found, "\n\n".join(found)


def test_there_are_examples_and_all_are_run() -> None:
    for path in (*DOCS.glob("*.md"), *CLIENTS.glob("*.md")):
        fences = path.read_text(encoding="utf-8").count("```console")
        assert fences == len(blocks_of(path)), path
        assert all(block.steps for block in blocks_of(path)), path
        if fences and path.parent == DOCS and path.name != "your-own-city.md":
            assert path.name in RUN, f"{path} is not run"
    commands = [step.command for block in blocks_of(DOCS / "your-own-city.md") for step in block.steps]
    assert len([command for command in commands if command.startswith("finegrid ")]) >= 20


def test_the_comparison_would_see_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "some.md"
    path.write_text(
        '<!-- run: empty A=1 -->\n```console\n$ finegrid \\\n  x\na ... c\n...\nz\n$ curl y\n{"a": 1, ...}\n```\n'
    )
    (block,) = blocks_of(path)
    first, second = block.steps
    assert block == Block(
        [Step(3, "finegrid x", ["a ... c", "...", "z"]), Step(8, "curl y", ['{"a": 1, ...}'])], True, {"A": "1"}
    )
    assert first.agrees("a b c\nany\nz\n")
    assert first.agrees("a  c\nz\n")
    assert not first.agrees("a b d\nz\n")
    assert not first.agrees("a b c\nz\nmore\n")
    assert second.agrees('{"a":1,"b":{"c":2}}')
    assert not second.agrees('{"a":2,"b":3}')
