"""Tables of the documents that are made from the code; `python -m tests.docs.tables` writes them anew."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import click

import gis.errors
from api.conformance import CONFORMS_TO
from api.errors import STATUS_OF, TITLES
from gis.cli.frame import REFUSED
from gis.cli.root import main
from gis.collections.catalogue import COLLECTIONS
from gis.patrol_files import PatrolFile
from gis.readers.columns import ALIASES
from gis.report_files import ALIASES as REPORT_ALIASES
from gis.roads import CLASS_OF_HIGHWAY, CLASS_OF_NAME
from gis.rules.policy import POLICIES, policy_numbers
from gis.settings import Settings
from gis.store.schema import ROAD_CLASSES

DOCS = Path(__file__).parent.parent.parent / "docs"
HOME = "`/var/lib/finegrid` for root, else `~/.local/share/finegrid`"


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def aliases() -> str:
    rows = [(f"`{name}`", " ".join(f"`{one}`" for one in others)) for name, others in ALIASES.items()]
    return table(("field", "also taken as"), rows)


def report_aliases() -> str:
    rows = [
        (f"`{name}`", " ".join(f"`{one}`" for one in others if one != name)) for name, others in REPORT_ALIASES.items()
    ]
    return table(("field", "also taken as"), rows)


def patrol_aliases() -> str:
    rows = [
        (f"`{name}`", " ".join(f"`{one}`" for one in others if one != name))
        for name, others in PatrolFile.aliases.items()
    ]
    return table(("field", "also taken as"), rows)


def classes() -> str:
    words: dict[str, list[str]] = defaultdict(list)
    for word, class_ in {**CLASS_OF_NAME, **CLASS_OF_HIGHWAY}.items():
        words[class_].append(f"`{word}`" if word.isascii() else word)
    rows = [(f"`{class_}`", " ".join(words[class_])) for class_ in ROAD_CLASSES]
    return table(("class", "words of Chinese offices, and OpenStreetMap's `highway`"), rows)


def policy() -> str:
    newest = POLICIES[-1]
    rows = [
        (f"`{one['name']}`", one["value"], one["unit"], one["clause"], one["mark"], one["meaning"])
        for one in policy_numbers(newest)
    ]
    head = ("name", "value", "unit", "clause", "mark", "meaning")
    return f"In force from {newest.effective}.\n\n" + table(head, rows)


def settings() -> str:
    rows = []
    for name, entry in Settings.model_fields.items():
        default = (
            HOME if entry.default_factory else f"`{entry.default}`" if entry.default not in (None, "") else "unset"
        )
        rows.append((f"`FINEGRID_{name.upper()}`", default, entry.description))
    return table(("variable", "default", "meaning"), rows)


def error_classes() -> list[type[gis.errors.FinegridError]]:
    """The tree, each class after the one it comes from."""
    found: list[type[gis.errors.FinegridError]] = []

    def walk(kind: type[gis.errors.FinegridError]) -> None:
        found.append(kind)
        for child in sorted(kind.__subclasses__(), key=lambda one: inspect.getsourcelines(one)[1]):
            if child.__module__ in ("gis.errors", "api.errors"):
                walk(child)

    walk(gis.errors.FinegridError)
    return found


def urn(kind: str) -> str:
    return "urn:finegrid:error:" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()


def errors() -> str:
    rows = []
    for kind in error_classes():
        status = next(status for known, status in STATUS_OF.items() if issubclass(kind, known))
        depth = len(kind.__mro__) - len(gis.errors.FinegridError.__mro__)
        meaning = (inspect.getdoc(kind) or "").partition("\n")[0]
        exit_code = REFUSED if kind.__module__ == "gis.errors" else "-"
        rows.append(
            (
                "&ensp;" * 2 * depth + kind.__name__,
                f"`{urn(kind.__name__)}`",
                f"{status} {TITLES[status]}",
                exit_code,
                meaning,
            )
        )
    return table(("error", "`type` over HTTP", "HTTP status and `title`", "exit code", "meaning"), rows)


def leaves(command: click.Command, path: tuple[str, ...] = ("finegrid",)) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its full name."""
    if isinstance(command, click.Group):
        if command.invoke_without_command:
            yield " ".join(path), command
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield " ".join(path), command


def commands() -> str:
    rows = [(f"`{name}`", command.get_short_help_str(200)) for name, command in leaves(main)]
    return table(("command", "what it does"), rows)


def collections() -> str:
    """Every collection with what it can be asked for."""
    rows = []
    for one in COLLECTIONS.values():
        own = " ".join(f"`{part.name}`" for part in one.parameters)
        properties = " ".join(f"`{part.name}`" for part in one.properties)
        rows.append((f"`{one.id}`", one.title_zh, one.title, one.geometry, own, properties))
    return table(("collection", "中文", "what", "geometry", "own parameters", "properties"), rows)


def own_parameters() -> str:
    """The parameters that only some collections have."""
    rows = []
    for part in dict.fromkeys(part for one in COLLECTIONS.values() for part in one.parameters):
        where = [one.id for one in COLLECTIONS.values() if part in one.parameters]
        named = "densities" if all(name.startswith("density-") for name in where) else ", ".join(where)
        rows.append((f"`{part.name}`", "", named, part.description, part.description_zh))
    return table(("parameter", "needed", "of", "meaning", "中文"), rows)


def conformance() -> str:
    """What is kept, by standard."""
    found: dict[str, list[str]] = defaultdict(list)
    for uri in CONFORMS_TO:
        standard, _, name = uri.removeprefix("http://www.opengis.net/spec/").partition("/conf/")
        found[standard].append(f"`{name}`")
    rows = [(f"`{standard}`", " ".join(names)) for standard, names in found.items()]
    return table(("specification", "conformance classes"), rows)


TABLES: dict[tuple[str, str], Callable[[], str]] = {
    ("formats.md", "aliases"): aliases,
    ("formats.md", "report-aliases"): report_aliases,
    ("formats.md", "patrol-aliases"): patrol_aliases,
    ("formats.md", "classes"): classes,
    ("rulebook.md", "policy"): policy,
    ("settings.md", "settings"): settings,
    ("errors.md", "errors"): errors,
    ("cli.md", "commands"): commands,
    ("ogc.md", "collections"): collections,
    ("ogc.md", "own-parameters"): own_parameters,
    ("ogc.md", "conformance"): conformance,
}


def written(name: str, marker: str) -> str:
    """What stands between the markers now."""
    text = (DOCS / name).read_text(encoding="utf-8")
    begin, end = f"<!-- {marker}:begin -->\n", f"<!-- {marker}:end -->"
    assert text.count(begin) == text.count(end) == 1, f"{name} needs one pair of markers {marker}"
    return text[text.index(begin) + len(begin) : text.index(end)].strip()


def write(name: str, marker: str, content: str) -> None:
    """Put content between the markers."""
    path = DOCS / name
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {marker}:begin -->\n", f"<!-- {marker}:end -->"
    head, tail = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    path.write_text(head + content + "\n" + tail, encoding="utf-8")


if __name__ == "__main__":
    for (document, place), make in TABLES.items():
        write(document, place, make())
