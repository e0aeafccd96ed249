"""Every worked example of fixtures/rules holds, and every function of gis/rules has one, or a reason why not."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import gis.rules
from tests.worked import Example, examples, run

ALL = list(examples())
# What is tried elsewhere, and why no example in the words of a rule would say more.
ELSEWHERE = {
    "cases.after": "by replay, which lets one event after the other happen",
    "cases.lacking": "by why_not, which names what is lacking",
    "cases.moves_from": "by the table of moves in tests/unit/test_case_rules.py",
    "cases.open_case_of": "by replay, which begins with it",
    "cases.why_not": "by the table of moves in tests/unit/test_case_rules.py",
    "deadlines.WorkCalendar.after": "by due",
    "deadlines.WorkCalendar.spans": "by passed and due",
    "deadlines.WorkCalendar.worked": "by passed",
    "policy.policy_numbers": "the table of docs/rulebook.md is made of it",
    "policy_judging.judge": "by the table of wrong files in tests/unit/test_policy_overrides.py",
    "policy_overrides.differences": "by properties in tests/unit/test_policy_overrides.py",
    "policy_overrides.numbers": "the table of docs/rulebook.md shows the same",
    "posting.reason": "sentences, in tests of postings",
    "sampling.chance": "SHA-256; repeated by the script in docs/",
    "sampling.draw": "repeated by the script in docs/",
    "sampling.pick": "repeated by the script in docs/",
    "sampling.points_on": "repeated by the script in docs/",
    "supervision.Supervision.late_days": "by overdue_days",
    "worst.rule_text": "a sentence; docs/api.md shows it",
}


@pytest.mark.parametrize("example", ALL, ids=str)
def test_the_rule_does_as_the_example_says(example: Example) -> None:
    wrong = run(example)
    assert wrong is None, f"clause {example.clause}, {example.function}: {wrong}"


@pytest.mark.parametrize("example", [one for one in ALL if one.error is None], ids=str)
def test_another_result_would_be_seen(example: Example) -> None:
    for wrong in _spoilt(example.result):
        try:
            seen = run(replace(example, result=wrong)) is not None
        except (ValueError, ArithmeticError):
            seen = True  # it is not even of the kind that the function answers with
        assert seen, f"{wrong} passed as well as {example.result}"


def _spoilt(result: Any) -> Iterator[Any]:
    """Results of which one thing is different."""
    if isinstance(result, dict):
        for name, value in result.items():
            yield from ({**result, name: one} for one in _spoilt(value))
    elif isinstance(result, list):
        yield [*result, "1"]
        for at, value in enumerate(result):
            yield from ([*result[:at], one, *result[at + 1 :]] for one in _spoilt(value))
    elif result in ("true", "false"):
        yield "false" if result == "true" else "true"
    else:
        yield "1" if result == "null" else "null"
        yield f"1{result}" if result[-1:].isdigit() else f"{result}x"


def functions() -> Iterator[tuple[str, bool]]:
    """Every public function, method and property of gis/rules, by name, and whether it is a property."""
    for found in pkgutil.iter_modules(gis.rules.__path__):
        module = importlib.import_module(f"gis.rules.{found.name}")
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(thing):
                yield f"{found.name}.{name}", False
            elif inspect.isclass(thing) and not getattr(thing, "_is_protocol", False):
                for part, member in vars(thing).items():
                    if not part.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                        yield f"{found.name}.{name}.{part}", isinstance(member, property)


def _named(result: Any) -> Iterator[str]:
    if isinstance(result, dict):
        for name, value in result.items():
            yield name
            yield from _named(value)
    elif isinstance(result, list):
        for one in result:
            yield from _named(one)


def test_every_function_of_the_rules_has_an_example() -> None:
    """A rule without an example: write one in fixtures/rules/, or say in ELSEWHERE where it is tried."""
    tried = {one.function for one in ALL}
    # Properties of what a function answers are tried where a result names them.
    shown = {name for one in ALL for name in _named(one.result)}
    lacking = {
        name
        for name, is_property in functions()
        if name not in tried and not (is_property and name.split(".")[-1] in shown)
    }
    assert lacking == set(ELSEWHERE)


def test_every_clause_that_has_rules_has_examples() -> None:
    assert {one.clause for one in ALL} >= {"2", "4", "5", "6", "7", "8", "9", "10", "11"}
