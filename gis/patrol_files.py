"""Files of patrols 巡查: tables of passes over segments or of fixes, GPX, GeoJSON; which of them a file is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, ClassVar

import gpxpy
import gpxpy.gpx
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from numpy.typing import NDArray

from gis.errors import FileError
from gis.patrol_fixes import Fixes, FixRows
from gis.report_files import GEOMETRY, Chunk, ReportFile

GPX = ".gpx"
GEOJSON = (".geojson", ".json")
CRS84 = "OGC:CRS84"
TIME_LISTS = ("coordTimes", "times")


@dataclass(frozen=True)
class PatrolFile(ReportFile):
    """A file of patrol passes.

    A table with a column `segment` holds passes, each over a whole segment; one with coordinates holds fixes of tracks,
    as do GPX and GeoJSON files.
    """

    what: ClassVar[str] = "patrols"
    aliases: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "segment": ("segment", "segment_code", "road_code", "路段", "路段编码", "路段代码"),
        "lon": ("lon", "lng", "longitude", "x", "经度"),
        "lat": ("lat", "latitude", "y", "纬度"),
        "time": ("time", "passed_at", "surveyed_at", "datetime", "timestamp", "时间", "巡查时间"),
        "surveyor": ("surveyor", "surveyor_ref", "巡查员", "巡查员编号", "人员编号"),
        "track": ("track", "track_id", "trip", "轨迹", "轨迹编号"),
    }

    @property
    def is_gpx(self) -> bool:
        """Whether this is a GPX file."""
        return self._suffix == GPX

    @property
    def is_geojson(self) -> bool:
        """Whether this is a GeoJSON file, whose lines carry times in ways of their own."""
        return self._suffix in GEOJSON

    def declared_crs(self) -> str | None:
        """The CRS that the file itself declares; GPX is WGS 84 by its standard."""
        self._check()
        if self.is_gpx:
            return CRS84
        if self.is_geojson:
            member = self._document().get("crs")
            name = member.get("properties", {}).get("name") if isinstance(member, dict) else None
            return str(name) if name else None
        return super().declared_crs()

    def names_segments(self) -> bool:
        """Whether it is a table of passes over whole segments.

        Raises
        ------
        FileError
            It cannot be read.
        """
        if self.is_gpx or self.is_geojson:
            return False
        first = next(iter(self.chunks()), None)
        return first is not None and "segment" in first.fields

    def fixes(self) -> Iterator[Fixes]:
        """The fixes of all tracks, in parts.

        Raises
        ------
        FileError
            Not what its ending says, damaged, or without any track.
        """
        self._check()
        if self.is_gpx:
            yield self._gpx()
        elif self.is_geojson:
            yield self._geojson()
        else:
            for chunk in self.chunks():
                yield _of_table(chunk)

    def _needed(self, fields: Mapping[str, str]) -> tuple[str, ...]:
        if "segment" in fields or GEOMETRY in fields:
            return ("time",)
        if "lon" in fields or "lat" in fields:
            return ("lon", "lat", "time")
        msg = (
            f"{self.path}: which column is the segment that was passed, or which are lon and lat of a track? "
            "Say --map segment=COLUMN, or --map lon=COLUMN --map lat=COLUMN"
        )
        raise FileError(msg)

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as problem:
            msg = f"{self.path}: not UTF-8 text: {problem}"
            raise FileError(msg) from problem

    def _gpx(self) -> Fixes:
        text = self._text()
        try:
            # Document types and entities, which a GPX file has no use for and an attacker has, are refused before
            # anything else reads the text.
            fromstring(text, forbid_dtd=True)
            parsed = gpxpy.parse(text)
        except DefusedXmlException as problem:
            msg = f"{self.path}: it has a document type or entities, which no GPX file needs"
            raise FileError(msg) from problem
        except (ParseError, ValueError, gpxpy.gpx.GPXException) as problem:
            msg = f"{self.path}: cannot be read as GPX: {problem}"
            raise FileError(msg) from problem
        rows = FixRows()
        pieces = [(track, piece) for track in parsed.tracks for piece in track.segments]
        for number, (track, piece) in enumerate(pieces, 1):
            for point in piece.points:
                # GPX times are UTC, also where a program left the Z out.
                moment = point.time and (point.time if point.time.tzinfo else point.time.replace(tzinfo=UTC))
                rows.add(
                    (point.longitude, point.latitude), moment and moment.isoformat(), None, f"{track.name}#{number}"
                )
        if not rows:
            msg = f"{self.path}: it holds no track with points (<trk>); routes and waypoints are no patrols"
            raise FileError(msg)
        return rows.fixes()

    def _document(self) -> dict[str, Any]:
        try:
            document = orjson.loads(self.path.read_bytes().removeprefix(codecs.BOM_UTF8))
        except orjson.JSONDecodeError as problem:
            msg = f"{self.path}: not JSON in UTF-8: {problem}"
            raise FileError(msg) from problem
        if not isinstance(document, dict):
            msg = f"{self.path}: a GeoJSON file is one object, such as a FeatureCollection"
            raise FileError(msg)
        return document

    def _geojson(self) -> Fixes:
        document = self._document()
        features = document.get("features") if document.get("type") == "FeatureCollection" else [document]
        rows = FixRows()
        for number, feature in enumerate(features if isinstance(features, list) else [], 1):
            whole = feature if isinstance(feature, dict) else {}
            geometry = whole.get("geometry") if whole.get("type") == "Feature" else whole
            own = whole.get("properties")
            self._add(
                rows, geometry if isinstance(geometry, dict) else {}, own if isinstance(own, dict) else {}, number
            )
        if not rows:
            msg = f"{self.path}: it holds no tracks: lines with times, or points with a time, are right"
            raise FileError(msg)
        return rows.fixes()

    def _add(self, rows: FixRows, geometry: Mapping[str, Any], own: Mapping[str, Any], number: int) -> None:
        """Add the fixes of one feature."""
        surveyor, track = self._property(own, "surveyor"), self._property(own, "track")
        kind, places = geometry.get("type"), geometry.get("coordinates")
        if kind == "Point":
            rows.add(places, self._property(own, "time"), surveyor, track)
            return
        lines = [places] if kind == "LineString" else places
        if kind not in ("LineString", "MultiLineString") or not isinstance(lines, list):
            shown = str(kind)[:40] if kind else "missing"
            rows.add(None, None, surveyor, track, f"its geometry is {shown}; lines with times, or points, are right")
            return
        times = _times_of(own)
        lists = [times] if kind == "LineString" else times
        for at, line in enumerate(lines):
            clock = lists[at] if isinstance(lists, list) and at < len(lists) else None
            _add_line(rows, line, clock, surveyor, f"{track or ''}#{number}.{at + 1}")

    def _property(self, own: Mapping[str, Any], name: str) -> Any:
        if name in self.mapping:
            return own.get(self.mapping[name])
        by_name = {key.strip().lower(): value for key, value in own.items()}
        return next((by_name[alias] for alias in self.aliases[name] if by_name.get(alias) is not None), None)


def _times_of(own: Mapping[str, Any]) -> Any:
    """The times of a line's places, by any of the names in use; None where there are none."""
    inner = own.get("coordinateProperties")
    holders = (own, inner if isinstance(inner, dict) else {})
    return next((holder[name] for holder in holders for name in TIME_LISTS if holder.get(name) is not None), None)


def _add_line(rows: FixRows, line: Any, clock: Any, surveyor: Any, track: str) -> None:
    """Add the fixes of one line; their times stand in a list beside it, or are the fourth ordinates."""
    places = line if isinstance(line, list) and line else [None]
    reason = None
    if clock is not None and (not isinstance(clock, list) or len(clock) != len(places)):
        many = len(clock) if isinstance(clock, list) else "no list of"
        reason, clock = f"its line has {len(places)} places and {many} times; one time for each is right", None
    for at, place in enumerate(places):
        time = clock[at] if clock is not None else place[3] if isinstance(place, list) and len(place) > 3 else None
        rows.add(place, time, surveyor, track, reason)


def _of_table(chunk: Chunk) -> Fixes:
    """The fixes of a part of a table."""
    x, y = chunk.points() if GEOMETRY in chunk.fields else (numbers(chunk, "lon"), numbers(chunk, "lat"))
    surveyor, track = texts(chunk, "surveyor"), texts(chunk, "track")
    return Fixes(x, y, times(chunk), surveyor, track, chunk.rows, chunk.original, malformed=chunk.malformed)


def numbers(chunk: Chunk, name: str) -> NDArray[np.float64]:
    """A column as numbers, nan where it holds none."""
    column = chunk.column(name)
    if column is None:
        return np.full(len(chunk), np.nan)
    if pa.types.is_nested(column.type):
        msg = f"the column {chunk.fields[name]} ({name}) holds values of the type {column.type}, not numbers"
        raise FileError(msg)
    answer: NDArray[np.float64] = pd.to_numeric(pd.Series(column.to_pylist(), dtype=object), errors="coerce").to_numpy(
        np.float64
    )
    return answer


def texts(chunk: Chunk, name: str) -> pa.Array:
    """A column as text, null where the file has no such column.

    Raises
    ------
    FileError
        It holds lists or the like.
    """
    column = chunk.column(name)
    if column is None:
        return pa.nulls(len(chunk), pa.string())
    try:
        return column.cast(pa.string())
    except pa.ArrowException as problem:
        msg = f"the column {chunk.fields[name]} ({name}) holds values of the type {column.type}, not texts or numbers"
        raise FileError(msg) from problem


def times(chunk: Chunk) -> pa.Array:
    """The times of a table, as timestamps, days or text."""
    column = chunk.batch.column(chunk.fields["time"])
    is_time = pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)
    return column if is_time else texts(chunk, "time")
