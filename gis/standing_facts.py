"""Facts of a ten-day standing: everything it is worked out from, read once, as canonical tables (clauses 3, 5-10)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gis.dust import dust_facts
from gis.fact_text import SCHEMAS, Facts
from gis.ground import NOWHERE, Ground
from gis.indicators import IndicatorQuery, indicators
from gis.listing_reads import overdue_in
from gis.media import Exposure, exposures
from gis.repeats import OFF_ROAD, Noticed
from gis.rules.indicators import Counts
from gis.rules.periods import Period
from gis.rules.ranking import TIERS
from gis.rules.response import LATE, MISSING, STEPS, Response, step
from gis.standing_before import bottom_runs, carried, noticed_before
from gis.standing_problems import Problems, Scene, period_problems, scene_of
from gis.store.database import sql
from gis.store.schema import categories, sources

Rows = Iterable[dict[str, Any]]


def ten_day_facts(conn: Connection, ground: Ground, level: str, period: Period, now: datetime) -> Facts:
    """Read the facts of a ten-day period.

    Parameters
    ----------
    level
        street, or district in a city without streets.
    now
        The clock, aware. Cases are judged as they stand `judged_after_h` after the period's end, or now if that is
        earlier.
    """
    scene = scene_of(conn, ground, level, period, now)
    earlier, since = noticed_before(conn, scene, now)
    exposed = exposures(conn, period)
    found = period_problems(conn, scene, {(one.source, one.source_ref) for one in exposed if one.source_ref})
    before, held = carried(scene, found, earlier)
    number = {place.id: at for at, place in enumerate(scene.places)}
    codes = {place.code: at for at, place in enumerate(scene.places)}
    tables = {
        "places": _table("places", _places(conn, scene)),
        "responses": _table("responses", _responses(conn, scene, number)),
        "listings": _table("listings", _listings(conn, scene, number)),
        "dust": _table("dust", _dust(conn, scene, codes)),
        "media": _table("media", _media(conn, exposed, found, codes)),
        **_problems(conn, scene, number, found, before, held),
    }
    head = {
        "level": level,
        "period": period.name,
        "first": period.first,
        "after": period.after,
        "as_of": scene.as_of,
        "repeats_since": since,
        "reports": found.counted,
    }
    return Facts(head, tables)


def _table(name: str, rows: Rows) -> pa.Table:
    schema = SCHEMAS[name]
    listed = sorted(rows, key=lambda row: tuple(row[column] for column in schema.names))
    return pa.Table.from_pylist(listed, schema)


def _places(conn: Connection, scene: Scene) -> Rows:
    ground = scene.ground
    _, position = ground.cells_by_area(scene.level)
    size = len(scene.places)
    inside = position != NOWHERE
    dm2 = np.zeros((size, len(TIERS)), np.int64)
    tier = np.array([TIERS.index(one) for one in ground.cell_tiers], np.int64)
    np.add.at(dm2, (position[inside], tier[inside]), ground.cell_dm2[inside])
    runs = bottom_runs(conn, scene.level, scene.period.previous().name)
    window = IndicatorQuery(scene.period.first, scene.period.after)
    cases = indicators(conn, ground, scene.level, window, scene.as_of).counts
    for at, place in enumerate(scene.places):
        roads, counts = scene.roads.get(place.id), cases.get(place.id, Counts())
        yield {
            "code": place.code,
            "name": place.name,
            "area_id": place.id,
            # Equal areas: the higher tier.
            "tier": TIERS[int(np.argmax(dm2[at]))],
            "dm2": int(dm2[at].sum()),
            "length_mm": _mm(roads.length_m) if roads else 0,
            "surveyed_mm": _mm(roads.surveyed_m) if roads else 0,
            "bottom_before": runs.get(place.code, 0),
            "enforcement_needed": counts.enforcement_needed,
            "enforcement_valid": counts.enforcement_valid,
        }


def _mm(metres: Decimal) -> int:
    return int((metres * 1000).to_integral_value())


def _responses(conn: Connection, scene: Scene, number: dict[int, int]) -> Rows:
    """Steps of double ten that were late or missing."""
    limit = scene.policy.response_limit_s
    asked = {
        "from_day": scene.period.first,
        "to_day": scene.period.after,
        "as_of": scene.as_of,
        "limit_s": limit,
    }
    place_of_cell = _place_of_cell(scene.ground, scene.level)
    for row in conn.execute(sql("standing_responses"), asked):
        place = number.get(place_of_cell.get(row.cell_id, NOWHERE))
        if place is None:
            continue
        times = row.found_at, row.chaos is not None, row.arrived_at, row.failed_at, row.enforced_at, row.ended_at
        case = Response(*times, row.void, row.merged)
        for one in (step(case, which, scene.as_of, limit) for which in STEPS):
            if one.verdict in (LATE, MISSING):
                yield {
                    "place": place,
                    "case": row.id,
                    "source": row.source,
                    "ref": row.source_ref,
                    "step": one.number,
                    "verdict": one.verdict,
                    "seconds": "" if one.seconds is None else f"{one.seconds:.3f}",
                }


def _place_of_cell(ground: Ground, level: str) -> dict[int, int]:
    listed, position = ground.cells_by_area(level)
    places = [*(area.id for area in listed), NOWHERE]
    return {cell: places[at] for cell, at in zip(ground.cell_ids.tolist(), position.tolist(), strict=True)}


def _listings(conn: Connection, scene: Scene, number: dict[int, int]) -> Rows:
    """Days that listed places were over their deadline."""
    today = scene.as_of.astimezone(scene.ground.city.zone).date()
    for row in overdue_in(conn, scene.period, today):
        area = scene.ground.areas.get(row["street_id"])
        holder = area and scene.ground.area_of(area.id, scene.level)
        if holder is not None and holder.id in number:
            yield {"place": number[holder.id], "listing": row["id"], "days": row["overdue_days"]}


def _dust(conn: Connection, scene: Scene, codes: dict[str, int]) -> Rows:
    """Weighed roads that were over their limit, and those that were not, so that both can be seen."""
    for fact in dust_facts(conn, scene.period):
        if fact.street_code in codes:
            yield {
                "place": codes[fact.street_code],
                "draw": fact.draw,
                "segment": fact.segment_code,
                "road": fact.road_name,
                "mean_g_per_m2": f"{fact.mean_g_per_m2:f}",
                "limit_g_per_m2": f"{fact.limit_g_per_m2:f}",
                "points": f"{fact.points:f}",
            }


def _media(conn: Connection, exposed: list[Exposure], found: Problems, codes: dict[str, int]) -> Rows:
    """Incidents that the media exposed and of which no report of the period is known."""
    chaos = {f"{row.kind}:{row.code}": row.chaos or "" for row in conn.execute(select(categories))}
    for one in exposed:
        # A city without streets ranks districts.
        code = one.street_code or one.district_code
        if code in codes and (one.source, one.source_ref) not in found.named:
            yield {
                "place": codes[code],
                "incident": one.incident,
                "category": one.category or "",
                "chaos": chaos.get(one.category or "", ""),
                "ref": one.ref,
                "day": one.day.isoformat(),
                "outlet": one.outlet,
                "title": one.title,
            }


def _problems(
    conn: Connection,
    scene: Scene,
    number: dict[int, int],
    found: Problems,
    before: NDArray[np.int64],
    held: Noticed,
) -> dict[str, pa.Table]:
    """Problems and what is held over, with the tables that they point to; both in an order of their own content."""
    dictionary = conn.execute(
        select(categories).order_by(categories.c.standard_ref, categories.c.kind, categories.c.code)
    ).all()
    senders = conn.execute(select(sources.c.id, sources.c.name, sources.c.kind).order_by(sources.c.name)).all()
    ground = scene.ground
    used = np.union1d(found.noticed.segment_id, held.segment_id)
    ranks = np.sort(ground.rank_of_segment[used[used != OFF_ROAD]])
    category, source = _places_of([row.id for row in dictionary]), _places_of([row.id for row in senders])
    segment = _places_of([OFF_ROAD, *ground.segment_ids[ranks].tolist()]) - 1
    place = np.full(max(number, default=0) + 1, -1, np.int64)
    place[list(number)] = list(number.values())
    problems = {
        "place": place[found.noticed.place],
        "category": category[found.noticed.category_id],
        "source": source[found.source_id],
        "segment": segment[found.noticed.segment_id],
        "lon_e7": found.noticed.lon_e7,
        "lat_e7": found.noticed.lat_e7,
        "reports": found.reports,
        "exposed": found.exposed,
        "before": before,
        "surveyed": found.surveyed,
        "ref": found.ref,
    }
    over = {
        "place": place[held.place],
        "category": category[held.category_id],
        "segment": segment[held.segment_id],
        "lon_e7": held.lon_e7,
        "lat_e7": held.lat_e7,
        "times": held.times,
    }
    return {
        "categories": pa.Table.from_pylist(
            [
                {
                    "standard": row.standard_ref,
                    "code": f"{row.kind}:{row.code}",
                    "name": row.name,
                    "chaos": row.chaos or "",
                }
                for row in dictionary
            ],
            SCHEMAS["categories"],
        ),
        "sources": pa.Table.from_pylist([{"name": row.name, "kind": row.kind} for row in senders], SCHEMAS["sources"]),
        "segments": pa.table(
            [[ground.segment_codes[at] for at in ranks], [ground.segment_names[at] for at in ranks]],
            schema=SCHEMAS["segments"],
        ),
        "problems": _ordered("problems", problems, ("place", "category", "source", "ref")),
        "held": _ordered("held", over, tuple(over)),
    }


def _places_of(ids: list[int]) -> NDArray[np.int64]:
    """Place in a list by database id; -1 for what is not in it."""
    places = np.full(max(ids, default=0) + 1, -1, np.int64)
    places[ids] = np.arange(len(ids))
    return places


def _ordered(name: str, columns: dict[str, Any], keys: tuple[str, ...]) -> pa.Table:
    schema = SCHEMAS[name]
    arrays = [
        columns[field.name]
        if isinstance(columns[field.name], pa.Array)
        else pa.array(columns[field.name]).cast(field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema).sort_by([(key, "ascending") for key in keys])
