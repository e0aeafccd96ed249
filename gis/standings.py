"""Standings 排名: drafted, published, revised (clause 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from gis.city import City
from gis.errors import Conflict, NotFound, ParameterError
from gis.fact_text import packed, sha256
from gis.ground import Ground
from gis.policies import city_policy
from gis.rules.periods import Period, parse_period
from gis.standing_before import newest_published
from gis.standing_chain import FIRST, policy_values, seal
from gis.standing_facts import ten_day_facts
from gis.standing_month import month_facts
from gis.standing_problems import judged_at
from gis.standing_rows import RULES, rows_text, work_out
from gis.standing_store import stored_row
from gis.store.database import bump_version
from gis.store.schema_standings import standing_rows, standings

CHAIN_LOCK = 0x66675354
"""Whoever publishes holds it: publications come one after another."""
RANKED = ("street", "district")
COMPARED = ("rank", "deduction", "density", "provisional", "reward_yuan", "bottom_run")


@dataclass(frozen=True)
class Drafted:
    """What drafting gave.

    Parameters
    ----------
    changed
        Whether facts or rows differ from the draft before; True where there was none.
    """

    id: int
    level: str
    period: str
    revision: int
    facts_sha256: str
    changed: bool


def levels_of(city: City) -> tuple[str, str]:
    """What is ranked by ten days and by the month: streets and districts, or twice the one of them that the city has.

    Raises
    ------
    ParameterError
        It has neither.
    """
    present = [level for level in RANKED if level in city.area_levels]
    if not present:
        msg = f"{city.name_en} has neither streets nor districts, so there is nothing to rank"
        raise ParameterError("level", msg)
    return present[0], present[-1]


def level_of(city: City, period: Period) -> str:
    """What a period ranks in a city."""
    lower, upper = levels_of(city)
    return lower if period.is_ten_days else upper


def draft(
    conn: Connection, ground: Ground, period: Period, actor: str, now: datetime, reason: str | None = None
) -> Drafted:
    """Work out a standing and keep it as the draft of its period, in place of an earlier one.

    Parameters
    ----------
    conn
        In a transaction over one snapshot.
    reason
        Needed where the period was published already: what was wrong. The draft is of the next revision then.

    Raises
    ------
    ParameterError
        The period has not begun, or a reason is missing or not called for.
    Conflict
        A month whose ten-day standings were not all published; or another command drafts the same period.
    """
    level = level_of(ground.city, period)
    if now.astimezone(ground.city.zone).date() < period.first:
        msg = f"{period.name} begins on {period.first}: nothing can be known of it yet"
        raise ParameterError("period", msg)
    published = newest_published(conn, level, period.name)
    reason = _checked_reason(published, period, reason)
    policy = city_policy(conn, period.first)
    if period.is_ten_days:
        facts = ten_day_facts(conn, ground, level, period, now)
    else:
        facts = month_facts(conn, ground, level, levels_of(ground.city)[0], period)
    facts_text = facts.text()
    rows = work_out(facts, policy)
    known = conn.execute(_draft_of(level, period.name)).first()
    if known is not None:
        conn.execute(delete(standings).where(standings.c.id == known.id))
    record = {
        "level": level,
        "period": period.name,
        "first_day": period.first,
        "after_day": period.after,
        "revision": 1 if published is None else published.revision + 1,
        "as_of": min(now, judged_at(period, policy, ground.city.zone)),
        "policy_effective": policy.effective,
        "policy": policy_values(policy),
        "facts": packed(facts_text),
        "facts_sha256": sha256(facts_text),
        "result_sha256": sha256(rows_text(rows)),
        "rules": RULES,
        "drafted_at": now,
        "drafted_by": actor,
        "reason": reason,
    }
    try:
        standing_id = conn.execute(insert(standings).values(record).returning(standings.c.id)).scalar_one()
    except IntegrityError as problem:
        msg = f"another command drafted {period.name} at the same moment; nothing was changed, run it again"
        raise Conflict(msg) from problem
    stored = [{"standing_id": standing_id, **stored_row(row)} for row in rows]
    if stored:
        conn.execute(insert(standing_rows), stored)
    if published is not None:
        difference = difference_of(conn, published.id, standing_id)
        conn.execute(update(standings).where(standings.c.id == standing_id).values(difference=difference))
    bump_version(conn, "standings")
    same = known is not None and (known.facts_sha256, known.result_sha256) == (
        record["facts_sha256"],
        record["result_sha256"],
    )
    return Drafted(standing_id, level, period.name, int(str(record["revision"])), str(record["facts_sha256"]), not same)


def publish(
    conn: Connection, city: City, period: Period, actor: str, now: datetime, expected: str | None = None
) -> Row[Any]:
    """Publish the draft of a period: from now on it never changes; answers the record.

    Parameters
    ----------
    expected
        facts_sha256 of the draft that was looked at; None: whichever is there.

    Raises
    ------
    NotFound
        There is no draft.
    Conflict
        The draft is another one; the period was not over when it was drafted; or the one before is not published, or
        was published after it was drafted.
    """
    level = level_of(city, period)
    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
    found = conn.execute(_draft_of(level, period.name).with_for_update()).first()
    if found is None:
        msg = f"there is no draft of {period.name}: finegrid standings draft {period.name}"
        raise NotFound(msg)
    _check_publishable(conn, city, period, found, expected, now)
    last = conn.execute(
        select(standings.c.link, standings.c.sha256)
        .where(standings.c.link.is_not(None))
        .order_by(standings.c.link.desc())
        .limit(1)
    ).first()
    sealed = found._asdict() | {
        "link": 1 if last is None else last.link + 1,
        "previous_sha256": FIRST if last is None else last.sha256,
        "published_at": now,
        "published_by": actor,
    }
    sealed["sha256"] = seal(sealed)
    names = ("link", "previous_sha256", "published_at", "published_by", "sha256")
    record = conn.execute(
        update(standings)
        .where(standings.c.id == found.id)
        .values({name: sealed[name] for name in names})
        .returning(standings)
    ).one()
    bump_version(conn, "standings")
    return record


def _check_publishable(
    conn: Connection, city: City, period: Period, found: Row[Any], expected: str | None, now: datetime
) -> None:
    again = f"finegrid standings draft {period.name}"
    if expected is not None and expected != found.facts_sha256:
        msg = f"the draft of {period.name} has the facts {found.facts_sha256}, not {expected}: it was drafted again"
        raise Conflict(msg)
    judged = judged_at(period, city_policy(conn, period.first), city.zone)
    if now < judged:
        msg = f"{period.name} may be published from {judged.isoformat()} on, when its steps of double ten are judged"
        raise Conflict(msg)
    if found.as_of < judged:
        msg = f"the draft of {period.name} knows what was so at {found.as_of.isoformat()}, before the end: {again}"
        raise Conflict(msg)
    earlier = newest_published(conn, found.level, period.previous().name)
    others = select(standings.c.period).where(
        standings.c.level == found.level, standings.c.link.is_not(None), standings.c.first_day < period.first
    )
    kinds = {parse_period(one).is_ten_days for one in conn.execute(others.distinct()).scalars()}
    if earlier is None and period.is_ten_days in kinds:
        msg = f"{period.previous().name} comes first: it was not published, though one before it was"
        raise Conflict(msg)
    if earlier is not None and earlier.published_at > found.drafted_at:
        msg = f"{earlier.period} was published after {period.name} was drafted, which counts on it: {again}"
        raise Conflict(msg)


def _draft_of(level: str, period: str) -> Select[Any]:
    return select(standings).where(
        standings.c.level == level, standings.c.period == period, standings.c.published_at.is_(None)
    )


def _checked_reason(published: Row[Any] | None, period: Period, reason: str | None) -> str | None:
    reason = (reason or "").strip() or None
    if published is not None and reason is None:
        msg = (
            f"{period.name} was published as revision {published.revision}; a correction is a further revision "
            "and needs the reason: what was wrong"
        )
        raise ParameterError("reason", msg)
    if published is None and reason is not None:
        msg = f"{period.name} was not published yet, so there is nothing to correct"
        raise ParameterError("reason", msg)
    return reason


def difference_of(conn: Connection, before_id: int, after_id: int) -> list[dict[str, Any]]:
    """Rows that differ between two standings, by code: what each of COMPARED was and is; None: there is no such row."""
    kept: list[dict[str, dict[str, Any]]] = []
    for standing_id in (before_id, after_id):
        rows = conn.execute(select(standing_rows).where(standing_rows.c.standing_id == standing_id)).mappings()
        kept.append({row["code"]: {name: _plain(row[name]) for name in COMPARED} for row in rows})
    before, after = kept
    return [
        {"code": code, "before": before.get(code), "after": after.get(code)}
        for code in sorted(before.keys() | after.keys())
        if before.get(code) != after.get(code)
    ]


def _plain(value: Any) -> Any:
    """Decimals as text, so that JSON keeps every digit."""
    return f"{value:f}" if isinstance(value, Decimal) else value
