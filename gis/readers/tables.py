"""One file of any accepted format as columns, geometry and what it declares; nothing is judged here."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError

from gis.errors import FileError, RowProblem

VECTOR = (".gpkg", ".shp", ".shp.zip", ".zip", ".fgb")
GEOJSON = (".geojson", ".json")
GEOJSON_LINES = (".geojsonl", ".geojsons")
PARQUET = (".parquet", ".geoparquet")
CSV = (".csv", ".csv.gz")
ACCEPTED_FILES = ".geojson, .geojsonl, .gpkg, .shp, .shp.zip, .fgb, .parquet, .csv and .csv.gz"


@dataclass
class Table:
    """A file as it is.

    Parameters
    ----------
    columns
        Column -> n values, text or None.
    geometry
        n shapely geometries or None in the file's own coordinates; None: the format carries none (CSV).
    declared
        Its coordinate reference system as an authority's code or WKT, None where it declares none.
    problems
        Rows that cannot be read, counted from 1.
    notes
        What GDAL warned of.
    """

    columns: dict[str, list[str | None]]
    rows: int
    geometry: NDArray[np.object_] | None = None
    declared: str | None = None
    problems: list[RowProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_table(path: Path, *, layer: str | None = None, encoding: str | None = None) -> Table:
    """Read a whole file.

    Parameters
    ----------
    layer
        Which layer of a GeoPackage or zip with several.
    encoding
        Of a CSV (UTF-8 where not given) or of a Shapefile without a .cpg, e.g. GBK.

    Raises
    ------
    FileError
        Missing, empty, unreadable, of an unknown format, or with several layers and none chosen.
    """
    if not path.is_file():
        msg = f"{path}: there is no such file"
        raise FileError(msg)
    if path.stat().st_size == 0:
        msg = f"{path}: the file is empty"
        raise FileError(msg)
    lower = path.name.lower()
    table = _reader(path, lower)(path, layer, encoding)
    if table.rows == 0 and not table.problems:
        msg = f"{path}: the file holds no rows"
        raise FileError(msg)
    return table


def _reader(path: Path, lower: str) -> Callable[[Path, str | None, str | None], Table]:
    for endings, reader in (
        (CSV, _read_csv),
        (PARQUET, _read_parquet),
        (GEOJSON, _read_geojson),
        (GEOJSON_LINES, _read_geojson_lines),
        (VECTOR, _read_vector),
    ):
        if lower.endswith(endings):
            return reader
    msg = f"{path.name}: files of this kind are not read; accepted endings: {ACCEPTED_FILES}"
    raise FileError(msg)


# -- GeoJSON, GeoPackage, Shapefile, FlatGeobuf -----------------------------------------------------------------------


def _read_vector(path: Path, layer: str | None, encoding: str | None) -> Table:
    chosen = _layer(path, layer)
    try:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            meta, _, wkb, values = pyogrio.raw.read(path, layer=chosen, encoding=encoding, datetime_as_string=True)
    except (DataSourceError, UnicodeDecodeError, ValueError) as problem:
        hint = " (a Shapefile without .cpg: try --encoding GBK)" if isinstance(problem, UnicodeDecodeError) else ""
        raise _unreadable(path, problem, hint) from problem
    columns = {str(name): _texts(column) for name, column in zip(meta["fields"], values, strict=True)}
    rows = len(wkb) if wkb is not None else max(map(len, columns.values()), default=0)
    table = Table(columns, rows, declared=meta["crs"], notes=sorted({str(one.message) for one in noted}))
    if wkb is not None:
        table.geometry = _geometries(wkb, table.problems)
    return table


def _layer(path: Path, layer: str | None) -> str | None:
    try:
        listed = pyogrio.list_layers(path)
    except DataSourceError as problem:
        raise _unreadable(path, problem) from problem
    names = [str(name) for name, _ in listed]
    if layer is not None:
        if layer not in names:
            msg = f"{path.name} has no layer {layer!r}; it has {', '.join(names)}"
            raise FileError(msg)
        return layer
    spatial = [str(name) for name, kind in listed if kind is not None]
    if len(spatial or names) > 1:
        msg = f"{path.name} has several layers: choose one with --layer, of {', '.join(spatial or names)}"
        raise FileError(msg)
    return next(iter(spatial or names), None)


def _read_geojson(path: Path, layer: str | None, encoding: str | None) -> Table:
    # GDAL answers WGS 84 for a GeoJSON that declares nothing, so the declaration is read from the JSON itself.
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as problem:
        raise _unreadable(path, problem, " (GeoJSON is JSON in UTF-8)") from problem
    if not isinstance(document, dict) or document.get("type") not in {"FeatureCollection", "Feature"}:
        msg = f"{path.name}: a GeoJSON FeatureCollection is needed"
        raise FileError(msg)
    if document["type"] == "FeatureCollection" and not document.get("features"):
        msg = f"{path}: the file holds no rows"
        raise FileError(msg)
    table = _read_vector(path, layer, encoding)
    member = document.get("crs")
    name = member.get("properties", {}).get("name") if isinstance(member, dict) else None
    table.declared = str(name) if name else None
    return table


def _read_geojson_lines(path: Path, layer: str | None, encoding: str | None) -> Table:
    table = _read_vector(path, layer, encoding)
    table.declared = None
    return table


def _geometries(wkb: NDArray[Any], problems: list[RowProblem]) -> NDArray[np.object_]:
    geometry = shapely.from_wkb(wkb, on_invalid="ignore")
    problems.extend(
        RowProblem(int(at) + 1, f"its geometry cannot be built: {_why(wkb[at])}")
        for at in np.flatnonzero(shapely.is_missing(geometry))
        if wkb[at] is not None
    )
    return np.asarray(geometry, dtype=object)


def _why(written: bytes | str) -> str:
    try:
        shapely.from_wkb(written) if isinstance(written, bytes) else shapely.from_wkt(written)
    except shapely.errors.GEOSException as problem:
        return str(problem).split(": ", 1)[-1].strip()
    return "unknown"


# -- Parquet ----------------------------------------------------------------------------------------------------------


def _read_parquet(path: Path, _layer: str | None, _encoding: str | None) -> Table:
    try:
        schema = pq.read_schema(path)
        geo = orjson.loads((schema.metadata or {}).get(b"geo", b"{}"))
        frame = geopandas.read_parquet(path, columns=[geo["primary_column"]]) if geo else None
        plain = pq.read_table(path, columns=[name for name in schema.names if name not in geo.get("columns", {})])
    except (OSError, ValueError, KeyError, pa.ArrowException) as problem:
        raise _unreadable(path, problem) from problem
    columns = {name: _texts(plain.column(name).to_pylist()) for name in plain.column_names}
    table = Table(columns, plain.num_rows if frame is None else len(frame))
    if frame is not None:
        table.geometry = np.asarray(frame.geometry.array, dtype=object)
        table.declared = frame.crs.to_wkt() if frame.crs is not None else None
    return table


# -- CSV --------------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, _layer: str | None, encoding: str | None) -> Table:
    encoding = encoding or "utf-8-sig"
    try:
        content = gzip.decompress(path.read_bytes()) if path.name.lower().endswith(".gz") else path.read_bytes()
        text = content.decode(encoding)
    except (OSError, EOFError) as problem:
        raise _unreadable(path, problem) from problem
    except (UnicodeDecodeError, LookupError) as problem:
        hint = " (files from Chinese offices are often --encoding GB18030)" if encoding == "utf-8-sig" else ""
        raise _unreadable(path, problem, hint) from problem
    csv.field_size_limit(sys.maxsize)  # a polygon of a few thousand vertices is longer than the 128 KiB of the default
    lines = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(lines, [])]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        msg = f"{path.name}: the header names {', '.join(repeated)} more than once"
        raise FileError(msg)
    rows: list[list[str]] = []
    problems: list[RowProblem] = []
    for line in lines:
        if not line:
            continue
        if len(line) != len(header):
            problems.append(RowProblem(len(rows) + 1, f"it has {len(line)} values, the header names {len(header)}"))
            line = (line + [""] * len(header))[: len(header)]
        rows.append(line)
    columns = {name: _texts([row[at] for row in rows]) for at, name in enumerate(header)}
    return Table(columns, len(rows), problems=problems)


# -- values -----------------------------------------------------------------------------------------------------------


def _texts(values: Any) -> list[str | None]:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:
    """A value as text: whole numbers without a point, lists joined by semicolons, nothing as None."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return ";".join(text for item in value if (text := _text(item)) is not None) or None
    if value is None or value != value:  # only nan differs from itself
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def _unreadable(path: Path, problem: Exception, hint: str = "") -> FileError:
    return FileError(f"{path.name} cannot be read: {str(problem).strip()}{hint}")
