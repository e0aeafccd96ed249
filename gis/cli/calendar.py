"""`finegrid calendar`, and `finegrid load calendar`, `departments`, `limits`: what the clocks of cases run by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import click
from sqlalchemy import Connection, select

from gis.calendars import fill_calendar, load_calendar
from gis.cases import recount
from gis.city import read_city
from gis.cli.frame import city_transaction, json_option, parse_mapping, show
from gis.cli.load import file_options, load_group, show_summary
from gis.departments import load_departments, load_limits
from gis.encoding import table_lines
from gis.loading import LoadSummary
from gis.store.schema_cases import calendar_days

ACTOR = "finegrid calendar"


@click.group("calendar")
def calendar_group() -> None:
    """Public holidays and swapped workdays 调休, by which work hours and work days are counted."""


@calendar_group.command("fill")
@click.argument("country", metavar="COUNTRY")
@click.option("--from-year", type=click.IntRange(1950, 2100), required=True, help="First year.")
@click.option("--to-year", type=click.IntRange(1950, 2100), required=True, help="Last year.")
@click.option("--subdivision", help="State or province, where it has holidays of its own, e.g. MA.")
@json_option
def fill_command(*, country: str, from_year: int, to_year: int, subdivision: str | None, as_json: bool) -> None:
    r"""Take the public holidays of a country from the library `holidays`, China's swapped workdays included.

    COUNTRY is an ISO code: CN, US, DE. For the years named, what was there is replaced. Days of the past by which
    cases were timed already cannot change.

    \b
    Example:
      finegrid calendar fill CN --from-year 2015 --to-year 2027
    """
    if to_year < from_year:
        msg = "--to-year lies before --from-year"
        raise click.UsageError(msg)
    years = range(from_year, to_year + 1)
    _change(lambda conn, today: fill_calendar(conn, country.upper(), years, today, subdivision), as_json=as_json)


@calendar_group.command("show")
@click.option("--year", type=int, help="Only this one.")
@json_option
def show_command(*, year: int | None, as_json: bool) -> None:
    """List the days that are not what their weekday says."""
    with city_transaction(read_only=True) as conn:
        listed = conn.execute(select(calendar_days).order_by(calendar_days.c.day)).mappings()
        rows = [dict(row) for row in listed if year in (None, row["day"].year)]
    show({"rows": rows}, "\n".join(table_lines(["day", "kind", "name"], rows)), as_json=as_json)


@load_group.command("calendar")
@file_options
def load_calendar_command(file: Path, pairs: tuple[str, ...], *, encoding: str | None, as_json: bool) -> None:
    """Load public holidays and swapped workdays 工作日历; `finegrid calendar fill` knows those of many countries.

    \b
    Fields:
      day            ISO day
      kind           holiday (off though a weekday) or workday (work though a Saturday or Sunday)
      name           may be absent
    For the years in the file, the file is the whole truth.

    \b
    Example:
      finegrid load calendar calendar.csv
    """  # noqa: D301 - click wants the character itself
    mapping = parse_mapping(pairs)
    _change(lambda conn, today: load_calendar(conn, file, mapping, today=today, encoding=encoding), as_json=as_json)


def _change(load: Callable[[Connection, date], LoadSummary], *, as_json: bool) -> None:
    now = datetime.now(UTC)
    with city_transaction() as conn:
        summary = load(conn, now.astimezone(read_city(conn).zone).date())
        if summary.changes and (moved := recount(conn, ACTOR, now)):
            summary.warnings.append(f"{moved} open cases have another due time now; their histories say so")
    show_summary(summary, as_json=as_json)


@load_group.command("departments")
@file_options
def load_departments_command(file: Path, pairs: tuple[str, ...], *, encoding: str | None, as_json: bool) -> None:
    """Load the departments 责任部门 that handle cases.

    \b
    Fields:
      code           e.g. CG
      name           name_en may be absent

    \b
    Example:
      finegrid load departments departments.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_departments(conn, file, parse_mapping(pairs), encoding=encoding)
    show_summary(summary, as_json=as_json)


@load_group.command("limits")
@file_options
def load_limits_command(file: Path, pairs: tuple[str, ...], *, encoding: str | None, as_json: bool) -> None:
    """Load how long a case of each category may take 处置时限, and which department leads.

    \b
    Fields:
      category       as the dictionary spells it
      amount         whole number
      unit           urgent_hours or calendar_days (round the clock), work_hours or work_days (office hours)
      department     code of the lead where nobody says otherwise; may be absent
    A category without a limit has the policy's default. Open cases keep the limit they have.

    \b
    Example:
      finegrid load limits limits.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_limits(conn, file, parse_mapping(pairs), encoding=encoding)
    show_summary(summary, as_json=as_json)
