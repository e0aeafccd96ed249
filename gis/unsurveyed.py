"""Segments that were not surveyed in a period, nearest first: where a patrol should go next (clause 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from gis.city import City, read_city
from gis.coverage import MILLIMETRE, firsts_of, period_facts, policy_of, rule_facts
from gis.errors import ParameterError
from gis.geometry.datum import metric_transformer
from gis.rules.coverage import coverage
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.store.database import sql
from gis.store.schema import ROAD_CLASSES, areas

COLUMNS = (
    "code",
    "name",
    "class",
    "street_code",
    "street_name",
    "length_m",
    "surveyed_m",
    "coverage",
    "surveyed",
    "last_surveyed_at",
    "distance_m",
)


@dataclass(frozen=True)
class MissingQuery:
    """Which unsurveyed segments are asked for.

    Parameters
    ----------
    place
        Longitude and latitude in WGS 84 degrees: nearest first; None: in the order of codes.
    area
        Code of a district, street or community; None: the whole city.
    road_class, group
        Only of this class, or of this named group.
    limit
        Most segments.
    """

    period: Period
    place: tuple[float, float] | None = None
    area: str | None = None
    road_class: str | None = None
    group: str | None = None
    limit: int = 20


@dataclass(frozen=True)
class Missing:
    """Segments that were not surveyed in the period; `ids` are theirs in the database."""

    query: MissingQuery
    policy: Policy
    ids: list[int]
    rows: list[dict[str, Any]]

    def head(self) -> dict[str, Any]:
        """What an answer says besides its rows."""
        return {**period_facts(self.query.period), "rule": rule_facts(self.policy)}


def missing_segments(conn: Connection, query: MissingQuery) -> Missing:
    """Segments that do not count as surveyed in a period, nearest first; distances in the city's metric CRS.

    Raises
    ------
    ParameterError
        There is no such area, class or group, or the place has no position in the city's metric CRS.
    """
    city, policy = read_city(conn), policy_of(conn, query.period)
    asked = {
        "firsts": firsts_of(query.period),
        "share": policy.surveyed_share,
        "area_id": None if query.area is None else _area_id(conn, query.area),
        "class": None if query.road_class is None else _class(query.road_class),
        "road_group": None if query.group is None else _group(conn, query.group),
        "most": query.limit,
        **_metric_place(city, query.place),
    }
    found = conn.execute(sql("coverage_missing"), asked).mappings().all()
    rows = [
        {
            **{name: row[name] for name in ("code", "name", "class", "street_code", "street_name", "length_m")},
            "surveyed_m": row["surveyed_m"].quantize(MILLIMETRE),
            "coverage": coverage(row["surveyed_m"], row["length_m"]),
            "surveyed": False,
            "last_surveyed_at": row["last_surveyed_at"] and row["last_surveyed_at"].astimezone(city.zone),
            "distance_m": None if row["distance_m"] is None else round(row["distance_m"], 2),
        }
        for row in found
    ]
    return Missing(query, policy, [row["id"] for row in found], rows)


def _metric_place(city: City, place: tuple[float, float] | None) -> dict[str, float | None]:
    if place is None:
        return {"x": None, "y": None}
    x, y = metric_transformer(city.metric_crs).transform(*place)
    if not (abs(x) < 1e8 and abs(y) < 1e8):  # also false for nan and infinity
        msg = f"longitude {place[0]}, latitude {place[1]} has no position in the city's metric CRS {city.metric_crs}"
        raise ParameterError("lon", msg)
    return {"x": x, "y": y}


def _area_id(conn: Connection, code: str) -> int:
    wanted = select(areas.c.id).where(areas.c.code == code, areas.c.retired_at.is_(None))
    found = conn.execute(wanted).scalar()
    if found is None:
        raise ParameterError(
            "street", f"there is no area {code[:40]!r}; GET /areas lists districts, streets, communities"
        )
    return int(found)


def _class(name: str) -> str:
    if name not in ROAD_CLASSES:
        raise ParameterError("class", f"{name[:40]!r} is none of {', '.join(ROAD_CLASSES)}")
    return name


def _group(conn: Connection, name: str) -> str:
    known = conn.execute(sql("road_groups")).scalars().all()
    if name not in known:
        raise ParameterError("group", f"{name[:40]!r} is none of {', '.join(known) or 'the city (it has no groups)'}")
    return name
