"""The forms in which commands answer: a table for people, JSON, GeoJSON or CSV, on stdout or in a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from gis.city import City
from gis.encoding import Feature, csv_pieces, geojson_pieces, json_pieces, table_lines
from gis.errors import FileError
from gis.geojson import GeometryTexts

FORMATS = ("table", "json", "geojson", "csv")
DAY = click.DateTime(["%Y-%m-%d"])

format_option = click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the answer."
)
out_option = click.option("--out", type=click.Path(path_type=Path), help="Write to this file. [default: stdout]")


def honest(city: City) -> dict[str, Any]:
    """What an answer says about layers that were made up."""
    return {"synthetic": [layer for layer, facts in city.provenance.items() if facts.get("synthetic")]}


def features_of(
    conn: Connection, target: str, ids: Any, codes: Iterable[str], rows: Iterable[dict[str, Any]]
) -> Iterable[Feature]:
    """Rows with the geometry of cells, areas or road segments."""
    return zip(codes, GeometryTexts().of(conn, target, ids), rows, strict=True)


def write_answer(
    out: Path | None,
    form: str,
    head: dict[str, Any],
    names: list[str],
    rows: Iterable[dict[str, Any]],
    features: Iterable[Feature],
) -> None:
    """Print rows, or write them to a file."""
    if form == "table":
        if head["synthetic"]:
            click.echo(f"synthetic, made up for lack of open data: {', '.join(head['synthetic'])}", err=True)
        shown = [name for name in names if name != "note"]
        pieces: Iterable[bytes] = (f"{line}\n".encode() for line in table_lines(shown, list(rows)))
    elif form == "csv":
        pieces = csv_pieces(names, rows, head["synthetic"])
    elif form == "geojson":
        pieces = geojson_pieces(head, features)
    else:
        pieces = json_pieces(head, rows)
    if out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    write_file(out, pieces)


def write_file(out: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that appears only when it is whole."""
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            file.writelines(pieces)
        part.replace(out)
    except OSError as problem:
        part.unlink(missing_ok=True)
        msg = f"{out}: cannot be written: {problem.strerror}"
        raise FileError(msg) from problem
    click.echo(f"written to {out}", err=True)
