"""`finegrid duty`: who answers for what, and when; vacancies; handing over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from gis.city import City, read_city
from gis.cli.forms import DAY, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, show
from gis.duty import (
    CHANGE_COLUMNS,
    HOLDER_COLUMNS,
    PERSON_COLUMNS,
    VACANCY_COLUMNS,
    Places,
    changes,
    holders_at,
    persons,
    vacancies,
)
from gis.handovers import HandoverOrder, hand_over
from gis.instants import instants_of_days, read_instant
from gis.store.schema import LEVELS

Command = TypeVar("Command", bound=Callable[..., Any])
Ask = Callable[[Connection, City], tuple[dict[str, Any], list[dict[str, Any]]]]

form_option = click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "csv")),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
place_options = (
    click.option("--level", type=click.Choice((*LEVELS, "cell")), help="Only places of this level. [default: all]"),
    click.option("--street", metavar="CODE", help="Only what lies in this street or other area, itself included."),
)
window_options = (
    click.option("--from", "from_day", type=DAY, required=True, metavar="DAY", help="First day, e.g. 2016-05-01."),
    click.option("--to", "to_day", type=DAY, required=True, metavar="DAY", help="Day after the last one."),
)
at_option = click.option(
    "--at", metavar="TIME", help="An instant, of the city where it names no zone. [default: this moment]"
)
answer_options = (form_option, out_option, json_option)


def options(*chosen: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options at once, in the order in which --help shows them."""

    def decorate(command: Command) -> Command:
        for option in reversed(chosen):
            command = option(command)
        return command

    return decorate


@click.group("duty")
def duty_group() -> None:
    """Say who answers for cells and areas 责任人, find vacancies, hand over 交接.

    A place has one responsible person at any instant: the database refuses a second one. `finegrid load responsibles`
    loads a whole list; `finegrid duty handover` changes one post and keeps the history.
    """


@duty_group.command("list")
@options(*place_options, at_option, *answer_options)
def list_command(*, level: str | None, street: str | None, at: str | None, **form: Any) -> None:
    r"""List who answers for each place at an instant; `-` where nobody does.

    \b
    Examples:
      finegrid duty list --level street
      finegrid duty list --level cell --street 410102001 --at 2016-06-01T08:00
    """

    def ask(conn: Connection, city: City) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        moment = _moment(city, at)
        return {"at": moment}, holders_at(conn, city, Places(level, street), moment)

    _answer(ask, HOLDER_COLUMNS, **form)


@duty_group.command("vacancies")
@options(*place_options, *window_options, *answer_options)
def vacancies_command(
    *, level: str | None, street: str | None, from_day: datetime, to_day: datetime, **form: Any
) -> None:
    r"""List every time in a window in which nobody answers for a place.

    \b
    Example:
      finegrid duty vacancies --level cell --from 2016-06-01 --to 2016-07-01
    """

    def ask(conn: Connection, city: City) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        instants = instants_of_days(from_day.date(), to_day.date(), city.zone)
        window = {"from": from_day.date(), "to": to_day.date()}
        return window, vacancies(conn, city, Places(level, street), *instants)

    _answer(ask, VACANCY_COLUMNS, **form)


@duty_group.command("handovers")
@options(*place_options, *window_options, *answer_options)
def handovers_command(
    *, level: str | None, street: str | None, from_day: datetime, to_day: datetime, **form: Any
) -> None:
    r"""List what changed hands in a window: from whom, to whom, with a gap or without.

    \b
    Example:
      finegrid duty handovers --from 2016-06-01 --to 2016-07-01
    """

    def ask(conn: Connection, city: City) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        instants = instants_of_days(from_day.date(), to_day.date(), city.zone)
        window = {"from": from_day.date(), "to": to_day.date()}
        return window, changes(conn, city, Places(level, street), *instants)

    _answer(ask, CHANGE_COLUMNS, **form)


@duty_group.command("persons")
@click.option("--street", metavar="CODE", help="Only what lies in this street or other area, itself included.")
@click.option("--more-than", type=click.IntRange(0), default=0, metavar="N", help="Only those with more cells than N.")
@options(at_option, *answer_options)
def persons_command(*, street: str | None, more_than: int, at: str | None, **form: Any) -> None:
    r"""List how many cells and km2 each person answers for, most first.

    \b
    Example:
      finegrid duty persons --more-than 150
    """

    def ask(conn: Connection, city: City) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        moment = _moment(city, at)
        return {"at": moment}, persons(conn, city, street, moment, more_than)

    _answer(ask, PERSON_COLUMNS, **form)


@duty_group.command("handover")
@click.option("--cell", metavar="CODE", help="One cell.")
@click.option("--cells", metavar="CODE", help="Every cell of this area.")
@click.option("--area", metavar="CODE", help="The head of this area, without its cells.")
@click.option("--to", "to_ref", required=True, metavar="REF", help="The person who takes over.")
@click.option("--at", required=True, metavar="TIME", help="The instant: the last one's end, the new one's beginning.")
@click.option("--until", metavar="TIME", help="First instant no longer. [default: open]")
@click.option("--name", help="Of a person who is not known yet.")
@click.option("--phone", help="Of the person; replaces the one that is known.")
@click.option("--actor", required=True, help="Who orders it.")
@click.option("--reason", required=True, help="Why.")
@json_option
def handover_command(
    *,
    cell: str | None,
    cells: str | None,
    area: str | None,
    to_ref: str,
    at: str,
    until: str | None,
    as_json: bool,
    **said: Any,
) -> None:
    r"""Hand a cell, the cells of an area, or an area over to another person.

    The present holder's responsibility ends at that instant and the new one's begins, in one transaction. What was
    before stays. Refused where somebody is down for a later time already, saying who.

    \b
    Examples:
      finegrid duty handover --cell 410102001001017 --to RP00102 --at 2016-06-01T08:00 --actor office --reason moved
      finegrid duty handover --area 410102001 --to N1 --name 新主任 --at 2016-06-01 --actor office --reason appointed
    """
    scopes = [(scope, code) for scope, code in (("cell", cell), ("cells", cells), ("area", area)) if code is not None]
    if len(scopes) != 1:
        msg = "say what is handed over: one of --cell, --cells, --area"
        raise click.UsageError(msg)
    scope, code = scopes[0]
    with city_transaction() as conn:
        zone = read_city(conn).zone
        instant = read_instant("--at", at, zone)
        last = None if until is None else read_instant("--until", until, zone)
        done = hand_over(conn, HandoverOrder(scope, code, to_ref, instant, until=last, **said))
    givers = ", ".join(f"{one['ref']} {one['name']} ({one['places']})" for one in done["from"]) or "nobody"
    when = instant.astimezone(zone).isoformat()
    text = f"{done['to']['ref']} {done['to']['name']} takes {done['changed']} places over from {givers} at {when}"
    if done["vacant"]:
        text += f"; {done['vacant']} were vacant"
    if done["unchanged"]:
        text += f"; {done['unchanged']} were theirs already"
    show(done, text, as_json=as_json)


def _moment(city: City, at: str | None) -> datetime:
    return datetime.now(UTC) if at is None else read_instant("--at", at, city.zone)


def _answer(ask: Ask, names: Sequence[str], *, form: str, out: Path | None, as_json: bool) -> None:
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        head, rows = ask(conn, city)
    for row in rows:
        row.pop("id", None)
    form = "json" if as_json else form
    if form != "json":
        # People and their spreadsheets read the city's time; programs get UTC.
        rows = [{name: _local(value, city) for name, value in row.items()} for row in rows]
    write_answer(out, form, {**head, **honest(city)}, list(names), rows, ())


def _local(value: Any, city: City) -> Any:
    return value.astimezone(city.zone).isoformat(timespec="seconds") if isinstance(value, datetime) else value
