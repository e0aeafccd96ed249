"""Road segments 道路: name, class, named groups such as 一环十五路, geometry."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.assignments import reassign
from gis.city import City, read_city
from gis.geometry.datum import metric_transformer
from gis.loading import GEOMETRY, PLAIN_GEOMETRY, TEXT, LoadSummary, reject_elsewhere, shapes_of, stage
from gis.patrol_tracks import match_again
from gis.readers import Features, Layout, read_features
from gis.road_areas import place_segments
from gis.store.database import bump_version, own_ground, sql
from gis.store.schema import ROAD_CLASSES

ROADS = Layout("roads", ("class",), ("code", "name", "groups"), "line")

# Classes of the rule book for what OpenStreetMap calls `highway`; nothing there says which roads form a ring.
CLASS_OF_HIGHWAY = {
    "motorway": "trunk",
    "trunk": "trunk",
    "primary": "trunk",
    "secondary": "main",
    "tertiary": "branch",
    "unclassified": "back_street",
    "residential": "back_street",
    "living_street": "back_street",
    "pedestrian": "back_street",
    "service": "back_street",
    "footway": "back_street",
    "path": "back_street",
    "steps": "back_street",
    "cycleway": "back_street",
    "track": "back_street",
}
# 道路等级 as offices write it.
CLASS_OF_NAME = {
    "环路": "ring",
    "主干道": "trunk",
    "主干路": "trunk",
    "次干道": "main",
    "次干路": "main",
    "支路": "branch",
}
CLASS_OF_NAME["背街"] = CLASS_OF_NAME["背街小巷"] = "back_street"

ASSIGNED = re.compile(r"R(\d{6,})")
DIGITS = 6
SHOWN = 5


@dataclass(frozen=True)
class Segment:
    """A road segment; `row` is its position in the file from 0, None where it is only stored."""

    code: str | None
    name: str
    class_: str
    groups: tuple[str, ...]
    geometry: shapely.MultiLineString
    row: int | None = None


def load_roads(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    replace_others: bool = False,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load road segments.

    A segment without a code gets one by a stable rule: such segments are sorted by geometry, name and class and
    numbered R000001, R000002, ... after the highest number ever used. One whose geometry is stored already without a
    code of its own keeps that code, so that loading a file twice changes nothing; where one geometry comes several
    times, the first of them by name gets the lowest code.

    Parameters
    ----------
    replace_others
        Segments that the file lacks are retired.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    own_ground(conn)
    city = read_city(conn)
    features = read_features(path, crs, mapping or {}, ROADS, layer=layer, encoding=encoding)
    retired = set(conn.execute(text("SELECT code FROM road_segments WHERE retired_at IS NOT NULL")).scalars())
    segments = _rows(features, retired)
    reject_elsewhere(features, city)
    metric = _metric(features, city, segments)
    features.refuse()
    stored = _stored_shapes(conn)
    segments = _coded(segments, stored, retired)
    summary = LoadSummary.of("roads", features)
    summary.warnings += _repeated_shapes(segments)
    if replace_others:
        left = sorted(stored.keys() - {str(segment.code) for segment in segments})
        conn.execute(text("UPDATE road_segments SET retired_at = now() WHERE code = ANY(:codes)"), {"codes": left})
        summary.retired = len(left)
    stage(
        conn,
        "incoming_roads",
        {
            "code": (TEXT, [segment.code for segment in segments]),
            "name": (TEXT, [segment.name for segment in segments]),
            "class": (TEXT, [segment.class_ for segment in segments]),
            "groups": (TEXT, [";".join(segment.groups) for segment in segments]),
            "geom": (GEOMETRY, shapes_of(segments)),
            "geom_m": (PLAIN_GEOMETRY, metric),
        },
    )
    summary.merged(list(conn.execute(sql("merge_roads")).scalars()))
    if summary.changes:
        conn.execute(text("ANALYZE road_segments"))
        place_segments(conn)
        summary.reassigned = reassign(conn)
        matched = match_again(conn)
        bump_version(conn, "roads", *(["surveys"] if matched else []))
    return summary


def road_class(written: str) -> str | None:
    """Class of the rule book for a class, a Chinese name of one, or OpenStreetMap's `highway`; None where unknown.

    A ramp (`primary_link`) counts as its road; of several values (`primary;secondary`, or a list) the highest counts.
    """
    values = json.loads(written.replace("'", '"')) if written.startswith("[") else written.split(";")
    found = [_one_class(str(value).strip()) for value in values]
    if not found or None in found:
        return None
    return min((one for one in found if one is not None), key=ROAD_CLASSES.index)


def _one_class(value: str) -> str | None:
    if value in ROAD_CLASSES:
        return value
    return CLASS_OF_NAME.get(value) or CLASS_OF_HIGHWAY.get(value.removesuffix("_link"))


def _rows(features: Features, retired: set[str]) -> list[Segment]:
    columns = [features.column(name) for name in ("code", "name", "class", "groups")]
    times = Counter(code for code in columns[0] if code)
    segments = []
    for at, (code, name, written, groups) in enumerate(zip(*columns, strict=True)):
        chosen = road_class(written) if written else None
        geometry = features.geometry[at] if features.geometry is not None else None
        if code and times[code] > 1:
            features.reject(at, f"the code {code} stands in the file more than once")
        elif code in retired:
            features.reject(at, f"the code {code} was retired; a code is never used again")
        elif chosen is None:
            known = f"{', '.join(ROAD_CLASSES)}, or a highway value of OpenStreetMap"
            features.reject(
                at, f"the class {written!r} is not known: {known}" if written else f"it has no class: {known}"
            )
        elif geometry is not None and geometry.length == 0:
            features.reject(at, "its line has no length")
        elif geometry is not None:
            named = tuple(sorted({group.strip() for group in (groups or "").split(";") if group.strip()}))
            segments.append(Segment(code, name or "", chosen, named, geometry, at))
    return segments


def _metric(features: Features, city: City, segments: list[Segment]) -> NDArray[np.object_]:
    """Geometry in the city's metric CRS; rows that have no position there are rejected."""
    transformer = metric_transformer(city.metric_crs)
    metric = np.asarray(shapely.transform(shapes_of(segments), transformer.transform, interleaved=False), dtype=object)
    coords, of = shapely.get_coordinates(metric, return_index=True)
    for at in np.unique(of[~np.isfinite(coords).all(axis=1)]).tolist():
        features.reject(segments[at].row or 0, f"it has no position in the city's metric CRS {city.metric_crs}")
    return metric


def _stored_shapes(conn: Connection) -> dict[str, bytes]:
    """Geometry of every live segment by code."""
    rows = conn.execute(text("SELECT code, ST_AsBinary(geom) AS geom FROM road_segments WHERE retired_at IS NULL"))
    return {row.code: bytes(row.geom) for row in rows}


def _coded(segments: list[Segment], stored: Mapping[str, bytes], retired: Iterable[str]) -> list[Segment]:
    """Codes for those that have none, in the order of the file."""
    given = {segment.code for segment in segments if segment.code}
    free: defaultdict[bytes, list[str]] = defaultdict(list)
    for code in sorted(stored, reverse=True):
        if ASSIGNED.fullmatch(code) and code not in given:
            free[stored[code]].append(code)
    used = [int(match[1]) for code in (*stored, *retired, *given) if code and (match := ASSIGNED.fullmatch(code))]
    following = max(used, default=0) + 1
    wkb = shapely.to_wkb(shapes_of(segments), byte_order=1)
    answer = list(segments)
    order = sorted(range(len(segments)), key=lambda at: (wkb[at], segments[at].name, segments[at].class_))
    for at in order:
        if segments[at].code:
            continue
        if free[wkb[at]]:
            code = free[wkb[at]].pop()
        else:
            code, following = f"R{following:0{DIGITS}d}", following + 1
        answer[at] = replace(segments[at], code=code)
    return answer


def _repeated_shapes(segments: list[Segment]) -> list[str]:
    """Warn of lines that come more than once, in either direction: they share their reports but not their length."""
    same: defaultdict[bytes, list[int]] = defaultdict(list)
    for segment, wkb in zip(segments, shapely.to_wkb(shapely.normalize(shapes_of(segments))), strict=True):
        same[wkb].append((segment.row or 0) + 1)
    groups = [rows for rows in same.values() if len(rows) > 1]
    if not groups:
        return []
    examples = "; ".join(" and ".join(map(str, rows)) for rows in groups[:SHOWN])
    more = f"; and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
    return [
        (
            f"{len(groups)} lines come more than once (both directions of a street, perhaps): rows {examples}{more}. "
            "Reports go to the lowest code of them, so per km the others look clean: keep one of each"
        )
    ]
