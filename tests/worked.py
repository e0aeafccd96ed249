"""Worked examples of the rules: fixtures/rules/*.yaml, read, applied to the functions of gis/rules, compared.

A file has a `clause`, the `rule` in the words of the rule book, and `examples`. Each example `says` in a sentence what
it shows, names a `function` of gis/rules, and has `facts` and a `result`, or the `error` that the facts deserve. Facts
are the function's parameters; what each is made into, its annotation says. A number of the policy is changed under
`policy`.
A result names what is to be compared: of an object the attributes that matter, of a list every entry.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from gis.errors import FinegridError
from gis.rules.policy import POLICIES, Policy

FOLDER = Path(__file__).parent.parent / "fixtures" / "rules"
LENGTHS = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1), "s": timedelta(seconds=1)}
LENGTH = re.compile(r"(-?\d+(?:\.\d+)?) (d|h|min|s)(?: |$)")
NONE = "null"
KEYS = {"says", "function", "facts", "result", "error", "policy"}


@dataclass(frozen=True)
class Example:
    """One worked example; facts and result as they are written."""

    file: str
    clause: str
    says: str
    function: str
    facts: Mapping[str, Any]
    policy: Mapping[str, str]
    result: Any
    error: str | None

    def __str__(self) -> str:
        return f"{self.file}: {self.says}"


def examples() -> Iterator[Example]:
    """All of them, file by file."""
    for path in sorted(FOLDER.glob("*.yaml")):
        # Scalars stay text: what 08:30 or 2016-06-01 is, the function's annotation says and not YAML.
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        for one in document["examples"]:
            assert set(one) <= KEYS, f"{path.name}: {set(one) - KEYS}"
            assert ("result" in one) != ("error" in one), f"{path.name}: {one['says']}: a result, or an error"
            yield Example(
                path.name,
                document["clause"],
                one["says"],
                one["function"],
                one.get("facts") or {},
                one.get("policy") or {},
                one.get("result"),
                one.get("error"),
            )


def published_week() -> dict[str, dict[str, Any]]:
    """Zhengzhou's published week of 8 to 14 April 2019, for tests that let a city have these very cases.

    Returns
    -------
    dict
        `all` and `without_four_chaoses`; of each its counts (whole numbers) and its rates (text, percent).
    """
    week = [one for one in examples() if one.file == "clause_08_indicators.yaml" and "week" in one.says]
    found = {}
    for name, one in zip(("all", "without_four_chaoses"), week, strict=True):
        counts = {column: int(number) for column, number in one.facts["self"].items()}
        counts["due"] = counts["closed"] + counts.pop("overdue")
        found[name] = {"counts": counts, "rates": one.result}
    return found


def run(example: Example) -> str | None:
    """What is wrong with an example; None where the rule does as it says."""
    function = find(example.function)
    try:
        found = function(**arguments(function, example))
    except (ValueError, TypeError, FinegridError) as problem:
        if example.error is None:
            raise
        return None if example.error in str(problem) else f"said {problem}, not {example.error}"
    if example.error is not None:
        return f"answered {found!r}, where it should have said {example.error}"
    return difference(found, example.result)


def find(name: str) -> Callable[..., Any]:
    """A function `module.function` or a method `module.Class.method` of gis/rules."""
    module, *path = name.split(".")
    found: Any = importlib.import_module(f"gis.rules.{module}")
    for part in path:
        found = getattr(found, part)
    return found.fget if isinstance(found, property) else found


def arguments(function: Callable[..., Any], example: Example) -> dict[str, Any]:
    """The parameters of a function, each made of its fact."""
    own = policy_of(example.policy)
    hints = typing.get_type_hints(function)
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind = hints.get(name)
        if name == "self":
            kind = owner_of(example.function)
        if kind is Policy:
            found[name] = own
        elif name in example.facts:
            found[name] = made(example.facts[name], kind)
        elif typing.get_origin(kind) is Callable:
            found[name] = lambda _: own  # the policy of whatever day
        elif parameter.default is inspect.Parameter.empty:
            msg = f"{example}: {example.function} needs {name}"
            raise AssertionError(msg)
    unknown = set(example.facts) - set(inspect.signature(function).parameters)
    assert not unknown, f"{example}: {example.function} has no {unknown}"
    return found


def owner_of(name: str) -> type:
    module, owner, _ = name.split(".")
    return getattr(importlib.import_module(f"gis.rules.{module}"), owner)


def policy_of(values: Mapping[str, str]) -> Policy:
    hints = typing.get_type_hints(Policy)
    return replace(POLICIES[-1], **{name: made(value, hints[name]) for name, value in values.items()})


def made(written: Any, kind: Any) -> Any:
    """A fact as its annotation has it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if written == NONE else made(written, next(one for one in inner if one is not type(None)))
    if isinstance(kind, typing.TypeVar):
        return protocol_of(written, kind.__bound__)
    if origin is not None and issubclass(origin, Mapping):
        return {made(key, inner[0]): made(value, inner[1]) for key, value in written.items()}
    if origin is tuple and Ellipsis not in inner:
        return tuple(made(one, of) for one, of in zip(written, inner, strict=True))
    if origin is not None and isinstance(written, list):
        members = [made(one, inner[0]) for one in written]
        return origin(members) if issubclass(origin, tuple | AbstractSet) else members
    if isinstance(kind, type) and is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: made(value, hints[name]) for name, value in written.items()})
    return scalar(written, kind)


def scalar(written: str, kind: Any) -> Any:
    if kind is Any:
        return yaml.safe_load(written)
    if kind is bool:
        assert written in ("true", "false"), written
        return written == "true"
    if kind is timedelta:
        if LENGTH.sub("", written):
            msg = f"{written!r} is no length of time such as 1 h 30 min"
            raise ValueError(msg)
        return sum((float(number) * LENGTHS[unit] for number, unit in LENGTH.findall(written)), timedelta(0))
    readers: dict[Any, Callable[[str], Any]] = {
        date: date.fromisoformat,
        datetime: datetime.fromisoformat,
        time: time.fromisoformat,
        Decimal: Decimal,
        Fraction: Fraction,
        ZoneInfo: ZoneInfo,
        int: int,
        float: float,
        str: str,
    }
    return readers[kind](written)


def protocol_of(written: Mapping[str, str], protocol: Any) -> SimpleNamespace:
    """Something with the properties that a protocol asks for."""
    hints = {
        name: typing.get_type_hints(member.fget)["return"]
        for name, member in vars(protocol).items()
        if isinstance(member, property)
    }
    return SimpleNamespace(**{name: made(value, hints[name]) for name, value in written.items()})


def difference(found: Any, expected: Any) -> str | None:
    """Where what was found is not what was expected; None where it is."""
    if expected == NONE:
        return None if found is None else f"{found!r} is not null"
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            part = found[_key(found, name)] if isinstance(found, Mapping) else getattr(found, name)
            if (wrong := difference(part, value)) is not None:
                return f"{name}: {wrong}"
        return None
    if isinstance(expected, list):
        members = sorted(found) if isinstance(found, AbstractSet) else list(found)
        if len(members) != len(expected):
            return f"{members!r} are not {len(expected)}"
        return next(filter(None, map(difference, members, expected)), None)
    if found is None or isinstance(found, list | tuple):
        return f"{found!r} is not {expected}"
    wanted = scalar(expected, type(found) if not isinstance(found, bool) else bool)
    same = abs(found - wanted) <= 1e-9 * abs(wanted) if isinstance(found, float) else found == wanted
    return None if same else f"{found!r} is not {expected}"


def _key(found: Mapping[Any, Any], name: str) -> Any:
    return next((key for key in found if str(key) == name), name)
