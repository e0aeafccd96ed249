"""Coordinate reference systems that features can be asked for in (OGC 18-058r1, Part 2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyproj
import shapely

from gis.errors import ParameterError

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0/"
STORED_SRID = 4326
EDGE_POINTS = 32
"""A straight edge of a box becomes a curve in another CRS; so many points follow it."""
FARTHEST_M = 1e8
"""No projected CRS reaches so far; PROJ answers beyond, but with places somewhere else."""


@dataclass(frozen=True)
class FeatureCrs:
    """One CRS of an answer, a box or a filter.

    Parameters
    ----------
    uri
        Its name in requests and answers.
    srid
        EPSG code by which PostGIS knows it; CRS84 is 4326 in the other axis order.
    northing_first
        Whether the first coordinate is the latitude or northing, as its definition says.
    geographic
        Whether it is in degrees.
    """

    uri: str
    srid: int
    northing_first: bool
    geographic: bool

    @property
    def decimals(self) -> int:
        """Digits that are written: about 1 cm."""
        return 7 if self.geographic else 2


CRS84 = FeatureCrs(CRS84_URI, STORED_SRID, northing_first=False, geographic=True)


@cache
def epsg(code: int) -> FeatureCrs:
    """A CRS of the EPSG register, with the axis order of its definition."""
    crs = pyproj.CRS.from_epsg(code)
    return FeatureCrs(f"{EPSG_URI}{code}", code, crs.axis_info[0].direction == "north", crs.is_geographic)


@cache
def offered(metric_crs: str) -> tuple[FeatureCrs, ...]:
    """What every collection of a city with this metric CRS is offered in, the default first.

    CRS84 and EPSG:4326 (WGS 84 in both axis orders), 3857 (web maps), 4490 (CGCS2000) and the city's own.
    """
    code = pyproj.CRS.from_user_input(metric_crs).to_epsg()
    own = [] if code in (None, 4326, 3857, 4490) else [epsg(int(code))]
    return (CRS84, epsg(4326), epsg(3857), epsg(4490), *own)


def named(text: str, choices: tuple[FeatureCrs, ...], parameter: str) -> FeatureCrs:
    """The CRS of a request.

    Raises
    ------
    ParameterError
        It is none of those offered (Part 2, requirements 8, 9 and 14).
    """
    # A CURIE in square brackets or not, and https, are common spellings.
    wanted = text.strip().strip("<>[]").replace("https://", "http://")
    for one in choices:
        if wanted in (one.uri, f"EPSG:{one.srid}" if one.uri != CRS84_URI else "OGC:CRS84"):
            return one
    msg = f"{text[:120]!r} is not offered; there are {', '.join(one.uri for one in choices)}"
    raise ParameterError(parameter, msg)


@cache
def _to_stored(srid: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(srid, STORED_SRID, always_xy=True)


def box_shape(numbers: tuple[float, ...], crs: FeatureCrs) -> shapely.Geometry:
    """A box as it is stored: polygon or multipolygon, longitude and latitude in WGS 84 degrees.

    Parameters
    ----------
    numbers
        Lower corner, upper corner, in the axis order of `crs`; four numbers, or six, of which the heights are ignored.

    Raises
    ------
    ParameterError
        Not such a box, or nothing of it lies where the CRS is defined.
    """
    if len(numbers) == 6:
        numbers = (*numbers[:2], *numbers[3:5])
    west, south, east, north = numbers
    if crs.northing_first:
        west, south, east, north = south, west, north, east
    geographic = crs.geographic
    if south > north:
        msg = f"its lower corner ({south:g}) lies above its upper one ({north:g})"
        raise ParameterError("bbox", msg)
    if geographic and not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        order = "latitude, longitude" if crs.northing_first else "longitude, latitude"
        msg = f"{crs.uri} is in degrees, {order}: longitudes from -180 to 180, latitudes from -90 to 90"
        raise ParameterError("bbox", msg)
    if west > east and not geographic:
        msg = f"its left edge ({west:g}) lies to the right of its right one ({east:g})"
        raise ParameterError("bbox", msg)
    if geographic:
        if west <= east:
            return _sound(shapely.box(west, south, east, north))
        # Requirement 24 of Part 1: such a box spans the antimeridian.
        return shapely.union_all(
            [_sound(shapely.box(west, south, 180, north)), _sound(shapely.box(-180, south, east, north))]
        )
    return _curved(west, south, east, north, crs)


def _curved(west: float, south: float, east: float, north: float, crs: FeatureCrs) -> shapely.Geometry:
    along = np.linspace(0, 1, EDGE_POINTS, endpoint=False)
    there, back, low, high = along, 1 - along, np.zeros(EDGE_POINTS), np.ones(EDGE_POINTS)
    x = np.concatenate([there, high, back, low])
    y = np.concatenate([low, there, high, back])
    lon, lat = _to_stored(crs.srid).transform(west + x * (east - west), south + y * (north - south))
    within = max(map(abs, (west, south, east, north))) < FARTHEST_M
    if not (within and np.isfinite(lon).all() and np.isfinite(lat).all()):
        msg = f"it leaves the area where {crs.uri} is defined"
        raise ParameterError("bbox", msg)
    return _sound(shapely.Polygon(np.stack([lon, lat], axis=-1)))


def _sound(shape: shapely.Geometry) -> shapely.Geometry:
    """A box without width or height is a line or a point."""
    return shape if shape.is_valid else shapely.make_valid(shape)
