"""Which datum a coordinate is in, and the way from there to WGS 84 longitude and latitude.

Storage and API know one kind of coordinate: WGS 84 / CGCS2000 longitude, latitude in degrees. Everything else is
declared by whoever delivers it (rulebook 1: no silent guess) and converted here.

WGS 84 and CGCS2000 are treated as one: their ellipsoids differ by 0.1 mm in the semi-minor axis, and their frames by
the drift of the plates since 2000, less than a metre and far below what a report's position is worth. GCJ-02 (火星坐标,
Chinese phones and most Chinese maps) and BD-09 (百度坐标, Baidu) are not datums in the geodetic sense but published
distortions of WGS 84, by hundreds of metres. The formulas are everybody's, with the sines of multiple angles built from
one sine and one cosine each, and are inverted by fixed-point steps; the distortions are so smooth that a step divides
the error by 100 to 200.

Boundary rule: GCJ-02 differs from WGS 84 only inside the box 72.004 <= lon <= 137.8347, 0.8293 <= lat <= 55.8271
(edges included), and the box is asked about the WGS 84 position. The inverse solves as if there were no box and keeps
the solution if that lies inside, else it returns its input. So every point of the box goes there and back, and every
point more than 0.05 degrees outside does too. The exception is the rim of the box, which lies outside China
everywhere: a WGS 84 position outside the box may coincide with the GCJ-02 position of another one inside, and is then
read as the latter; and a GCJ-02 position near the rim that no WGS 84 position has is returned unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import CRSError, ProjError

from gis.errors import CrsError

Floats = NDArray[np.float64]
Kernel = Callable[[Floats, Floats], tuple[Floats, Floats]]

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
"""The box inside which GCJ-02 is distorted, degrees of WGS 84; its edges belong to it."""

KRASOVSKY_A = 6378245.0
KRASOVSKY_EE = 0.00669342162296594323
BD_LON, BD_LAT = 0.0065, 0.006
BD_WAVE = np.pi * 3000.0 / 180.0

CHUNK = 8192  # points; a dozen float64 temporaries of this length stay in the processor's cache
RIM = 0.05  # degrees; more than GCJ-02 moves any point of the box
STEPS = 4  # fixed-point steps; the worst point of the box is then within 1e-10 degrees, 0.01 mm

ACCEPTED = "wgs84, cgcs2000, gcj02, bd09, OGC:CRS84, or an EPSG code such as EPSG:4547"
_NAMES = {"wgs84": "wgs84", "cgcs2000": "cgcs2000", "gcj02": "gcj02", "bd09": "bd09", "ogc:crs84": "wgs84"}
_SAME_AS_WGS84 = ("World Geodetic System 1984", "China 2000")
_LOCAL_PARAMETERS = {"Beijing 1954", "Xian 1980", "New Beijing"}
_LOCAL_NAMES = {
    "beijing54": "Beijing 1954",
    "beijing1954": "Beijing 1954",
    "xian80": "Xian 1980",
    "xian1980": "Xian 1980",
}
_URN = re.compile(r"urn:(?:x-)?ogc:def:crs:(\w+):[\w.]*:(\w+)", re.IGNORECASE)
_URI = re.compile(r"https?://www\.opengis\.net/def/crs/(\w+)/[\w.]+/(\w+)/?", re.IGNORECASE)
_EPSG = re.compile(r"(?:epsg:)?0*([1-9]\d{0,8})", re.IGNORECASE)


@dataclass(frozen=True)
class SourceCrs:
    """What the coordinates of a file mean; made by `parse_crs`.

    Attributes
    ----------
    name : str
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``EPSG:<code>``.
    title : str
        For people, such as ``CGCS2000 / 3-degree Gauss-Kruger CM 114E``.
    """

    name: str
    title: str


_TITLES = {"wgs84": "WGS 84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}


def parse_crs(text: str) -> SourceCrs:
    """Read a declared coordinate reference system.

    Parameters
    ----------
    text : str
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` (any case; spaces, hyphens and underscores do not count),
        ``EPSG:4547``, ``4547``, ``OGC:CRS84``, or the OGC urn or URI of one of these three.

    Raises
    ------
    CrsError
        Unknown; neither geographic 2D/3D nor projected; projected with axes other than east and north; on Beijing 1954
        or Xian 1980, whose shift is secret and local (rulebook 1); or without a published way to WGS 84 that works
        without grid files.
    """
    written = text.strip()
    match = _URN.fullmatch(written) or _URI.fullmatch(written)
    plain = f"{match[1]}:{match[2]}" if match else written
    name = _NAMES.get(re.sub(r"[\s_-]+", "", plain.lower()))
    if name:
        return SourceCrs(name, _TITLES[name])
    if datum := _LOCAL_NAMES.get(re.sub(r"[\s_-]+", "", plain.lower())):
        raise CrsError(_needs_local_parameters(text, datum))
    code = _EPSG.fullmatch(plain)
    if not code:
        raise CrsError(f"coordinate reference system {text!r} is not known; accepted: {ACCEPTED}")
    crs = _epsg(int(code[1]))
    _to_lonlat(f"EPSG:{code[1]}")
    return SourceCrs(f"EPSG:{code[1]}", crs.name)


def _needs_local_parameters(what: str, datum: str) -> str:
    return (
        f"{what} is on the datum {datum}, whose shift to CGCS2000 differs from place to place and is not public; "
        "convert with the local parameters of the surveying authority and deliver CGCS2000, such as EPSG:4547"
    )


def to_wgs84(x: ArrayLike, y: ArrayLike, crs: SourceCrs) -> tuple[Floats, Floats]:
    """Longitude and latitude in WGS 84 of coordinates in a declared system.

    Parameters
    ----------
    x, y : array_like
        Longitude and latitude in the unit of the CRS, or easting and northing. Always in this order: files deliver
        x first, whatever axis order the authority has on paper (EPSG:4326 and EPSG:4547 say north first).
    crs : SourceCrs
        From `parse_crs`.

    Returns
    -------
    tuple of ndarray
        New float64 arrays, degrees, both nan where either coordinate is not finite or cannot be converted.
    """
    if crs.name in _KERNELS:
        return _in_chunks(_KERNELS[crs.name], x, y)
    transformer = _to_lonlat(crs.name)
    if transformer is None:
        return _in_chunks(_copy, x, y)
    return _in_chunks(transformer.transform, x, y, chunk=1 << 20)


def geometry_to_wgs84(geoms: NDArray[np.object_], crs: SourceCrs) -> NDArray[np.object_]:
    """Move shapely geometries (array of any shape, None allowed) to WGS 84 longitude, latitude; z and m are dropped.

    Vertices are moved, edges stay straight between them. Axis order and errors as in `to_wgs84`.
    """

    def move(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return to_wgs84(x, y, crs)

    moved: NDArray[np.object_] = shapely.transform(geoms, move, include_z=False, interleaved=False)
    return moved


@lru_cache(maxsize=64)
def metric_transformer(metric_crs: str) -> pyproj.Transformer:
    """Transformer from WGS 84 longitude, latitude (degrees, in this order) to easting, northing in metres; cached.

    Parameters
    ----------
    metric_crs : str
        An EPSG code, written in any way `parse_crs` accepts.

    Raises
    ------
    CrsError
        Not projected, not in metres (US feet!), a Mercator projection other than the transverse and oblique ones (areas
        66 % too large at 39 N: area is never web Mercator, rulebook 1), or refused by `parse_crs`.
    """
    name = parse_crs(metric_crs).name
    right = "give a projected CRS in metres made for the place, such as EPSG:4547 or a UTM zone"
    if not name.startswith("EPSG:"):
        raise CrsError(f"metric CRS {metric_crs!r} has no metres: {right}")
    crs = _epsg(int(name[5:]))
    if not crs.is_projected:
        raise CrsError(f"metric CRS {name} ({crs.name}) is not projected, so it has no metres: {right}")
    if any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info):
        raise CrsError(f"metric CRS {name} ({crs.name}) is in {crs.axis_info[0].unit_name}, not in metres: {right}")
    method = crs.coordinate_operation.method_name if crs.coordinate_operation else ""
    if method.startswith(("Mercator", "Popular Visualisation")):
        raise CrsError(f"metric CRS {name} ({crs.name}) stretches areas; area is never web Mercator: {right}")
    return _transformer(_wgs84_like(crs), crs)


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """GCJ-02 of WGS 84; degrees, nan where not finite, unchanged outside the box of the boundary rule (see module)."""
    return _in_chunks(_gcj_forward, lon, lat)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """WGS 84 of GCJ-02; degrees, to below 1e-9, nan where not finite, boundary rule see module."""
    return _in_chunks(_gcj_inverse, lon, lat)


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """BD-09 of GCJ-02; degrees, nan where not finite; everywhere on Earth, as Baidu's formula has no box."""
    return _in_chunks(_bd_forward, lon, lat)


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """GCJ-02 of BD-09; degrees, to below 1e-9, nan where not finite.

    The closed form in circulation is up to two decimetres off; this is the true inverse. Exception: within 0.01
    degrees of longitude 0, latitude 0, where the formula is singular, the result is only near.
    """
    return _in_chunks(_bd_inverse, lon, lat)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """BD-09 of WGS 84, by way of GCJ-02."""
    return _in_chunks(lambda x, y: _bd_forward(*_gcj_forward(x, y)), lon, lat)


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """WGS 84 of BD-09, by way of GCJ-02."""
    return _in_chunks(_bd_to_wgs, lon, lat)


def _in_chunks(kernel: Kernel, x: ArrayLike, y: ArrayLike, chunk: int = CHUNK) -> tuple[Floats, Floats]:
    """Broadcast, run the kernel on one-dimensional pieces, and put nan where something is not finite."""
    xs, ys = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    shape, xs, ys = xs.shape, xs.ravel(), ys.ravel()
    out_x, out_y = np.empty_like(xs), np.empty_like(ys)
    with np.errstate(all="ignore"):
        for start in range(0, xs.size, chunk):
            piece = slice(start, start + chunk)
            a, b = xs[piece], ys[piece]
            finite = np.isfinite(a) & np.isfinite(b)
            if not finite.all():
                a, b = np.where(finite, a, np.nan), np.where(finite, b, np.nan)
            a, b = kernel(a, b)
            finite = np.isfinite(a) & np.isfinite(b)
            out_x[piece], out_y[piece] = np.where(finite, a, np.nan), np.where(finite, b, np.nan)
    return out_x.reshape(shape), out_y.reshape(shape)


Waves = tuple[Floats, Floats, Floats, Floats]
_SIN35, _COS35 = float(np.sin(np.radians(35.0))), float(np.cos(np.radians(35.0)))


def _waves(lon: Floats, lat: Floats) -> Waves:
    """Sine and cosine of pi (lon - 105) / 60 and of pi (lat - 35) / 180: all that GCJ-02 needs, the rest is algebra."""
    w, v = (lon - 105.0) * (np.pi / 60.0), (lat - 35.0) * (np.pi / 180.0)
    return np.sin(w), np.cos(w), np.sin(v), np.cos(v)


def _turned(s: Floats, c: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """Sine and cosine after a further angle below 0.001 rad, to 1e-14; a sixth of the time of new ones."""
    square = angle * angle
    sine, cosine = angle * (1.0 - square * (1.0 / 6.0)), 1.0 - 0.5 * square
    return s * cosine + c * sine, c * cosine - s * sine


def _gcj_offset(lon: Floats, lat: Floats, waves: Waves) -> tuple[Floats, Floats]:
    """GCJ-02 minus WGS 84 in degrees at WGS 84 positions, without any box; `waves` belong to the same positions."""
    x, y = lon - 105.0, lat - 35.0
    sin_w, cos_w, sin_v, cos_v = waves
    # Multiples 2, 5, 20, 60, 120 and 360 of w = pi x / 60, and of pi y / 60, which is three times v.
    x2, x5, x20, x60, cos_x60 = _multiples(sin_w, cos_w)
    y2, y5, y20, y60, _ = _multiples(sin_v * (3.0 - 4.0 * sin_v * sin_v), cos_v * (4.0 * cos_v * cos_v - 3.0))
    x120 = 2.0 * x60 * cos_x60
    ripple = x120 * (80.0 - 80.0 * x120 * x120)  # 20 sin 6 pi x + 20 sin 2 pi x
    root, xy = np.sqrt(np.abs(x)), 0.1 * x * y
    east = ripple + 20.0 * x60 + 40.0 * x20 + 150.0 * x5 + 300.0 * x2
    east *= 2.0 / 3.0
    east += 300.0 + x * (1.0 + 0.1 * x) + 2.0 * y + xy + 0.1 * root
    north = ripple + 20.0 * y60 + 40.0 * y20 + 160.0 * y5 + 320.0 * y2
    north *= 2.0 / 3.0
    north += 2.0 * x - 100.0 + y * (3.0 + 0.2 * y) + xy + 0.2 * root
    # Metres to degrees on the Krasovsky ellipsoid; the latitude is v + 35 degrees.
    sin_lat, cos_lat = sin_v * _COS35 + cos_v * _SIN35, cos_v * _COS35 - sin_v * _SIN35
    q = 1.0 - KRASOVSKY_EE * sin_lat * sin_lat
    root_q = np.sqrt(q)
    east *= np.degrees(1.0 / KRASOVSKY_A) * root_q / cos_lat
    north *= np.degrees(1.0 / (KRASOVSKY_A * (1.0 - KRASOVSKY_EE))) * q * root_q
    return east, north


def _multiples(s: Floats, c: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Sines of 2, 5, 20 and 60 times an angle, and the cosine of 60 times it, from its sine and cosine."""
    s2, c2 = 2.0 * s * c, 1.0 - 2.0 * s * s
    s4, c4 = 2.0 * s2 * c2, 1.0 - 2.0 * s2 * s2
    s5, c5 = s4 * c + c4 * s, c4 * c - s4 * s
    s10, c10 = 2.0 * s5 * c5, 1.0 - 2.0 * s5 * s5
    s20, c20 = 2.0 * s10 * c10, 1.0 - 2.0 * s10 * s10
    return s2, s5, s20, s20 * (3.0 - 4.0 * s20 * s20), c20 * (4.0 * c20 * c20 - 3.0)


def _gcj_forward(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    # Clipping keeps the formula away from where it has no meaning; those points are put back after it.
    at_lon, at_lat = np.clip(lon, WEST, EAST), np.clip(lat, SOUTH, NORTH)
    east, north = _gcj_offset(at_lon, at_lat, _waves(at_lon, at_lat))
    inside = (at_lon == lon) & (at_lat == lat)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def _gcj_inverse(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    to_lon = np.clip(lon, WEST - RIM, EAST + RIM)
    to_lat = np.clip(lat, SOUTH - RIM, NORTH + RIM)
    sin_w, cos_w, sin_v, cos_v = waves = _waves(to_lon, to_lat)
    east, north = _gcj_offset(to_lon, to_lat, waves)
    for _ in range(STEPS - 1):
        by_lon = _turned(sin_w, cos_w, east * (-np.pi / 60.0))
        by_lat = _turned(sin_v, cos_v, north * (-np.pi / 180.0))
        east, north = _gcj_offset(to_lon - east, to_lat - north, (*by_lon, *by_lat))
    at_lon, at_lat = to_lon - east, to_lat - north
    # A point on the edge of the box may come back a rounding error outside; it is put on the edge again.
    in_lon, in_lat = np.clip(at_lon, WEST, EAST), np.clip(at_lat, SOUTH, NORTH)
    inside = (np.abs(at_lon - in_lon) < 1e-9) & (np.abs(at_lat - in_lat) < 1e-9)
    return np.where(inside, in_lon, lon), np.where(inside, in_lat, lat)


def _bd_forward(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    # Baidu turns (lon, lat) about (0, 0) by 3e-6 cos(...) radians and lengthens it by 2e-5 sin(...) degrees. The angle
    # is so small that its sine is itself and its cosine 1 - angle^2 / 2 to the last bit: no arctangent is needed.
    grow = 1.0 + 2e-5 * np.sin(lat * BD_WAVE) / _length(lon, lat)
    turn = 3e-6 * np.cos(lon * BD_WAVE)
    cosine = 1.0 - 0.5 * turn * turn
    return grow * (lon * cosine - lat * turn) + BD_LON, grow * (lat * cosine + lon * turn) + BD_LAT


def _bd_inverse(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    to_lon, to_lat = lon - BD_LON, lat - BD_LAT
    length = _length(to_lon, to_lat)
    at_lon, at_lat = to_lon, to_lat
    for _ in range(STEPS):
        shrink = 1.0 - 2e-5 * np.sin(at_lat * BD_WAVE) / length
        turn = 3e-6 * np.cos(at_lon * BD_WAVE)
        cosine = 1.0 - 0.5 * turn * turn
        at_lon, at_lat = shrink * (to_lon * cosine + to_lat * turn), shrink * (to_lat * cosine - to_lon * turn)
    return at_lon, at_lat


def _length(lon: Floats, lat: Floats) -> Floats:
    """Distance from (0, 0) in degrees, never zero, so that the singular point gives a number."""
    return np.maximum(np.sqrt(lon * lon + lat * lat), 1e-3)


def _bd_to_wgs(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    return _gcj_inverse(*_bd_inverse(lon, lat))


def _copy(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    return lon, lat


_KERNELS: dict[str, Kernel] = {"wgs84": _copy, "cgcs2000": _copy, "gcj02": _gcj_inverse, "bd09": _bd_to_wgs}


@lru_cache(maxsize=64)
def _epsg(code: int) -> pyproj.CRS:
    """Look up the CRS of an EPSG code, if its coordinates can be used at all."""
    try:
        crs = pyproj.CRS.from_epsg(code)
    except CRSError:
        raise CrsError(f"EPSG:{code} is not known to PROJ; accepted: {ACCEPTED}") from None
    what = f"EPSG:{code} ({crs.name})"
    if crs.is_compound or not (crs.is_geographic or crs.is_projected):
        raise CrsError(f"{what} is a {crs.type_name}, not a position on a map; give its horizontal part: {ACCEPTED}")
    datum = crs.geodetic_crs.datum.name if crs.geodetic_crs and crs.geodetic_crs.datum else ""
    if datum in _LOCAL_PARAMETERS:
        raise CrsError(_needs_local_parameters(what, datum))
    if crs.is_projected and {axis.direction for axis in crs.axis_info} != {"east", "north"}:
        ways = " and ".join(axis.direction for axis in crs.axis_info)
        raise CrsError(f"{what} counts {ways}; give a CRS that counts east and north, such as EPSG:4547 or a UTM zone")
    return crs


def _wgs84_like(crs: pyproj.CRS) -> pyproj.CRS:
    """Geographic CRS that counts as WGS 84 for this CRS: its own if that is WGS 84 or CGCS2000, else EPSG:4326."""
    own: Any = crs.geodetic_crs
    return own.to_2d() if own.datum and own.datum.name.startswith(_SAME_AS_WGS84) else pyproj.CRS.from_epsg(4326)


@lru_cache(maxsize=64)
def _to_lonlat(name: str) -> pyproj.Transformer | None:
    """Transformer from an accepted EPSG CRS to WGS 84, or None where there is nothing to do."""
    crs = _epsg(int(name.removeprefix("EPSG:")))
    target = _wgs84_like(crs)
    return None if crs.to_2d() == target else _transformer(crs.to_2d(), target)


def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    """Transformer with x first; a ballpark datum shift is no answer, as it may be off by a cell."""
    try:
        return pyproj.Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)
    except ProjError:
        raise CrsError(
            f"no published way between {source.name} and {target.name}; deliver CGCS2000 or WGS 84"
        ) from None
