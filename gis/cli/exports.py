"""`finegrid export`: a collection as a file."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import click
from tqdm import tqdm

from gis.city import read_city
from gis.cli.frame import city_transaction, json_option, show
from gis.collections.catalogue import COLLECTIONS
from gis.collections.declared import Collection
from gis.collections.requests import items_request
from gis.errors import NotFound, ParameterError
from gis.exports.order import ExportOrder, how_many, prepare
from gis.exports.writing import ending_of, save

# Options that are called as the parameter of a request is, but for the hyphens of the command line.
PARAMETERS = {
    "expression": "filter",
    "box": "bbox",
    "moment": "datetime",
    "properties": "properties",
    "order": "sortby",
    "crs": "crs",
    "from_day": "from",
    "to_day": "to",
    "categories": "category",
    "sources": "source",
    "level": "level",
    "on_day": "on",
    "period": "period",
}


@click.command("export", epilog=f"Collections: {', '.join(COLLECTIONS)}.")
@click.argument("collection", type=click.Choice(sorted(COLLECTIONS)), metavar="COLLECTION")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Its ending is the format.")
@click.option("--filter", "expression", metavar="CQL2", help="CQL2 text, e.g. \"tier = 'key' AND area_km2 > 0.01\".")
@click.option("--bbox", "box", metavar="W,S,E,N", help="Only what meets this box, WGS 84 degrees.")
@click.option("--datetime", "moment", metavar="INTERVAL", help="A moment, a day or an interval: 2016-05-01/2016-05-31.")
@click.option("--property", "equals", multiple=True, metavar="NAME=VALUE", help="Only with this value; repeatable.")
@click.option("--properties", metavar="NAME,NAME", help="Which properties are written. [default: all]")
@click.option("--sortby", "order", metavar="NAME,-NAME", help="Order, - for descending. [default: by code]")
@click.option("--crs", help="EPSG code or URI of a CRS that the collection is offered in. [default: CRS84]")
@click.option("--from", "from_day", metavar="DAY", help="Densities: first day that is counted.")
@click.option("--to", "to_day", metavar="DAY", help="Densities: day after the last one.")
@click.option("--category", "categories", multiple=True, help="Densities: as for `finegrid density`; repeatable.")
@click.option("--source", "sources", multiple=True, help="Densities: name of a source, or kind:citizen; repeatable.")
@click.option("--without-shared", is_flag=True, help="Densities: leave out suspicious shared coordinates.")
@click.option("--level", help="Staffing: street or district.")
@click.option("--on", "on_day", metavar="DAY", help="Staffing: day on which people are counted. [default: today]")
@click.option("--period", metavar="PERIOD", help="Coverage: 2016-05-T1, -T2, -T3, or a month 2016-05.")
@json_option
def export_command(
    *, collection: str, out: Path, equals: tuple[str, ...], without_shared: bool, as_json: bool, **options: Any
) -> None:
    r"""Write a collection to a file, all of it or what the filters leave.

    Formats by the ending: .geojson .geojsonl .csv .parquet .gpkg .fgb .xlsx. The file appears when it is whole; one of
    that name is replaced.

    \b
    Examples:
      finegrid export cells --out cells.gpkg --crs EPSG:4547
      finegrid export reports --out june.xlsx --datetime 2016-06-01/2016-06-30
      finegrid export density-streets --out may.csv --from 2016-05-01 --to 2016-06-01
      finegrid export coverage --out unsurveyed.gpkg --period 2016-05-T2 --property surveyed=false
    """
    ending = ending_of(out.suffix, "--out")
    words = _words(equals, options) + ([("without_shared", "true")] if without_shared else [])
    started = perf_counter()
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        declared = COLLECTIONS[collection]
        if declared.level is not None and declared.level not in city.area_levels:
            msg = f"{city.name_en} has no level {declared.level}, so there is no collection {collection}"
            raise NotFound(msg)
        _check_names(equals, declared)
        items = items_request(words, declared, city, unpaged=True)
        prepared = prepare(conn, ExportOrder(city, declared, items, tuple(words)))
        with tqdm(desc=out.name, unit=" features", unit_scale=True, disable=None) as bar:
            if not bar.disable:
                bar.reset(how_many(conn, prepared))
            count = save(conn, prepared, ending, out, bar.update)
    size = out.stat().st_size
    answer = {
        "collection": collection,
        "file": str(out),
        "format": ending,
        "features": count,
        "bytes": size,
    }
    text = f"{out}: {count:,} features, {size / 1e6:.1f} MB in {perf_counter() - started:.1f} s"
    if prepared.order.synthetic:
        click.echo(f"synthetic, made up for lack of open data: {', '.join(prepared.order.synthetic)}", err=True)
    show(answer, text, as_json=as_json)


def _words(equals: tuple[str, ...], options: dict[str, Any]) -> list[tuple[str, str]]:
    """The options as the parameters of a request, which are read in one place for both."""
    words: list[tuple[str, str]] = []
    for option, name in PARAMETERS.items():
        given = options[option]
        values = given if isinstance(given, tuple) else () if given is None else (given,)
        words += [(name, value) for value in values]
    for pair in equals:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            msg = f"write NAME=VALUE, not {pair!r}"
            raise click.BadParameter(msg, param_hint="--property")
        words.append((name, value))
    return words


def _check_names(equals: tuple[str, ...], collection: Collection) -> None:
    """Refuse --property with what is no property: a request's other parameters have options of their own."""
    for pair in equals:
        name = pair.partition("=")[0]
        if collection.property(name) is None:
            names = ", ".join(one.name for one in collection.properties)
            raise ParameterError("--property", f"{collection.id} has no property {name[:60]!r}; there are {names}")
