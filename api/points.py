"""Points as requests write them: query parameters, JSON, CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import orjson
from fastapi import Request
from numpy.typing import NDArray

from gis.errors import ParameterError, TooLarge
from gis.geometry.datum import SourceCrs, parse_crs
from gis.settings import settings

PARAMETERS = ("lon", "lat", "datum")
WGS84 = parse_crs("wgs84")
Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def one_point(request: Request) -> tuple[float, float, SourceCrs]:
    """The point of a query string and what its coordinate means.

    Parsed by hand: FastAPI's own parsing takes longer than the answer.

    Raises
    ------
    ParameterError
        A parameter is missing, unknown, given twice, or no degrees.
    """
    values: dict[str, str] = {}
    for name, value in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True):
        if name not in PARAMETERS:
            msg = f"there is no such parameter; there are {', '.join(PARAMETERS)}"
            raise ParameterError(name, msg)
        if name in values:
            msg = "given twice"
            raise ParameterError(name, msg)
        values[name] = value
    lon, lat = _number(values, "lon", 180), _number(values, "lat", 90)
    datum = values.get("datum")
    return lon, lat, datum_of(datum)


def _number(values: dict[str, str], name: str, limit: float) -> float:
    text = values.get(name)
    if text is None:
        msg = f"is missing; degrees such as {'113.65' if name == 'lon' else '34.76'} are right"
        raise ParameterError(name, msg)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= limit:
        msg = f"{text!r} is no number between -{limit} and {limit}" + (
            "; perhaps lon and lat are swapped" if name == "lat" else ""
        )
        raise ParameterError(name, msg)
    return value


def datum_of(text: str | None) -> SourceCrs:
    """What coordinates of a request mean; WGS 84 where nothing is said.

    Raises
    ------
    CrsError
        There is no such datum.
    """
    if text is None:
        return WGS84
    crs = parse_crs(text)
    return WGS84 if crs.name in ("wgs84", "cgcs2000") else crs


async def read_body(request: Request, limit: int) -> bytes:
    """The body of a request.

    Raises
    ------
    TooLarge
        It is longer than `limit` bytes.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            msg = f"the body is larger than {limit} bytes, more than {settings().batch_limit} points need"
            raise TooLarge(msg)
        parts.append(part)
    return b"".join(parts)


def is_csv(request: Request) -> bool:
    """Whether the body is declared to be CSV."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/csv"


def check_query(request: Request) -> None:
    """Refuse a query string that many points cannot have: theirs are in the body, as is the datum of JSON.

    Raises
    ------
    ParameterError
        Naming the parameter.
    """
    for name in request.query_params:
        if name != "datum":
            msg = "there is no such parameter; there is datum, with CSV"
            raise ParameterError(name, msg)
        if not is_csv(request):
            msg = 'belongs in the body where that is JSON: {"datum": "gcj02", "points": [[lon, lat], ...]}'
            raise ParameterError(name, msg)


def points_of_json(body: bytes) -> tuple[Points, SourceCrs]:
    """Longitudes and latitudes of {"datum": ..., "points": [[lon, lat], ...]}.

    Raises
    ------
    ParameterError
        Not of that form; names the first wrong point.
    """
    form = 'write {"datum": "wgs84", "points": [[lon, lat], ...]}'
    try:
        order = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        msg = f"not JSON: {problem}; {form}"
        raise ParameterError("body", msg) from problem
    if not isinstance(order, dict) or not isinstance(order.get("points"), list) or set(order) - {"points", "datum"}:
        raise ParameterError("body", form)
    points = order["points"]
    # Which point is wrong is asked only where one is: looking at each takes longer than all the rest.
    if not (
        set(map(type, points)) <= {list} and set(map(len, points)) <= {2} and _are_numbers(chain.from_iterable(points))
    ):
        at, point = next(entry for entry in enumerate(points) if not _is_pair(entry[1]))
        msg = f"points[{at}] is {str(point)[:60]}; a pair of numbers [lon, lat] is right"
        raise ParameterError("points", msg)
    pairs = np.fromiter(chain.from_iterable(points), np.float64, 2 * len(points)).reshape(-1, 2)
    datum = order.get("datum", "wgs84")
    if not isinstance(datum, str):
        msg = "wgs84, cgcs2000, gcj02 or bd09"
        raise ParameterError("datum", msg)
    return _checked(pairs[:, 0].copy(), pairs[:, 1].copy()), datum_of(datum)


def _is_pair(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and _are_numbers(point)


def _are_numbers(values: Iterable[Any]) -> bool:
    return set(map(type, values)) <= {float, int}


def points_of_csv(request: Request, body: bytes) -> tuple[Points, SourceCrs]:
    """Longitudes and latitudes of a table with columns lon and lat; the datum is a query parameter.

    Raises
    ------
    ParameterError
        No such columns, or a line without two numbers.
    """
    try:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as problem:
        msg = f"not CSV in UTF-8: {problem}"
        raise ParameterError("body", msg) from problem
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "lon" not in header or "lat" not in header:
        msg = f"the first line must name the columns lon and lat; it has {', '.join(header)[:100] or 'nothing'}"
        raise ParameterError("body", msg)
    x, y = header.index("lon"), header.index("lat")
    points = np.empty((len(rows) - 1, 2))
    for at, row in enumerate(rows[1:]):
        try:
            points[at] = float(row[x]), float(row[y])
        except (ValueError, IndexError) as problem:
            msg = f"line {at + 2} is {','.join(row)[:60]!r}; two numbers in lon and lat are right"
            raise ParameterError("body", msg) from problem
    datum = request.query_params.get("datum", "wgs84")
    return _checked(points[:, 0].copy(), points[:, 1].copy()), datum_of(datum)


def _checked(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Points:
    wrong = np.flatnonzero(~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)))
    if len(wrong):
        at = int(wrong[0])
        msg = f"point {at + 1} is {lon[at]}, {lat[at]}: to 180 and to 90 degrees are right; perhaps swapped"
        raise ParameterError("points", msg)
    return lon, lat
