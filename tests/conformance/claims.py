"""What the tests of this folder show: abstract tests by the identifiers that the standards give them.

`@shows` stands above each test; docs/conformance.md and the check of /conformance are made from what it collects.
"""

from __future__ import annotations

import importlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.conformance.abstract_tests import ABSTRACT_TESTS, NOT_CLAIMED, SPECIFICATIONS

SPEC = "http://www.opengis.net/spec/"
HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs/conformance.md"
Test = TypeVar("Test", bound=Callable[..., object])


@dataclass(frozen=True)
class Claim:
    """One abstract test that a test shows.

    Parameters
    ----------
    conformance_class
        Standard and class, e.g. features-1/core.
    abstract_test
        Its name in the class, e.g. fc-op.
    requirements
        What it is about, e.g. /req/core/fc-op.
    """

    conformance_class: str
    abstract_test: str
    requirements: tuple[str, ...]


def shows(conformance_class: str, abstract_tests: str, *requirements: str) -> Callable[[Test], Test]:
    """Say which abstract tests a test shows.

    Parameters
    ----------
    abstract_tests
        Names, space between.
    requirements
        Names within the class, or /req/class/name of another one; those of the abstract tests if not given.
    """
    names = abstract_tests.split()
    unknown = set(names) - set(ABSTRACT_TESTS[conformance_class])
    assert not unknown, f"{conformance_class} has no abstract test {', '.join(unknown)}"
    within = conformance_class.partition("/")[2]

    def mark(test: Test) -> Test:
        claims = [
            Claim(
                conformance_class,
                name,
                tuple(one if one.startswith("/") else f"/req/{within}/{one}" for one in requirements or (name,)),
            )
            for name in names
        ]
        test.shown = [*getattr(test, "shown", []), *claims]  # type: ignore[attr-defined]
        return test

    return mark


def uri_of(conformance_class: str) -> str:
    """The URI of a class as /conformance declares it."""
    standard, _, name = conformance_class.partition("/")
    return f"{SPEC}{SPECIFICATIONS[standard].path}/conf/{name}"


def collected() -> Iterator[tuple[str, str, list[Claim]]]:
    """Module, name and claims of every test of this folder."""
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and test.__module__ == module.__name__:
                yield path.name, name, getattr(test, "shown", [])


def shown_classes() -> dict[str, dict[str, list[tuple[Claim, str, str]]]]:
    """Class -> abstract test -> what shows it."""
    found: dict[str, dict[str, list[tuple[Claim, str, str]]]] = defaultdict(lambda: defaultdict(list))
    for module, name, claims in collected():
        for claim in claims:
            found[claim.conformance_class][claim.abstract_test].append((claim, module, name))
    return found


def markdown() -> str:
    """What docs/conformance.md says about the classes."""
    shown = shown_classes()
    pieces = []
    for standard, spec in SPECIFICATIONS.items():
        classes = [one for one in ABSTRACT_TESTS if one.partition("/")[0] == standard]
        pieces.append(f"### {spec.title} ({spec.number})")
        for one in classes:
            pieces.append(f"`{uri_of(one)}`")
            lines = ["| abstract test | requirements | shown by |", "| --- | --- | --- |"]
            for name, number in ABSTRACT_TESTS[one].items():
                rows = shown.get(one, {}).get(name, [])
                requirements = sorted({asked for claim, _, _ in rows for asked in claim.requirements})
                tests = sorted({f"`{module}::{test}`" for _, module, test in rows})
                label = f"`/conf/{one.partition('/')[2]}/{name}`" + (f" (A.{number})" if number else "")
                lines.append(f"| {label} | {' '.join(f'`{each}`' for each in requirements)} | {'<br>'.join(tests)} |")
            pieces.append("\n".join(lines))
    return "\n\n".join(pieces)


def unclaimed() -> str:
    """What docs/conformance.md says about the classes that are not claimed."""
    lines = ["| class | why it is not claimed |", "| --- | --- |"]
    lines += [f"| `{uri_of(name)}` | {why} |" for name, why in NOT_CLAIMED.items()]
    return "\n".join(lines)


def renewed(document: str) -> str:
    """The document with its tables made anew."""
    for marker, made in (("shown", markdown()), ("unclaimed", unclaimed())):
        begin, end = f"<!-- {marker}:begin -->\n", f"\n<!-- {marker}:end -->"
        before, _, rest = document.partition(begin)
        _, _, after = rest.partition(end)
        document = f"{before}{begin}{made}{end}{after}"
    return document


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
