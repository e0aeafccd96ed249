"""Exports read back by somebody else's readers, each as feature id -> properties and geometry."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import geopandas
import openpyxl
import pyarrow.parquet as pq
import pyogrio
import shapely
from openpyxl.utils.escape import unescape

from gis.collections.catalogue import COLLECTIONS
from tests.api.tiny import CITY

Feature = tuple[dict, shapely.Geometry | None]
FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", '=HYPERLINK("http://x","a\nb")')


def plain(collection: str, name: str, value: object) -> object:
    """A value as /items writes it, out of what a reader made of it."""
    one = COLLECTIONS[collection].property(name)
    kind = "string" if one is None else one.kind
    if value is None or value != value or (value == "" and kind != "string"):
        return None
    if kind == "boolean":
        return value == "true" if isinstance(value, str) else bool(value)
    if kind == "integer":
        return int(value)
    if kind == "number":
        return float(value)
    if kind == "date":
        return (value.date() if isinstance(value, datetime) else date.fromisoformat(str(value)[:10])).isoformat()
    if kind == "date-time":
        moment = datetime.fromisoformat(str(value))
        moment = moment.replace(tzinfo=ZoneInfo(CITY.time_zone)) if moment.tzinfo is None else moment
        return moment.astimezone(ZoneInfo("UTC")).isoformat()
    return str(value)


def by_id(collection: str, rows: list[tuple[dict, shapely.Geometry | None]]) -> dict[str, Feature]:
    key = COLLECTIONS[collection].feature_id
    found = {
        str(row[key]): ({name: plain(collection, name, value) for name, value in row.items()}, shape)
        for row, shape in rows
    }
    assert len(found) == len(rows)
    return found


def of_geojson(collection: str, features: list[dict]) -> dict[str, Feature]:
    key = COLLECTIONS[collection].feature_id
    return by_id(
        collection,
        [
            (
                {key: one["id"], **one["properties"]},
                None if one["geometry"] is None else shapely.from_geojson(json.dumps(one["geometry"])),
            )
            for one in features
        ],
    )


def point_of(row: dict) -> shapely.Geometry | None:
    lon, lat = row.pop("lon"), row.pop("lat")
    return None if lon in (None, "") else shapely.Point(float(lon), float(lat))


def read_geojson(path: Path, collection: str) -> dict[str, Feature]:
    return of_geojson(collection, json.loads(path.read_bytes())["features"])


def read_geojsonl(path: Path, collection: str) -> dict[str, Feature]:
    parts = path.read_bytes().split(b"\x1e")
    assert parts[0] == b""
    assert all(part.endswith(b"\n") and part.count(b"\n") == 1 for part in parts[1:])
    features = [json.loads(part) for part in parts[1:]]
    if features:
        assert pyogrio.read_info(path, force_feature_count=True)["features"] == len(features)
    return of_geojson(collection, features)


def read_csv(path: Path, collection: str) -> dict[str, Feature]:
    lines = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))
    rows: list[Feature] = []
    for line in lines:
        for value in line.values():
            # No cell that a spreadsheet would run; a number may be negative.
            assert not value.startswith(("=", "+", "@", "\t", "\r")), value
            assert not value.startswith("-") or float(value) < 0, value
        row: dict = {name: value[1:] if value[:2] in DISARMED else value for name, value in line.items()}
        row.pop("synthetic", None)
        shape = point_of(row) if "lon" in row else shapely.from_wkt(row.pop("geometry"))
        # The csv module tells no empty field from empty text; nothing here is empty text.
        rows.append(({name: value or None for name, value in row.items()}, shape))
    return by_id(collection, rows)


DISARMED = {f"'{first[0]}" for first in FORMULAS}


def read_ogr(path: Path, collection: str) -> dict[str, Feature]:
    assert [name for name, _ in pyogrio.list_layers(path)] == [collection]
    frame = pyogrio.read_dataframe(path)
    shapes = frame.pop("geometry")
    frame = frame.astype(object)
    return by_id(collection, list(zip(frame.to_dict("records"), shapes, strict=True)))


def read_parquet(path: Path, collection: str) -> dict[str, Feature]:
    rows = pq.read_table(path).to_pylist()
    frame = geopandas.read_parquet(path)
    assert frame.crs == "OGC:CRS84"
    return by_id(
        collection,
        [({k: v for k, v in row.items() if k != "geometry"}, shapely.from_wkb(row["geometry"])) for row in rows],
    )


def read_xlsx(path: Path, collection: str) -> dict[str, Feature]:
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [collection, "about"]
    lines = list(book[collection].iter_rows())
    names = [cell.value for cell in lines[0]]
    rows: list[Feature] = []
    for line in lines[1:]:
        for cell in line:
            assert cell.data_type != "f", cell.value
            if isinstance(cell.value, str) and cell.value.startswith(tuple("=+-@\t")):
                assert cell.quotePrefix, cell.value
        values = [unescape(cell.value) if isinstance(cell.value, str) else cell.value for cell in line]
        row = dict(zip(names, values, strict=True))
        row.pop("synthetic", None)
        rows.append((row, point_of(row)))
    return by_id(collection, rows)


READERS = {
    "geojson": read_geojson,
    "geojsonl": read_geojsonl,
    "csv": read_csv,
    "gpkg": read_ogr,
    "fgb": read_ogr,
    "parquet": read_parquet,
    "xlsx": read_xlsx,
}
