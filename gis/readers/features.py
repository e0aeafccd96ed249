"""`read_features`: one file in, its fields by name and its geometry in WGS 84 out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import FileError, RowProblem, RowsRefused
from gis.readers.columns import find_columns
from gis.readers.declared import choose_crs
from gis.readers.shapes import clean_shapes
from gis.readers.tables import Table, read_table


@dataclass(frozen=True)
class Layout:
    """What a file of one kind holds.

    Parameters
    ----------
    what
        Its kind, for messages: areas, cells, ...
    required, optional
        Its fields.
    kind
        Of its geometry: polygon, line, point, or several of them as `gis.readers.shapes.KINDS` names them; None where
        rows have none.
    needs_geometry
        False: rows may do without (then `Features.geometry` is None where the file has none at all).
    """

    what: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    kind: str | None = None
    needs_geometry: bool = True


@dataclass
class Features:
    """A file's rows.

    Parameters
    ----------
    path
        The file.
    columns
        Field -> n texts or None; a field that the file lacks is absent.
    geometry
        n geometries in WGS 84, longitude and latitude: MultiPolygon, MultiLineString or Point; None where refused.
    crs
        Which system they came in; empty where there was no geometry.
    repairs
        What was mended.
    notes
        What the library that reads such files warned of.
    problems
        Why rows are refused; loaders add theirs and then call `refuse`.
    """

    path: Path
    what: str
    rows: int
    columns: dict[str, list[str | None]]
    geometry: NDArray[np.object_] | None
    crs: str
    repairs: list[RowProblem] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> list[str | None]:
        """The texts of a field; all None where the file lacks it."""
        return self.columns.get(name) or [None] * self.rows

    def reject(self, at: int, reason: str) -> None:
        """Note why the row at position `at` (from 0) cannot go in."""
        code = self.column("code")[at] or self.column("ref")[at] or self.column("name")[at]
        self.problems.append(RowProblem(at + 1, reason, code))

    def refuse(self) -> None:
        """Refuse the file where any row was rejected.

        Raises
        ------
        RowsRefused
            Naming all of them, in the order of the rows.
        """
        if self.problems:
            raise RowsRefused(f"{self.what} from {self.path.name}", sorted(self.problems, key=lambda one: one.row))


def read_features(
    path: Path,
    crs: str | None,
    mapping: Mapping[str, str],
    layout: Layout,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> Features:
    """Read a GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet or CSV file.

    A CSV has its geometry in a column `wkt` or, for points, in `lon` and `lat`.

    Parameters
    ----------
    crs
        What the coordinates are in, where the file does not declare it (see `gis.readers.declared`).
    mapping
        Field -> column, for columns with names of their own.
    layer, encoding
        See `gis.readers.tables.read_table`.

    Raises
    ------
    FileError
        The file cannot be read, or a required column is missing.
    CrsError
        Coordinates in a system that is not declared, or not accepted.
    ParameterError
        `mapping` names a field that such a file has not.
    """
    table = read_table(path, layer=layer, encoding=encoding)
    in_columns = ("lon", "lat", "wkt") if layout.kind else ()
    if table.geometry is not None:
        in_columns = ()
    found = find_columns(path, table.columns, mapping, layout.required, (*layout.optional, *in_columns))
    columns = {name: table.columns[column] for name, column in found.items() if name not in in_columns}
    features = Features(path, layout.what, table.rows, columns, None, "", problems=table.problems, notes=table.notes)
    if layout.kind is None:
        return features
    if table.geometry is None:
        table.geometry = _geometry_of_columns(table, found, layout, features)
    if table.geometry is None:
        if layout.needs_geometry:
            msg = f"{path.name} has no geometry; a CSV has it as WKT in a column `wkt` (or --map wkt=COLUMN)"
            raise FileError(msg)
        return features
    source = choose_crs(path, crs, table.declared)
    labels = [code or name for code, name in zip(features.column("code"), features.column("name"), strict=True)]
    unbuilt = {problem.row - 1 for problem in table.problems}
    shapes = clean_shapes(table.geometry, layout.kind, source, labels)
    features.geometry, features.crs, features.repairs = shapes.geometry, source.name, shapes.repairs
    for problem in shapes.problems:
        absent = table.geometry[problem.row - 1] is None
        if problem.row - 1 not in unbuilt and not (absent and not layout.needs_geometry):
            features.problems.append(problem)
    return features


def _geometry_of_columns(
    table: Table, found: dict[str, str], layout: Layout, features: Features
) -> NDArray[np.object_] | None:
    if "wkt" in found:
        return _from_wkt(table.columns[found["wkt"]], features)
    if layout.kind is not None and layout.kind.startswith("point") and {"lon", "lat"} <= set(found):
        return _from_lonlat(table.columns[found["lon"]], table.columns[found["lat"]], features)
    return None


def _from_wkt(texts: list[str | None], features: Features) -> NDArray[np.object_]:
    geometry = np.asarray(shapely.from_wkt(np.array(texts, dtype=object), on_invalid="ignore"), dtype=object)
    for at, text in enumerate(texts):
        if text is not None and geometry[at] is None:
            features.reject(at, f"its geometry is not WKT: {text[:60]!r}")
    return geometry


def _from_lonlat(lon: list[str | None], lat: list[str | None], features: Features) -> NDArray[np.object_]:
    geometry = np.full(len(lon), None, dtype=object)
    for at, (x, y) in enumerate(zip(lon, lat, strict=True)):
        if x is None and y is None:
            continue
        try:
            geometry[at] = shapely.Point(float(x or ""), float(y or ""))
        except ValueError:
            features.reject(at, f"lon {x!r} and lat {y!r} are not two numbers")
    return geometry
