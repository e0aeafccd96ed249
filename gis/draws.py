"""Dust draws 以克论净抽样: committed before their period, revealed from its first day on (clause 10).

    make ──> committed ── the period begins ──> reveal ──> points are known ──> results ──> verify, at any time

Before the period only digests are stored: of the frame (all live roads, frozen as text), of the seed, and of everything
that is fixed. So nobody can choose roads once anything is known of the period, nor swap a road afterwards. Points are
worked out when the seed is revealed.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from gis.case_store import named
from gis.city import City, read_city
from gis.draw_file import COMMITTED, commitment_sha256, frame_line, roads_of, sha256
from gis.draw_reads import draw_row, frame_text, read_draw
from gis.draw_seeds import checked_hex
from gis.errors import CityError, Conflict, ParameterError
from gis.policies import city_policy
from gis.rules.periods import Period
from gis.rules.sampling import E7, Drawn, draw, draw_key
from gis.store.database import bump_version, share_ground, sql
from gis.store.schema import road_segments
from gis.store.schema_dust import dust_draws, dust_frames, dust_points, dust_reveals, dust_roads

LAYER = "dust"
MOST_ROADS = 10_000
LONGEST_TEXT = 300


def ten_days(period: Period) -> Period:
    """The period itself.

    Raises
    ------
    ParameterError
        It is a month.
    """
    if "T" not in period.name:
        right = f"{period.name}-T1, -T2 or -T3"
        raise ParameterError("period", f"dust is drawn each ten-day period: {right}, not {period.name}")
    return period


def make_draw(
    conn: Connection,
    period: Period,
    seed_sha256: str,
    actor: str,
    now: datetime,
    *,
    roads: int | None = None,
    public_source: str | None = None,
) -> dict[str, Any]:
    """Commit to a draw: freeze the frame and store the digests; the seed itself is not needed, and not seen.

    Parameters
    ----------
    seed_sha256
        Over the seed's 64 hexadecimal digits.
    now
        Aware; its day in the city must lie before the period.
    roads
        How many; None: `dust_roads_per_period` of the policy.
    public_source
        A public number that nobody knows yet and that will be mixed in, in words: with it, not even who makes the seed
        can try several and keep the one he likes.

    Returns
    -------
    dict
        As `read_draw`.

    Raises
    ------
    ParameterError
        The period is a month, or something else is not as it should be.
    Conflict
        The period has begun, or has a draw already.
    CityError
        The city has no roads.
    """
    ten_days(period)
    who = named(actor)
    city = read_city(conn)
    _lock(conn)
    _refuse_late(conn, city, period, now)
    policy = city_policy(conn, period.first)
    facts: dict[str, Any] = {
        "city": city.slug,
        "period": period.name,
        "roads": _checked_roads(policy.dust_roads_per_period if roads is None else roads),
        "points": policy.dust_points_per_road,
        "seed_sha256": checked_hex("seed_sha256", seed_sha256),
        "public_source": _checked_text("public", public_source),
        "frame_sha256": _freeze(conn),
    }
    stored = {name: facts[name] for name in COMMITTED if name != "city"} | {
        "first_day": period.first,
        "after_day": period.after,
        "policy_effective": policy.effective,
        "commitment_sha256": commitment_sha256(facts),
        "committed_at": now,
        "committed_by": who,
    }
    conn.execute(insert(dust_draws).values(**stored))
    bump_version(conn, LAYER)
    return read_draw(conn, period)


def _refuse_late(conn: Connection, city: City, period: Period, now: datetime) -> None:
    if conn.execute(select(dust_draws.c.id).where(dust_draws.c.period == period.name)).first():
        msg = f"{period.name} has a draw already; a second one would be a choice: finegrid draw show {period.name}"
        raise Conflict(msg)
    if now.astimezone(city.zone).date() >= period.first:
        msg = f"{period.name} began on {period.first}; a draw is committed before its period begins"
        raise Conflict(msg)


def _checked_roads(roads: int) -> int:
    if not 1 <= roads <= MOST_ROADS:
        raise ParameterError("roads", f"1 to {MOST_ROADS} roads can be drawn, not {roads}")
    return roads


def _checked_text(name: str, said: str | None) -> str | None:
    """One line, because the commitment is made of lines."""
    if said is None:
        return None
    found = said.strip()
    if not found or len(found) > LONGEST_TEXT or not found.isprintable():
        raise ParameterError(name, f"one line of 1 to {LONGEST_TEXT} characters is right")
    return found


def _freeze(conn: Connection) -> str:
    """Store the frame as it is now, unless it is stored already; answers its digest.

    Raises
    ------
    CityError
        The city has no roads.
    """
    share_ground(conn)
    rows = conn.execute(sql("dust_frame")).all()
    if not rows:
        msg = "this city has no roads yet, so there is nothing to draw from: load roads first"
        raise CityError(msg)
    frame = "\n".join(
        frame_line(row.code, row.road_class, row.length_mm, row.street_code or "", row.name, row.line) for row in rows
    )
    facts = {
        "sha256": sha256(frame),
        "roads": len(rows),
        "length_mm": sum(row.length_mm for row in rows),
        "lines": zlib.compress(frame.encode()),
    }
    conn.execute(insert_or_leave(dust_frames).values(**facts).on_conflict_do_nothing())
    return str(facts["sha256"])


def _lock(conn: Connection) -> None:
    """Be the only one who makes or reveals a draw until this transaction ends; readers go on."""
    conn.execute(text("LOCK TABLE dust_draws IN SHARE ROW EXCLUSIVE MODE"))


def reveal_draw(
    conn: Connection, period: Period, seed: str, actor: str, now: datetime, *, public_value: str | None = None
) -> dict[str, Any]:
    """Reveal the seed of a draw, and draw: roads and points are stored.

    Parameters
    ----------
    seed
        64 hexadecimal digits.
    now
        Aware; its day in the city must not lie before the period.
    public_value
        The public number, where one was announced.

    Returns
    -------
    dict
        As `read_draw`.

    Raises
    ------
    NotFound
        There is no draw for the period.
    ParameterError
        The seed is another than the one that was committed, or the public value is missing or too much.
    Conflict
        Too early, or it was revealed before.
    """
    who = named(actor)
    city = read_city(conn)
    _lock(conn)
    found = draw_row(conn, period)
    if found.revealed_at is not None:
        shown = found.revealed_at.astimezone(city.zone).isoformat(timespec="seconds")
        msg = f"the draw of {period.name} was revealed at {shown} by {found.revealed_by}"
        raise Conflict(msg)
    if now.astimezone(city.zone).date() < found.first_day:
        msg = (
            f"the draw of {period.name} is revealed from {found.first_day} on, not before: "
            "whoever knew the points could have them swept"
        )
        raise Conflict(msg)
    seed = checked_hex("seed", seed)
    if sha256(seed) != found.seed_sha256:
        msg = f"its SHA-256 is {sha256(seed)}, but {found.seed_sha256} was committed: this is another seed"
        raise ParameterError("seed", msg)
    public = _checked_public(found.public_source, public_value)
    roads = roads_of(frame_text(conn, found.frame_sha256))
    drawn = draw(roads, draw_key(seed, public), found.roads, found.points)
    revealed = {"seed": seed, "public_value": public, "revealed_at": now, "revealed_by": who}
    conn.execute(insert(dust_reveals).values(draw_id=found.id, **revealed))
    _store(conn, found.id, drawn)
    bump_version(conn, LAYER)
    return read_draw(conn, period)


def _checked_public(source: str | None, value: str | None) -> str | None:
    public = _checked_text("public", value)
    if public is None and source is not None:
        raise ParameterError("public", f"the value of what was announced is needed: {source}")
    if public is not None and source is None:
        raise ParameterError("public", "none was announced when the draw was committed, so none can be mixed in")
    return public


def _store(conn: Connection, draw_id: int, drawn: list[Drawn]) -> None:
    codes = [one.road.code for one in drawn]
    ids = dict(
        conn.execute(select(road_segments.c.code, road_segments.c.id).where(road_segments.c.code.in_(codes))).all()
    )
    conn.execute(
        insert(dust_roads),
        [
            {
                "draw_id": draw_id,
                "number": one.number,
                "segment_id": ids[one.road.code],
                "code": one.road.code,
                "name": one.road.name,
                "class": one.road.road_class,
                "length_mm": one.road.length_mm,
            }
            for one in drawn
        ],
    )
    conn.execute(
        insert(dust_points),
        [
            {
                "draw_id": draw_id,
                "road": one.number,
                "point": number,
                "at_mm": at,
                "geom": f"SRID=4326;POINT({x / E7!r} {y / E7!r})",
            }
            for one in drawn
            for number, (x, y, at) in enumerate(one.points, 1)
        ],
    )
