"""Tiles of reports, which are too many to be kept in memory: ten millions, and no index on their positions.

From DETAIL_ZOOM on the reports of the window within the tile are read (a range of days by BRIN, the box row by row).
Below, squares sum up the roll-up: reports of a cell count at the point on that cell, so in one square and one tile, and
reports outside all cells at their own position. So over the tiles of a zoom the sums are all reports of the window that
have a position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.collections.catalogue import COLLECTIONS
from gis.collections.declared import Property
from gis.counts import CountKey
from gis.density import DensityQuery, category_ids, cell_counts, source_ids
from gis.ground import Ground
from gis.store.copying import copy_out_array
from gis.store.database import sql
from gis.tiles.mvt import layer
from gis.tiles.pictures import LIMIT, squares_tile
from gis.tiles.pyramid import Bounds, buffered, tile_bounds, to_lonlat, to_mercator
from gis.tiles.sources import Source, positions_in, read_table, tile_properties
from gis.tiles.squares import Places, Sums

REPORTS = "reports"
DETAIL_ZOOM = 15
"""Zoom from which reports are shown themselves; a tile is about 1.2 km wide."""
MOST = 5000
"""Reports in a tile at most; more, and it shows squares."""
LEFT_OUT = ("category_name_en", "description")
"""Properties that would make tiles large and that no map draws by; the collection's items have them."""
SLACK = 1e-9
"""Degrees by which the box that is asked for is larger than the tile's, against rounding."""
ANYWHERE = dict.fromkeys(("west", "south", "east", "north"))


def report_properties() -> list[Property]:
    """What reports carry in tiles."""
    return [one for one in tile_properties(COLLECTIONS[REPORTS]) if one.name not in LEFT_OUT]


@dataclass(frozen=True)
class ReportSums:
    """Reports of a window, summed up along the curve.

    Parameters
    ----------
    width
        Typical width of a cell, metres of EPSG:3857.
    bounds
        Of the points that reports count at, EPSG:3857, shape (n, 4).
    """

    sums: Sums
    width: float
    bounds: NDArray[np.float64]

    @classmethod
    def read(cls, conn: Connection, ground: Ground, cells: Source, query: DensityQuery) -> ReportSums:
        """Add up the roll-up of a window, and the positions outside all cells.

        Raises
        ------
        ParameterError
            The dictionary has no such category, or there is no such source.
        """
        at = positions_in(cells.table.keys, ground.cell_codes)
        counts = cell_counts(conn, ground, query)
        some = (counts > 0) & (at >= 0)
        outside = _positions(conn, query, {**ANYWHERE, "outside": True})
        points = np.concatenate([cells.table.shapes.points[at[some]], outside])
        reports = np.concatenate([counts[some], np.ones(len(outside), np.int64)])
        return cls(Sums(Places(points), {}, features=reports), cells.width, np.hstack([points, points]))


def report_tile(conn: Connection, query: DensityQuery, z: int, x: int, y: int) -> bytes:
    """A tile from DETAIL_ZOOM on: the reports themselves, or squares of their positions where they are too many."""
    bounds = tile_bounds(z, x, y)
    binds = {**_binds(conn, query), **_box(buffered(bounds))}
    question = sql("tile_reports").text
    table = read_table(conn, question, {**binds, "row_limit": MOST + 1}, COLLECTIONS[REPORTS], report_properties())
    if len(table.keys) <= MOST:
        drawing, rows = table.shapes.drawn(bounds)
        tile = layer(REPORTS, drawing, [column.take(rows) for column in table.columns.values()], table.texts)
        if len(tile) <= LIMIT:
            return tile
    points = _positions(conn, query, {**_box(bounds), "outside": False})
    return squares_tile(REPORTS, Sums(Places(points), {}), z, x, y)


def _positions(conn: Connection, query: DensityQuery, where: dict[str, Any]) -> NDArray[np.float64]:
    binds = {**_binds(conn, query), **where}
    found = copy_out_array(conn, sql("tile_report_positions"), binds, {"lon": "float8", "lat": "float8"})
    return to_mercator(np.stack([found["lon"], found["lat"]], axis=1))


def _binds(conn: Connection, query: DensityQuery) -> dict[str, Any]:
    key = CountKey(query.from_day, query.to_day, category_ids(conn, query.categories), source_ids(conn, query.sources))
    binds = {**key.parameters("cell"), "without_shared": query.without_shared}
    del binds["target"]
    return binds


def _box(bounds: Bounds) -> dict[str, float]:
    (west, south), (east, north) = to_lonlat(*bounds[:2]), to_lonlat(*bounds[2:])
    return {"west": west - SLACK, "south": south - SLACK, "east": east + SLACK, "north": north + SLACK}
