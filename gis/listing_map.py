"""What the page of listed places draws below them: the city's streets and main roads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.store.database import sql


@dataclass(frozen=True)
class Background:
    """Shapes in WGS 84: outlines of street offices with their names, and main roads."""

    streets: NDArray[np.object_]
    names: list[str]
    roads: NDArray[np.object_]


def read_background(conn: Connection) -> Background:
    """Read the background of the page."""
    rows = conn.execute(sql("listing_background")).all()
    streets = [row for row in rows if row.kind == "street"]
    roads = [row for row in rows if row.kind == "road"]
    shapes = [
        np.asarray(shapely.from_wkb(np.array([bytes(row.geom) for row in part], object))) for part in (streets, roads)
    ]
    return Background(shapes[0], [row.name for row in streets], shapes[1])
