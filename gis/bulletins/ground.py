"""What the maps of a bulletin are drawn from: areas, roads and named places in metres of the city's metric CRS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection

from gis.bulletins.gathered import Bulletin
from gis.geometry.datum import metric_transformer
from gis.store.database import sql

ASPECT = 3 / 2
"""Width to height of a small map."""
LEAST_WIDTH_M = 420.0
"""A small map shows at least so much, so that a reader finds the next crossing."""
ROOM = 1.9
"""So many times as wide as the place itself."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class AreaShape:
    """A ranked area, or the outline of a district."""

    code: str
    shape: shapely.Geometry
    ranked: bool


@dataclass(frozen=True)
class Road:
    """A road, or a piece of one, on a small map."""

    name: str
    road_class: str
    line: shapely.Geometry


@dataclass(frozen=True)
class PlaceShape:
    """The surroundings of a worst segment or spot.

    Parameters
    ----------
    box
        West, south, east, north of the map.
    place
        The segment's line, or the ground of the spot.
    streets
        Edges of streets within the box.
    """

    box: Box
    place: shapely.Geometry
    roads: list[Road]
    streets: list[shapely.Geometry]


@dataclass(frozen=True)
class Shapes:
    """Everything that is drawn; small maps by (kind, rank)."""

    areas: list[AreaShape]
    places: dict[tuple[str, int], PlaceShape]


def read_shapes(conn: Connection, found: Bulletin) -> Shapes:
    """Read what a bulletin's maps are drawn from."""
    to_metric = metric_transformer(found.city.metric_crs)

    def metric(shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(shape, lambda at: np.column_stack(to_metric.transform(at[:, 0], at[:, 1])))

    ids = [row["area_id"] for row in found.rows]
    areas = [
        AreaShape(row.code, metric(shapely.from_wkb(bytes(row.geom))), row.ranked)
        for row in conn.execute(sql("bulletin_areas"), {"ids": ids})
    ]
    spots = {("spot", rank): metric(ground) for rank, ground in found.worst.grounds.items()}
    lines = {
        row.id: shapely.from_wkb(bytes(row.line))
        for row in conn.execute(sql("metric_lines"), {"ids": [one["segment_id"] for one in found.worst.segments]})
    }
    named: dict[tuple[str, int], shapely.Geometry] = {}
    for row in (*found.worst.segments, *found.worst.spots):
        key = row["kind"], row["rank"]
        known = lines.get(row["segment_id"]) or spots.get(key)
        named[key] = known or _around(row, to_metric, found.policy.spot_reach_m)
    return Shapes(areas, _surroundings(conn, named, [one.shape for one in areas if one.ranked]))


def _around(row: dict[str, Any], to_metric: Any, reach_m: float) -> shapely.Geometry:
    """A circle where the shape itself is not known: a place that an earlier listing holds already."""
    at = shapely.Point(*to_metric.transform(row["lon"], row["lat"]))
    return at.buffer(max(reach_m, (row["width_m"] or 0) / 2))


def box_around(place: shapely.Geometry) -> Box:
    """The box of a small map: the place in the middle, room around it, ASPECT kept."""
    west, south, east, north = place.bounds
    width = max(LEAST_WIDTH_M, (east - west) * ROOM, (north - south) * ROOM * ASPECT)
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - width / ASPECT / 2, x + width / 2, y + width / ASPECT / 2


def _surroundings(
    conn: Connection, named: dict[tuple[str, int], shapely.Geometry], streets: Sequence[shapely.Geometry]
) -> dict[tuple[str, int], PlaceShape]:
    keys = list(named)
    boxes = [box_around(named[key]) for key in keys]
    west, south, east, north = (list(side) for side in zip(*boxes, strict=True)) if boxes else ([], [], [], [])
    roads: list[list[Road]] = [[] for _ in keys]
    asked = {"west": west, "south": south, "east": east, "north": north}
    for row in conn.execute(sql("bulletin_roads"), asked):
        line = shapely.from_wkb(bytes(row.geom)) if row.geom is not None else None
        if line is not None and not line.is_empty:
            roads[row.at].append(Road(row.name or "", row.road_class, line))
    tree = shapely.STRtree(list(streets))
    answer = {}
    for at, key in enumerate(keys):
        frame = shapely.box(*boxes[at])
        near = [streets[number].boundary.intersection(frame) for number in tree.query(frame)]
        edges = [edge for edge in near if not edge.is_empty]
        answer[key] = PlaceShape(boxes[at], named[key].intersection(frame), roads[at], edges)
    return answer
