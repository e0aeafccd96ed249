"""`finegrid operations`: special operations, and what happened inside one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gis.city import read_city
from gis.cli.forms import honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, show
from gis.encoding import table_lines
from gis.ground import load_ground
from gis.operation_summary import ROW_COLUMNS, operation_summary
from gis.operations import operations, read_operation, shape_texts

COLUMNS = ["code", "name", "name_en", "valid_from", "valid_to", "area_km2"]


@click.group("operations")
def operations_group() -> None:
    """List special operations 专项行动 and show what happened inside one.

    `finegrid load operations` takes them in. Density, roads density, reports, the heat map, cases, indicators, response
    and listings show one alone with --operation.
    """


@operations_group.command("list")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "geojson", "csv")),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
@out_option
@json_option
def list_command(*, form: str, out: Path | None, as_json: bool) -> None:
    r"""List special operations, the latest first.

    \b
    Example:
      finegrid operations list --format geojson --out operations.geojson
    """
    form = "json" if as_json else form
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        found = operations(conn)
        shapes = shape_texts(conn, [one.id for one in found])
    rows: list[dict[str, Any]] = [one.as_dict() for one in found]
    features = [(one.code, shapes[one.id], row) for one, row in zip(found, rows, strict=True)]
    if form in ("table", "csv"):
        # People and their spreadsheets read the city's time; programs get UTC.
        for row in rows:
            for name in ("valid_from", "valid_to"):
                row[name] = row[name].astimezone(city.zone).isoformat(timespec="seconds")
    write_answer(out, form, honest(city), COLUMNS, rows, features)


@operations_group.command("show")
@click.argument("code")
@json_option
def show_command(*, code: str, as_json: bool) -> None:
    r"""Show what happened inside an operation, beside the same length of time just before.

    \b
    Example:
      finegrid operations show EXPO-2016
    """
    with city_transaction(read_only=True) as conn:
        operation = read_operation(conn, code)
        ground = load_ground(conn)
        zone = ground.city.zone
        facts = operation_summary(conn, ground, code, datetime.now(UTC))
    reports = facts["reports"]
    change = "nothing before" if reports["change"] is None else f"{reports['change']:+.1%}"
    first, last = (
        at.astimezone(zone).isoformat(timespec="minutes") for at in (operation.valid_from, operation.valid_to)
    )
    lines = [
        f"{operation.code} {operation.name}: {first} to {last}, {float(operation.area_km2):.3f} km2",
        f"{reports['count']:,} reports, {reports['per_km2']:.1f} per km2; before {reports['before']:,} ({change})",
    ]
    cases, response, patrols = facts["cases"], facts["response"], facts["patrols"]
    rate = "-" if response["rate"] is None else f"{response['rate']:.1%}"
    share = "-" if patrols["coverage"] is None else f"{patrols['coverage']:.1%}"
    ends = f"{cases['open']:,} open, {cases['closed']:,} closed, {cases['on_time']:,} in time"
    listed = ", ".join(f"{count} {state}" for state, count in facts["listings"].items()) or "nothing"
    lines += [
        f"{cases['found']:,} cases: {ends}; double ten kept {rate}",
        f"{patrols['passes']:,} patrol passes over {share} of {patrols['length_m']:,.0f} m of road; listed: {listed}",
    ]
    if facts["rows"]:
        shown = [name for name in ROW_COLUMNS if name not in ("name_en", "chaos")]
        lines += table_lines(shown, facts["rows"])
    show({**operation.as_dict(), **facts}, "\n".join(lines), as_json=as_json)
