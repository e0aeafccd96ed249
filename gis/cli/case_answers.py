"""`finegrid indicators` and `finegrid response`: rates of clause 8, and double ten of clause 7."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

from gis.city import City
from gis.cli.forms import DAY, features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option
from gis.cli.windows import days_or_operation
from gis.encoding import to_json
from gis.errors import ParameterError
from gis.ground import load_ground
from gis.indicators import COLUMNS, LEVELS, IndicatorQuery, IndicatorTable, indicators
from gis.instants import read_instant
from gis.operations import named
from gis.response import COLUMNS as RESPONSE_COLUMNS
from gis.response import LEVELS as RESPONSE_LEVELS
from gis.response import ResponseQuery, ResponseTable, response
from gis.response_live import COLUMNS as LIVE_COLUMNS
from gis.response_live import LiveQuery, response_live
from gis.rules.periods import parse_period

Command = TypeVar("Command", bound=Callable[..., Any])
STEPS = {"1": (1,), "2": (2,), "both": (1, 2)}
SHOWN = [name for name in COLUMNS if not name.startswith("enforcement_")]
LIVE_SHOWN = ["case_id", "step", "seconds_left", "due_at", "category_name", "street", "cell", "responsible", "phone"]


def case_options(command: Command) -> Command:
    """The options that say which cases are meant and how the answer looks."""
    for decorate in (
        json_option,
        out_option,
        format_option,
        click.option("--street", metavar="CODE", help="Only in this street, or another area."),
        click.option(
            "--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable."
        ),
    ):
        command = decorate(command)
    return command


def window_options(command: Command) -> Command:
    """The options that say which days are meant."""
    for decorate in (
        click.option("--period", metavar="PERIOD", help="Instead: a ten-day period 2016-05-T2, or a month 2016-05."),
        click.option(
            "--operation",
            metavar="CODE",
            help="Only inside this special operation; days then narrow it and may be absent.",
        ),
        click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last one."),
        click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day, e.g. 2016-05-01."),
    ):
        command = decorate(command)
    return command


def _window(
    from_day: datetime | None, to_day: datetime | None, period: str | None, operation: str | None
) -> tuple[date | None, date | None]:
    """Both days, or, with an operation, as far as they are given."""
    if period is not None:
        if from_day or to_day:
            msg = "--period stands instead of --from and --to"
            raise click.UsageError(msg)
        try:
            found = parse_period(period)
        except ValueError as problem:
            raise ParameterError("--period", str(problem)) from problem
        return found.first, found.after
    if (from_day is None or to_day is None) and operation is None:
        msg = "say which days: --from DAY --to DAY, or --period 2016-05-T2, or --operation CODE"
        raise click.UsageError(msg)
    return from_day and from_day.date(), to_day and to_day.date()


@click.command("indicators")
@click.option("--level", required=True, type=click.Choice(LEVELS), help="One that the city has.")
@window_options
@click.option("--exclude", type=click.Choice(("four_chaos",)), help="Without the four chaoses.")
@click.option("--department", metavar="CODE", help="Only where this department was the lead at the window's end.")
@case_options
def indicators_command(
    *,
    level: str,
    from_day: datetime | None,
    to_day: datetime | None,
    period: str | None,
    operation: str | None,
    exclude: Any,
    department: str | None,
    street: str | None,
    categories: tuple[str, ...],
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Rates of filing, dispatch, closure, on time, rework and extension, in percent.

    Due is what was closed in the window or is open past its limit at the window's end. A rate stays empty where nothing
    is there to divide by. What happens after the window changes nothing.

    \b
    Examples:
      finegrid indicators --level city --from 2019-04-08 --to 2019-04-15 --exclude four_chaos
      finegrid indicators --level department --period 2016-05-T2 --format csv
    """
    window = _window(from_day, to_day, period, operation)
    with city_transaction(read_only=True) as conn:
        first, after, within = days_or_operation(conn, operation, *window)
        query = IndicatorQuery(first, after, categories, exclude, department, street, within)
        ground = load_ground(conn)
        table = indicators(conn, ground, level, query, datetime.now(UTC))
        head = {"level": level, "from": query.from_day, "to": query.to_day, "as_of": table.as_of.astimezone(UTC)}
        head |= named(within)
        form = "json" if as_json else form
        _write_table(conn, out, form, head, table, ground.city, SHOWN if form == "table" else list(COLUMNS))


def _write_table(
    conn: Any,
    out: Path | None,
    form: str,
    head: dict[str, Any],
    table: IndicatorTable | ResponseTable,
    city: City,
    names: list[str],
) -> None:
    rows = list(table.rows())
    features = ()
    if form == "geojson":
        if table.target is None:
            raise ParameterError("--format", f"the level {table.level} has no geometry; table, json or csv is right")
        ids = np.array([one.key for one in table.members], np.int32)
        features = features_of(conn, table.target, ids, [row["code"] for row in rows], rows)  # type: ignore[assignment]
    head = {**head, "total": table.total, "elsewhere": table.elsewhere, **honest(city)}
    write_answer(out, form, head, names, rows, features)


@click.group("response", invoke_without_command=True)
@click.option("--level", type=click.Choice(RESPONSE_LEVELS), default="street", show_default=True)
@window_options
@click.option(
    "--step",
    type=click.Choice(tuple(STEPS)),
    default="both",
    show_default=True,
    help="1: the responsible person on the spot; 2: enforcement after persuasion failed.",
)
@case_options
@click.pass_context
def response_group(
    ctx: click.Context,
    *,
    level: str,
    from_day: datetime | None,
    to_day: datetime | None,
    period: str | None,
    operation: str | None,
    step: str,
    street: str | None,
    categories: tuple[str, ...],
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Double ten 双十: how often somebody was on the spot within ten minutes.

    The responsible person within ten minutes after the problem was found; where persuasion failed, enforcement officers
    within ten more. The rate is on time / (on time + late + missing).

    \b
    Examples:
      finegrid response --level person --period 2016-05-T2
      finegrid response --level hour --from 2016-05-01 --to 2016-06-01 --step 1
      finegrid response live
    """
    if ctx.invoked_subcommand is not None:
        return
    window = _window(from_day, to_day, period, operation)
    with city_transaction(read_only=True) as conn:
        first, after, within = days_or_operation(conn, operation, *window)
        query = ResponseQuery(first, after, STEPS[step], categories, street, within)
        ground = load_ground(conn)
        table = response(conn, ground, level, query, datetime.now(UTC))
        head = {"level": level, "from": query.from_day, "to": query.to_day, "step": step, "at": table.at}
        head |= named(within)
        form = "json" if as_json else form
        _write_table(conn, out, form, head, table, ground.city, list(RESPONSE_COLUMNS))


@response_group.command("live")
@click.option(
    "--within",
    "within_s",
    type=click.IntRange(1, 86_400),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="What runs out within them, and what ran out within them before.",
)
@click.option(
    "--at", metavar="INSTANT", help="A past instant of the city, 2016-05-03T08:40, or with zone. [default: now]"
)
@case_options
def live_command(
    *,
    within_s: int,
    at: str | None,
    street: str | None,
    categories: tuple[str, ...],
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""List the steps that run out in the next minutes, most urgent first; then those that have just run out.

    \b
    Example:
      finegrid response live --within 300 --street 410102001
    """
    now = datetime.now(UTC)
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        moment = now if at is None else read_instant("--at", at, ground.city.zone)
        if moment > now:
            raise ParameterError("--at", f"{moment.isoformat()} lies in the future")
        rows = response_live(conn, ground, LiveQuery(within_s, categories, street), moment)
    form = "json" if as_json else form
    head = {"at": moment.astimezone(UTC), "within_s": within_s, **honest(ground.city)}
    features = [(f"{row['case_id']}-{row['step']}", _point(row), row) for row in rows]
    if form in ("table", "csv"):
        persons = [row["responsible"] or {} for row in rows]
        key = "name" if form == "table" else "ref"
        rows = [
            row | {"responsible": one.get(key), "phone": one.get("phone")}
            for row, one in zip(rows, persons, strict=True)
        ]
    if form == "table":
        zone = ground.city.zone
        rows = [
            row | {"due_at": f"{row['due_at'].astimezone(zone):%H:%M:%S}", "seconds_left": int(row["seconds_left"])}
            for row in rows
        ]
    write_answer(out, form, head, LIVE_SHOWN if form == "table" else list(LIVE_COLUMNS), rows, features)


def _point(row: dict[str, Any]) -> bytes:
    if row["lon"] is None:
        return b"null"
    return to_json({"type": "Point", "coordinates": (row["lon"], row["lat"])})
