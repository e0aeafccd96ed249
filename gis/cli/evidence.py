"""`finegrid media`, `satisfaction` and `series`: what was printed and thought, beside what was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from gis.cli.forms import DAY, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option
from gis.ground import load_ground
from gis.media_reads import AREA_COLUMNS, media_by_area, media_rows
from gis.media_reads import COLUMNS as MEDIA_COLUMNS
from gis.period_counts import STEPS
from gis.satisfaction import COLUMNS as SATISFACTION_COLUMNS
from gis.satisfaction import result_rows, survey_results
from gis.series import COLUMNS as SERIES_COLUMNS
from gis.series import SeriesQuery, series
from gis.store.schema_measures import TONES

MEDIA_SHOWN = ("ref", "day", "outlet", "title", "tone", "incident", "counts", "area_name")

plain_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "csv")),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
from_option = click.option("--from", "from_day", type=DAY, help="First day.")
to_option = click.option("--to", "to_day", type=DAY, help="Day after the last one.")


def day_of(given: datetime | None) -> date | None:
    """The day that an option names; click reads it as a datetime."""
    return None if given is None else given.date()


def _write(out: Path | None, form: str, head: dict[str, Any], names: Sequence[str], rows: list[dict[str, Any]]) -> None:
    write_answer(out, form, head, list(names), rows, ())


@click.command("media")
@from_option
@to_option
@click.option("--tone", type=click.Choice(TONES), help="Praise or exposures alone.")
@click.option("--level", help="Count by area: city, district, street, ...")
@plain_format_option
@out_option
@json_option
def media_command(
    *,
    from_day: datetime | None,
    to_day: datetime | None,
    tone: str | None,
    level: str | None,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""List media reports 媒体报道, or count them by area.

    `counts` says whether an exposure is the report by which its incident deducts: the first one, however many papers
    print it.

    \b
    Examples:
      finegrid media --from 2016-05-01 --to 2016-06-01 --tone exposure
      finegrid media --from 2016-05-01 --to 2016-06-01 --level street
    """
    if level is not None and tone is not None:
        msg = "--tone does not go with --level, which counts both"
        raise click.UsageError(msg)
    first, after = day_of(from_day), day_of(to_day)
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        rows = (
            media_rows(conn, ground, first, after, tone)
            if level is None
            else media_by_area(conn, ground, level, first, after)
        )
    form = "json" if as_json else form
    names = AREA_COLUMNS if level is not None else MEDIA_SHOWN if form == "table" else MEDIA_COLUMNS
    _write(out, form, {"from": first, "to": after, **honest(ground.city)}, names, rows)


@click.command("satisfaction")
@from_option
@to_option
@click.option("--level", help="city, district, street, ...  [default: all]")
@plain_format_option
@out_option
@json_option
def satisfaction_command(
    *, from_day: datetime | None, to_day: datetime | None, level: str | None, form: str, out: Path | None, as_json: bool
) -> None:
    r"""List results of satisfaction surveys 满意度调查 with the interval of each share.

    \b
    Example:
      finegrid satisfaction --from 2016-01-01 --to 2017-01-01 --level district
    """
    first, after = day_of(from_day), day_of(to_day)
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        rows = result_rows(conn, survey_results(conn, first, after, level))
    head = {"level": level, "from": first, "to": after, **honest(ground.city)}
    _write(out, "json" if as_json else form, head, SATISFACTION_COLUMNS, rows)


@click.command("series")
@click.option("--level", required=True, help="city, district, street, ... as the city has them.")
@click.option("--code", help="Of the area; not needed for the city.")
@click.option("--from", "from_day", type=DAY, required=True, help="First day.")
@click.option("--to", "to_day", type=DAY, required=True, help="Day after the last one.")
@click.option("--by", type=click.Choice(tuple(STEPS)), default="period", show_default=True, help="Ten days or a month.")
@click.option("--category", "categories", multiple=True, help="Code, name or chaos:NAME; repeat it for several.")
@plain_format_option
@out_option
@json_option
def series_command(
    *,
    level: str,
    code: str | None,
    from_day: datetime,
    to_day: datetime,
    by: str,
    categories: tuple[str, ...],
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Show problems, exposures, praise and satisfaction of one place beside each other, period by period.

    \b
    Examples:
      finegrid series --level city --from 2016-05-01 --to 2016-08-01
      finegrid series --level street --code 410102001 --from 2016-05-01 --to 2016-08-01 --by month
    """
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        query = SeriesQuery(level, code, from_day.date(), to_day.date(), by, categories)
        found = series(conn, ground, query)
    head = {**found.head(), "by": by, "category": categories, **honest(ground.city)}
    _write(out, "json" if as_json else form, head, SERIES_COLUMNS, found.rows)
