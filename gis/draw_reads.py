"""Reading dust draws: the list, one of them, its points, its published file, and whether it agrees with itself."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from gis.city import read_city
from gis.draw_file import FORMAT, faults_of
from gis.encoding import Feature
from gis.errors import Conflict, NotFound
from gis.rules.periods import Period
from gis.rules.sampling import E7
from gis.store.database import sql
from gis.store.schema_dust import dust_frames

POINT_COLUMNS = (
    "point",
    "road",
    "code",
    "name",
    "road_class",
    "street_code",
    "street_name",
    "at_m",
    "lon",
    "lat",
    "g_per_m2",
    "weighed_on",
    "weighed_by",
    "revision",
    "reason",
)


def draw_row(conn: Connection, period: Period) -> Row[Any]:
    """The draw of a period as stored.

    Raises
    ------
    NotFound
        There is none.
    """
    found = conn.execute(sql("dust_draws"), {"period": period.name}).first()
    if found is None:
        msg = f"there is no dust draw for {period.name}; GET /draws lists all"
        raise NotFound(msg)
    return found


def revealed_row(conn: Connection, period: Period) -> Row[Any]:
    """The draw of a period whose points are known.

    Raises
    ------
    NotFound
        There is no draw for the period.
    Conflict
        Its seed is not revealed yet.
    """
    found = draw_row(conn, period)
    if found.revealed_at is None:
        msg = f"the draw of {period.name} is committed and not revealed; its points are known from {found.first_day} on"
        raise Conflict(msg)
    return found


def list_draws(conn: Connection) -> list[dict[str, Any]]:
    """All draws, the latest period first."""
    return [_as_dict(row) for row in conn.execute(sql("dust_draws"), {"period": None})]


def read_draw(conn: Connection, period: Period) -> dict[str, Any]:
    """One draw.

    Raises
    ------
    NotFound
        There is none for the period.
    """
    return _as_dict(draw_row(conn, period))


def _as_dict(row: Row[Any]) -> dict[str, Any]:
    names = ("period", "first_day", "after_day", "roads", "points", "policy_effective", "frame_sha256", "frame_roads")
    facts = {name: getattr(row, name) for name in names}
    facts["state"] = "committed" if row.revealed_at is None else "revealed"
    facts["frame_length_m"] = Decimal(row.frame_length_mm) / 1000
    later = ("seed_sha256", "public_source", "commitment_sha256", "committed_at", "committed_by", "recorded_at")
    last = ("seed", "public_value", "revealed_at", "revealed_by", "by_class", "drawn_points", "weighed_points")
    return facts | {name: getattr(row, name) for name in (*later, *last)}


def point_name(period: str, road: int, point: int) -> str:
    """What a weighing point is called: period, number of the road in the draw, point along it: 2016-06-T1-017-3."""
    return f"{period}-{road:03d}-{point}"


def draw_points(conn: Connection, period: Period) -> list[dict[str, Any]]:
    """The weighing points of a draw in its order, each with its last result; `point` is its name.

    Raises
    ------
    NotFound, Conflict
        There is no draw for the period, or it is not revealed yet.
    """
    found = revealed_row(conn, period)
    rows = []
    for row in conn.execute(sql("dust_points"), {"draw_id": found.id}):
        facts = row._asdict()
        facts["point"] = point_name(period.name, row.road, row.point)
        facts["at_m"] = Decimal(facts.pop("at_mm")) / 1000
        rows.append(facts)
    return rows


def point_feature(row: dict[str, Any]) -> Feature:
    """A row of `draw_points` with its geometry."""
    return row["point"], b'{"type":"Point","coordinates":[%.7f,%.7f]}' % (row["lon"], row["lat"]), row


def frame_text(conn: Connection, frame_sha256: str) -> str:
    """The text of a frame."""
    lines = conn.execute(select(dust_frames.c.lines).where(dust_frames.c.sha256 == frame_sha256)).scalar_one()
    return zlib.decompress(lines).decode()


def published(conn: Connection, period: Period) -> dict[str, Any]:
    """The published file of a draw; before the reveal it has frame and digests, so that both can be kept by others.

    Raises
    ------
    NotFound
        There is no draw for the period.
    """
    found = draw_row(conn, period)
    city = read_city(conn)
    synthetic = [layer for layer in ("roads", "dust") if city.provenance.get(layer, {}).get("synthetic")]
    document: dict[str, Any] = {"format": FORMAT, "city": city.slug, "synthetic": synthetic}
    names = ("period", "roads", "points", "frame_sha256", "seed_sha256", "public_source", "commitment_sha256")
    document |= {name: getattr(found, name) for name in names}
    document |= {name: getattr(found, name) for name in ("committed_at", "committed_by", "seed", "public_value")}
    document |= {"revealed_at": found.revealed_at, "revealed_by": found.revealed_by}
    document["order"] = None if found.revealed_at is None else _order(conn, found.id)
    document["frame"] = frame_text(conn, found.frame_sha256)
    return document


def _order(conn: Connection, draw_id: int) -> list[dict[str, Any]]:
    roads: dict[int, dict[str, Any]] = {}
    for row in conn.execute(sql("dust_points"), {"draw_id": draw_id}):
        road = roads.setdefault(row.road, {"number": row.road, "code": row.code, "points": []})
        road["points"].append([round(row.lon * E7), round(row.lat * E7), row.at_mm])
    return list(roads.values())


def verify_draw(conn: Connection, period: Period) -> list[str]:
    """What of a stored draw does not agree with its own digests; nothing where all does.

    Raises
    ------
    NotFound
        There is no draw for the period.
    """
    return faults_of(published(conn, period))
