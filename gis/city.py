"""The city 市 that a database holds: everything in which cities differ, as data."""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2.extras import DateRange
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from gis.errors import CityError, Conflict, FileError
from gis.geometry.datum import metric_transformer
from gis.store.database import bump_version, own_ground
from gis.store.schema import LEVELS, areas, city, reports, road_segments

CELL = "cell"


@dataclass(frozen=True)
class City:
    """What a city decides for itself.

    Parameters
    ----------
    slug
        Short name: lower-case letters, digits, _.
    code
        The city's own code, with which its areas' codes begin; may be empty.
    time_zone
        IANA name; days are counted in it, daylight saving included.
    metric_crs
        Projected CRS in metres for distances and the lattice, e.g. EPSG:4547.
    levels
        (level, digits added to the parent's code), highest first, `cell` last; a level the city lacks is absent.
    provenance
        Per layer: {"synthetic": bool, "text": ..., "text_zh": ...}.
    demo_window
        (from, to) that pages open with; `to` exclusive.

    Raises
    ------
    CityError
        A value that no city can have, named.
    """

    slug: str
    code: str
    name: str
    name_en: str
    time_zone: str
    metric_crs: str
    levels: tuple[tuple[str, int], ...]
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    demo_window: tuple[date, date] | None = None

    def __post_init__(self) -> None:
        """Refuse what could not work later."""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", self.slug):
            msg = f"slug: lower-case letters, digits and _, beginning with a letter; not {self.slug!r}"
            raise CityError(msg)
        try:
            zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as problem:
            msg = f"time_zone: {self.time_zone!r} is not an IANA time zone such as Asia/Shanghai"
            raise CityError(msg) from problem
        metric_transformer(self.metric_crs)
        names = [level for level, _ in self.levels]
        allowed = [*(level for level in LEVELS if level in names), CELL]
        if names != allowed:
            msg = f"levels: some of {', '.join(LEVELS)}, in this order, then cell; not {', '.join(names) or 'none'}"
            raise CityError(msg)
        for level, digits in self.levels:
            if not 1 <= digits <= 9:
                msg = f"levels: {level} adds 1 to 9 digits to its parent's code, not {digits}"
                raise CityError(msg)

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone itself."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def area_levels(self) -> tuple[str, ...]:
        """The levels of areas that this city has, highest first."""
        return tuple(level for level, _ in self.levels if level != CELL)

    def digits(self, level: str) -> int:
        """Digits that `level` adds to its parent's code.

        Raises
        ------
        CityError
            The city has no such level.
        """
        for name, digits in self.levels:
            if name == level:
                return digits
        msg = f"{self.name_en} has no level {level!r}; it has {', '.join(name for name, _ in self.levels)}"
        raise CityError(msg)


def city_from_toml(path: Path) -> City:
    """Read a city.toml (docs/formats.md describes it).

    Raises
    ------
    FileError
        Not there, not TOML, or a key missing.
    CityError
        A value that cannot be.
    """
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        window = facts.get("demo")
        return City(
            slug=facts["slug"],
            code=str(facts.get("code", "")),
            name=facts["name"],
            name_en=facts.get("name_en", facts["name"]),
            time_zone=facts["time_zone"],
            metric_crs=facts["metric_crs"],
            levels=tuple((entry["level"], int(entry["digits"])) for entry in facts["levels"]),
            provenance=facts.get("provenance", {}),
            demo_window=(date.fromisoformat(str(window["from"])), date.fromisoformat(str(window["to"])))
            if window
            else None,
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        msg = f"{path}: cannot be read as TOML: {problem}"
        raise FileError(msg) from problem
    except KeyError as problem:
        msg = f"{path}: the key {problem} is missing; docs/formats.md lists them all"
        raise FileError(msg) from problem
    except (TypeError, ValueError) as problem:
        msg = f"{path}: {problem}; docs/formats.md shows the form"
        raise FileError(msg) from problem


def define_city(conn: Connection, wanted: City) -> bool:
    """Store the city or change its description; True where anything changed.

    Raises
    ------
    Conflict
        The database holds another city, or a change would contradict what is stored.
    """
    present = _find(conn)
    if present == wanted:
        return False
    if present is not None:
        if present.slug != wanted.slug:
            msg = f"this database holds {present.slug}; another city needs a database of its own (finegrid city use)"
            raise Conflict(msg)
        fixed = ("time_zone", "metric_crs", "levels", "code")
        moved = [name for name in fixed if getattr(present, name) != getattr(wanted, name)]
        if moved and _holds_anything(conn):
            msg = f"{', '.join(moved)} cannot change any more: codes, lengths and days that are stored hang on it"
            raise Conflict(msg)
    own_ground(conn)
    values = {
        "slug": wanted.slug,
        "code": wanted.code,
        "name": wanted.name,
        "name_en": wanted.name_en,
        "time_zone": wanted.time_zone,
        "metric_crs": wanted.metric_crs,
        "levels": [list(entry) for entry in wanted.levels],
        "provenance": wanted.provenance,
        "demo_window": DateRange(*wanted.demo_window) if wanted.demo_window else None,
    }
    conn.execute(insert(city).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values))
    bump_version(conn, "city")
    return True


def _holds_anything(conn: Connection) -> bool:
    return any(conn.execute(select(table).limit(1)).first() for table in (areas, road_segments, reports))


def read_city(conn: Connection) -> City:
    """The city of this database.

    Raises
    ------
    CityError
        None was defined yet.
    """
    found = _find(conn)
    if found is None:
        msg = "this database holds no city yet: describe yours in a city.toml and run `finegrid city define city.toml`"
        raise CityError(msg)
    return found


def _find(conn: Connection) -> City | None:
    row = conn.execute(select(city)).mappings().first()
    if row is None:
        return None
    window = row["demo_window"]
    return City(
        slug=row["slug"],
        code=row["code"],
        name=row["name"],
        name_en=row["name_en"],
        time_zone=row["time_zone"],
        metric_crs=row["metric_crs"],
        levels=tuple((level, digits) for level, digits in row["levels"]),
        provenance=row["provenance"],
        demo_window=(window.lower, window.upper) if window else None,
    )
