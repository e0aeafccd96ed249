"""Links and names in the documents lead somewhere; no tracked file names a registry or a place on a machine."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest

from gis.cli.root import main

ROOT = Path(__file__).parent.parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:gis|api|maps|fixtures|tests|bench|scripts)/[\w./-]+)(?:::(\w+))?`")
# Written in pieces, so that this file does not name one itself.
REGISTRIES = [
    host + ending
    for host, ending in (
        ("py" + "pi", ".org"),
        ("python" + "hosted", ".org"),
        ("npm" + "js", ".org"),
        ("npm" + "js", ".com"),
        ("un" + "pkg", ".com"),
        ("js" + "delivr", ".net"),
        ("anaconda", ".org"),
        ("proxy.golang", ".org"),
        ("crates", ".io"),
        ("docker", ".io"),
    )
]
PLACES = re.compile(rb"(?<![\w.~<>-])/(?:work|root|home/\w+|Users/\w+)/\w")
BINARY = (".png", ".gz", ".parquet", ".gpkg", ".fgb", ".ico", ".zip", ".woff2")


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).exists())


def pages() -> list[Path]:
    """The project's own Markdown; vendored notes are others'."""
    found = {path for path in tracked() if path.suffix == ".md" and not {"vendor", "static"} & set(path.parts)}
    return sorted(found | set((ROOT / "docs").glob("*.md")))


def anchors(path: Path) -> set[str]:
    """What headings are called in addresses."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for plain, image in LINK.findall(page.read_text(encoding="utf-8")):
        target = plain or image
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(target)
    assert not lost


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_tests_that_are_named_are_there(page: Path) -> None:
    lost = []
    for name, test in NAMED.findall(page.read_text(encoding="utf-8")):
        path = ROOT / name
        if not path.exists() or (test and f"def {test}(" not in path.read_text(encoding="utf-8")):
            lost.append(f"{name}::{test}" if test else name)
    assert not lost


def commands_of(page: Path) -> list[list[str]]:
    """Every finegrid command line that a page shows: indented, in `code`, or after `$ ` in a block."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(
        r"^(?:    |\$ )(?:FINEGRID_\w+=\S+(?: -hex 16\))? )*(?:\.venv/bin/)?(finegrid .*)$", text, re.MULTILINE
    )
    inline = re.findall(r"`(?:\.venv/bin/)?(finegrid [a-z][^`\n]*)`", text)
    return [shlex.split(line, comments=True) for line in (*lines, *inline)]


def unusable(words: list[str], *, whole: bool) -> str | None:
    """What is wrong with a command line; None where the command and its options exist."""
    command: click.Command = main
    words = words[1:]
    while isinstance(command, click.Group):
        if not words or words[0].startswith("-"):
            return None
        if words[0] not in command.commands:
            return f"there is no command {words[0]}"
        command = command.commands[words.pop(0)]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help", "--"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    if unknown:
        return f"there is no {unknown[0]}"
    if whole:
        try:
            command.make_context(command.name, list(words))
        except click.UsageError as problem:
            return problem.format_message()
    return None


@pytest.mark.parametrize("page", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_are_shown_exist(page: Path) -> None:
    assert not [
        (words, why) for words in commands_of(page) if "..." not in words and (why := unusable(words, whole=False))
    ]


def test_the_readme_s_commands_can_be_typed() -> None:
    page = ROOT / "README.md"
    shown = [words for words in commands_of(page) if len(words) > 3]
    assert len(shown) >= 8
    assert not [(words, why) for words in shown if (why := unusable(words, whole=True))]


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test", "setup", "check", "bench"} <= targets
    for page in pages():
        text = page.read_text(encoding="utf-8")
        shown = re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE)
        assert set(shown) <= targets, page
    assert {"demo", "test"} <= set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))


def test_no_file_names_a_registry_or_a_place_on_a_machine() -> None:
    found = {}
    for path in tracked():
        if path.suffix in BINARY:
            continue
        content = path.read_bytes()
        hosts = [host for host in REGISTRIES if host.encode() in content]
        places = [match.decode() for match in PLACES.findall(content)]
        if hosts or places:
            found[str(path.relative_to(ROOT))] = hosts + places
    assert not found


def test_the_checks_would_see_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A b\n[x](page.md#a-b) [y](gone.md)\n\n    finegrid load area x.csv\n\n`finegrid verify --fast`\n"
    )
    assert anchors(page) == {"a-b"}
    assert [unusable(words, whole=False) for words in commands_of(page)] == [
        "there is no command area",
        "there is no --fast",
    ]
    assert unusable(["finegrid", "duty", "vacancies", "--level", "street"], whole=True) == "Missing option '--from'."
    assert PLACES.search(b"see /ro" + b"ot/x")
    assert not PLACES.search(b"a/" + b"work/b")
