"""Rows of a standing beside those of the period before: who rose, who fell, who is new and who is gone (clause 5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from gis.ground import Ground
from gis.rules.periods import Period
from gis.standing_reads import Standing, read_standing
from gis.store.schema_standings import standings

NEW, BETTER, WORSE, SAME, RANKED_NOW, UNRANKED = "new", "better", "worse", "same", "ranked_now", "unranked"
UPPER = "district"


def standing_before(conn: Connection, standing: Standing, period: Period) -> Standing | None:
    """The standing of the period before, in the revision that held when this one was published; for a draft, now.

    A later correction of the period before changes no bulletin that is out already.
    """
    asked = select(standings.c.revision).where(
        standings.c.level == standing.record.level,
        standings.c.period == period.previous().name,
        standings.c.link.is_not(None),
    )
    if standing.record.link is not None:
        asked = asked.where(standings.c.link < standing.record.link)
    revision = conn.execute(asked.order_by(standings.c.revision.desc()).limit(1)).scalar()
    return None if revision is None else read_standing(conn, standing.record.level, period.previous(), revision)


def compared(
    ground: Ground, standing: Standing, before: Standing | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows with their change, and rows of the standing before that are gone.

    A change of rank is positive where the place rose. Points and densities are subtracted as they stand, so periods of
    different length are not evened out here; the bulletin says how long both were.
    """
    earlier = {} if before is None else {row["code"]: row for row in before.rows}
    rows = [
        {**row, "district": _district(ground, row, standing.record.level), **_change(row, earlier, before is not None)}
        for row in standing.rows
    ]
    now = {row["code"] for row in standing.rows}
    names = ("code", "name", "rank", "deduction", "density")
    gone = [{name: row[name] for name in names} for code, row in earlier.items() if code not in now]
    return rows, gone


def _change(row: dict[str, Any], earlier: dict[str, dict[str, Any]], known: bool) -> dict[str, Any]:
    was = earlier.get(row["code"])
    change = None
    if row["rank"] is None:
        change = UNRANKED
    elif known:
        change = NEW if was is None else RANKED_NOW if was["rank"] is None else _direction(was["rank"] - row["rank"])
    answer: dict[str, Any] = {
        "change": change,
        "rank_before": None if was is None else was["rank"],
        "rank_change": was["rank"] - row["rank"] if was and was["rank"] and row["rank"] else None,
    }
    for name in ("deduction", "density"):
        value = None if was is None else was[name]
        answer[f"{name}_before"] = value
        answer[f"{name}_change"] = _minus(row[name], value)
    return answer


def _minus(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else now - before


def _direction(places: int) -> str:
    return SAME if places == 0 else BETTER if places > 0 else WORSE


def _district(ground: Ground, row: dict[str, Any], level: str) -> str | None:
    """Name of the district of a street; None for districts, and where the area is gone."""
    if level == UPPER or row["area_id"] not in ground.areas:
        return None
    holder = ground.area_of(row["area_id"], UPPER)
    return None if holder is None else holder.name
