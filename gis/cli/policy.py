"""`finegrid policy`: the numbers of the rule book, and what the city overrides."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from gis.city import read_city
from gis.cli.forms import DAY, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, show
from gis.errors import NotFound, ParameterError
from gis.policies import city_policies, overrides_sha256
from gis.policy_files import PolicyLoad, load_policy, policy_document, policy_history, read_policy_file
from gis.policy_reads import COLUMNS, DIFFERENCE_COLUMNS, days_differ, policies_differ, policy_of_day
from gis.rules.policy_overrides import Override, policies_with

FORMATS = ("table", "json", "csv")
NOTHING_MADE_UP: dict[str, Any] = {"synthetic": []}
"""Numbers are decided, not observed."""
SHOWN = ("name", "value", "unit", "clause", "mark", "since", "rule_book")
file_argument = click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
form_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the answer."
)


@click.group("policy")
def policy_group() -> None:
    """The numbers of the rule book 规则参数, dated, and what this city overrides."""


@policy_group.command("show")
@click.option("--on", "on_day", type=DAY, metavar="DAY", help="Day of the city. [default: today]")
@click.option("--own", is_flag=True, help="Only what the city overrides.")
@form_option
@out_option
@json_option
def show_command(*, on_day: datetime | None, own: bool, form: str, out: Path | None, as_json: bool) -> None:
    r"""Show all numbers that hold on a day, with unit, clause and mark.

    `since` is the day of the city's own number; empty: the rule book's holds. `rule_book` is what the rule book says.

    \b
    Examples:
      finegrid policy show
      finegrid policy show --on 2016-06-01 --own
    """
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        found = policy_of_day(conn, on_day.date() if on_day else datetime.now(city.zone).date())
        form = "json" if as_json else form
        rows = [row for row in found.rows if row["overridden"] or not own]
        names = SHOWN if form == "table" else COLUMNS
        write_answer(out, form, found.head() | NOTHING_MADE_UP, list(names), rows, ())
    if form == "table":
        own_count = sum(row["overridden"] for row in found.rows)
        click.echo(f"in force from {found.effective}; the city overrides {_count(own_count, 'number')}", err=True)


@policy_group.command("check")
@file_argument
@json_option
def check_command(*, file: Path, as_json: bool) -> None:
    r"""Check a policy file; nothing is stored, and no city is needed.

    Exit 1 where a name is unknown, a value is of the wrong type or out of range, or a day stands twice. A number that
    the rule itself fixes may be overridden; that is said.

    \b
    Example:
      finegrid policy check policy.toml
    """
    read = read_policy_file(file)
    answer = {
        "entries": len(read.overrides),
        "sha256": overrides_sha256(read.overrides),
        "warnings": read.judged.warnings,
    }
    lines = [f"{file}: fit to be loaded, {_sizes(read.overrides)}"]
    show(answer, "\n  ".join([*lines, *read.judged.warnings]), as_json=as_json)


@policy_group.command("load")
@file_argument
@click.option("--actor", help="Who loads it. [default: the account's name]")
@json_option
def load_command(*, file: Path, actor: str | None, as_json: bool) -> None:
    r"""Make a policy file what the city overrides, from its days on.

    The file takes the place of the one before, which stays in the history. Published standings stay as they are;
    those whose days are touched are named. If the reach of road segments changes, every report is placed anew.

    \b
    Example:
      finegrid policy load policy.toml --actor "city office"
    """
    read = read_policy_file(file)
    with city_transaction() as conn:
        done = load_policy(conn, read, actor or _account(), datetime.now(UTC))
    changes = policies_rows(done)
    answer = {
        "changed": done.changed,
        "number": done.load_id,
        "sha256": done.sha256,
        "entries": len(done.overrides),
        "changes": changes,
        "reassigned": done.reassigned,
        "matched": done.matched,
        "warnings": done.warnings,
    }
    if not done.changed:
        lines = [f"{file}: this holds already; nothing was changed"]
    else:
        lines = [f"{file}: policy file {done.load_id} holds, {_sizes(done.overrides)}", *map(_change, changes)]
        if done.reassigned:
            lines.append(f"{done.reassigned:,} reports have another road segment")
        if done.matched:
            lines.append(f"{done.matched:,} tracks of patrols were matched anew")
    show(answer, "\n  ".join([*lines, *done.warnings]), as_json=as_json)


@policy_group.command("diff")
@click.argument("before", metavar="DAY|FILE")
@click.argument("after", required=False, metavar="[DAY]")
@form_option
@out_option
@json_option
def diff_command(*, before: str, after: str | None, form: str, out: Path | None, as_json: bool) -> None:
    r"""Show which numbers differ between two days, or between what holds and a file.

    Of two days: what held on the first, and on the second. Of a file: what would be other on which days, `to` excluded,
    if it were loaded.

    \b
    Examples:
      finegrid policy diff 2016-02-29 2016-03-01
      finegrid policy diff policy.toml
    """
    first, second = _day(before), None if after is None else _day(after)
    if first is not None and second is None:
        msg = "one day has nothing to differ from; give a second one, or a policy file instead"
        raise click.UsageError(msg)
    if first is None and after is not None:
        msg = f"{before!r} is no day such as 2016-03-01; a policy file stands alone, it is compared with what holds"
        raise click.UsageError(msg)
    file = None if first is not None else read_policy_file(Path(before))
    with city_transaction(read_only=True) as conn:
        if file is None:
            assert first is not None  # noqa: S101 - else there was a file
            assert second is not None  # noqa: S101
            rows, head = days_differ(conn, first, second), {"before": before, "after": after}
        else:
            rows, head = policies_differ(city_policies(conn), policies_with(file.overrides)), {"file": before}
        form = "json" if as_json else form
        write_answer(out, form, head | NOTHING_MADE_UP, list(DIFFERENCE_COLUMNS), rows, ())
    if form == "table":
        click.echo(f"{_count(len(rows), 'difference')}", err=True)


@policy_group.command("history")
@click.option(
    "--text", "number", type=click.IntRange(1, (1 << 31) - 1), help="Print this policy file as it was loaded."
)
@json_option
def history_command(*, number: int | None, as_json: bool) -> None:
    r"""List the policy files that were loaded, newest first: the first one holds.

    \b
    Examples:
      finegrid policy history
      finegrid policy history --text 1 > policy-1.toml
    """
    with city_transaction(read_only=True) as conn:
        zone = read_city(conn).zone
        rows = list(policy_history(conn))
        document = None if number is None else policy_document(conn, number)
    if number is not None:
        if document is None:
            msg = f"no policy file {number} was ever loaded; `finegrid policy history` lists them"
            raise NotFound(msg)
        show({"number": number, "document": document}, document.rstrip("\n"), as_json=as_json)
        return
    lines = [
        f"{row['number']:>3}  {row['loaded_at'].astimezone(zone):%Y-%m-%d %H:%M}  {row['sha256'][:12]}  "
        f"{row['file_name']}  {row['loaded_by']}"
        for row in rows
    ]
    show({"rows": rows}, "\n".join(lines) or "no policy file was ever loaded: the rule book holds", as_json=as_json)


def _account() -> str:
    """The name of whoever runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError) as problem:
        msg = "say who loads the policy: this account has no name"
        raise ParameterError("--actor", msg) from problem


def policies_rows(done: PolicyLoad) -> list[dict[str, Any]]:
    """What a load changed, as rows."""
    return [
        {"name": one.name, "from": one.from_day, "to": one.to_day, "before": one.before, "after": one.after}
        for one in done.differences
    ]


def _change(row: dict[str, Any]) -> str:
    until = "" if row["to"] is None else f" until before {row['to']}"
    return f"{row['name']}: {row['before']} -> {row['after']} from {row['from']}{until}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _sizes(overrides: Iterable[Override]) -> str:
    held = list(overrides)
    names = {name for one in held for name in one.values}
    days = "entry" if len(held) == 1 else "entries"
    return f"{len(held)} {days}, {_count(len(names), 'number')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
