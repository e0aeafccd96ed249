"""What had been noticed before a period: from the published standing before it, or gone through again (clause 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, select

from gis.fact_text import read_facts, unpacked
from gis.repeats import COLUMNS, NOTHING, Noticed, noticed_at_end, times_before, times_of
from gis.rules.periods import Period
from gis.standing_problems import Problems, Scene, period_problems, scene_of, surveyed_at
from gis.store.schema import categories
from gis.store.schema_standings import standing_rows, standings


def newest_published(conn: Connection, level: str, period: str) -> Row[Any] | None:
    """The newest published revision of a standing; None: none was published."""
    return conn.execute(_newest(level, period)).first()


def _newest(level: str, period: str) -> Select[Any]:
    chosen = select(standings).where(
        standings.c.level == level, standings.c.period == period, standings.c.published_at.is_not(None)
    )
    return chosen.order_by(standings.c.revision.desc()).limit(1)


def bottom_runs(conn: Connection, level: str, period: str) -> dict[str, int]:
    """Times in a row at the bottom up to a period, by code, as its newest published revision has them."""
    newest = _newest(level, period).with_only_columns(standings.c.id).scalar_subquery()
    rows = select(standing_rows.c.code, standing_rows.c.bottom_run).where(standing_rows.c.standing_id == newest)
    return {row.code: row.bottom_run for row in conn.execute(rows)}


def category_ids(conn: Connection) -> dict[tuple[str, str], int]:
    """(standard, kind:code) -> database id."""
    rows = conn.execute(select(categories.c.id, categories.c.standard_ref, categories.c.kind, categories.c.code))
    return {(row.standard_ref, f"{row.kind}:{row.code}"): row.id for row in rows}


def noticed_before(conn: Connection, scene: Scene, now: datetime) -> tuple[Noticed, str]:
    """What had been noticed up to the period before, and the period from which on that is known.

    Where the period before was not published, the periods since the last published one are gone through again, but no
    more than `repeat_periods_back` of them.
    """
    way: list[Period] = []
    noticed, since = NOTHING, ""
    period = scene.period.previous()
    while len(way) < scene.policy.repeat_periods_back:
        published = newest_published(conn, scene.level, period.name)
        if published is not None:
            ground, known = scene.ground, read_facts(unpacked(published.facts))
            segments = dict(zip(ground.segment_codes, ground.segment_ids.tolist(), strict=True))
            noticed, since = noticed_at_end(known, category_ids(conn), segments), known.head["repeats_since"]
            break
        way.append(period)
        period = period.previous()
    for one in reversed(way):
        earlier = scene_of(conn, scene.ground, scene.level, one, now)
        found = period_problems(conn, earlier)
        before, held = carried(earlier, found, noticed)
        noticed = joined(found, before, held)
        since = since or one.name
    return noticed, since or scene.period.name


def carried(scene: Scene, found: Problems, earlier: Noticed) -> tuple[np.ndarray, Noticed]:
    """How often each problem had been noticed before, and what was noticed before and not looked for in this period."""
    before, again = times_before(found.noticed, earlier, scene.to_metric, scene.policy)
    looked = surveyed_at(earlier, scene)
    here = np.isin(earlier.place, [place.id for place in scene.places])
    return before, earlier.chosen(~again & ~looked & here)


def joined(found: Problems, before: np.ndarray, held: Noticed) -> Noticed:
    """A period's problems and what was held over it: what the next one has before it."""
    fresh = found.noticed
    times = times_of(before, found.surveyed)
    return Noticed(
        *(np.concatenate([times if name == "times" else getattr(fresh, name), getattr(held, name)]) for name in COLUMNS)
    )
