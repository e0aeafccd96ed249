"""`finegrid imports` and `finegrid reports`: what was taken in before."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from pathlib import Path

import click

from gis.cli.frame import city_transaction, json_option, show
from gis.cli.windows import days_or_operation
from gis.encoding import csv_pieces, table_lines
from gis.import_log import list_imports, read_import, write_rejects
from gis.report_reads import ReportQuery, read_reports


@click.command("imports")
@click.argument("import_id", type=int, required=False)
@click.option("--rejects", type=click.Path(path_type=Path), help="Write that import's rejected rows to this file.")
@json_option
def imports_command(*, import_id: int | None, rejects: Path | None, as_json: bool) -> None:
    r"""List the latest imports, or show one and fetch its rejected rows.

    \b
    Examples:
      finegrid imports
      finegrid imports 3 --rejects rejected.csv
    """
    if rejects is not None and import_id is None:
        msg = "which import's? Give its number: finegrid imports lists them"
        raise click.UsageError(msg)
    with city_transaction(read_only=True) as conn:
        rows = list_imports(conn) if import_id is None else [read_import(conn, import_id)]
        if rejects is not None and import_id is not None:
            content = BytesIO()
            write_rejects(conn, import_id, content)
            rejects.write_bytes(content.getvalue())
    lines = [
        f"{row['import_id']:>5}  {row['file_name']}: read {row['read']:,} = accepted {row['accepted']:,} + duplicate"
        f" {row['duplicate']:,} + rejected {row['rejected']:,}"
        for row in rows
    ]
    show(
        {"rows": rows} if import_id is None else rows[0],
        "\n".join(lines) or "nothing was imported yet",
        as_json=as_json,
    )


DAY = click.DateTime(["%Y-%m-%d"])


@click.command("reports")
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day; needed without --operation.")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last one; needed without --operation.")
@click.option("--operation", metavar="CODE", help="Only what lies inside this special operation.")
@click.option("--cell", help="Code of a grid cell.")
@click.option("--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable.")
@click.option("--source", "sources", multiple=True, help="Name of a source, or kind:citizen; repeatable.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Most rows.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "csv")),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
@json_option
def reports_command(
    *,
    from_day: datetime | None,
    to_day: datetime | None,
    operation: str | None,
    cell: str | None,
    categories: tuple[str, ...],
    sources: tuple[str, ...],
    limit: int,
    form: str,
    as_json: bool,
) -> None:
    r"""List single reports with their cell and road segment.

    \b
    Example:
      finegrid reports --from 2016-05-01 --to 2016-05-02 --category chaos:parking --format csv > parking.csv
    """
    with city_transaction(read_only=True) as conn:
        first, after, within = days_or_operation(conn, operation, from_day, to_day)
        query = ReportQuery(first, after, cell, categories, sources, limit=limit, operation=within)
        rows = read_reports(conn, query)
    names = list(rows[0]) if rows else []
    lines = b"".join(csv_pieces(names, rows)).decode() if form == "csv" else "\n".join(table_lines(names, rows))
    show({"rows": rows}, lines.rstrip() if rows else "no report in that window", as_json=as_json)
