"""The chain of publications: each holds the digest of the one before, so nothing can be bent unseen (clause 5)."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from gis.fact_text import read_facts, sha256, unpacked
from gis.rules.policy import Policy
from gis.standing_rows import RULES, rows_text, work_out
from gis.standing_store import stored_row
from gis.store.schema_standings import standing_rows, standings

FIRST = "0" * 64
"""Stands for the digest before the first publication."""
SEALED = (
    "link",
    "level",
    "period",
    "first_day",
    "after_day",
    "revision",
    "as_of",
    "policy_effective",
    "policy",
    "facts_sha256",
    "result_sha256",
    "rules",
    "reason",
    "difference",
    "published_at",
    "published_by",
    "previous_sha256",
)
"""What the digest of a publication is taken over, as JSON with sorted keys; instants in UTC."""


def policy_values(policy: Policy) -> dict[str, Any]:
    """Every number of a policy, as it is stored with a standing."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(policy).items()}


def policy_of(values: dict[str, Any]) -> Policy:
    """The policy that was stored; numbers that came later have their defaults, which old facts do not use."""
    known = {one.name for one in fields(Policy)}
    return Policy(
        **{name: value for name, value in values.items() if name in known}
        | {"effective": date.fromisoformat(values["effective"])}
    )


def seal(record: dict[str, Any]) -> str:
    """SHA-256 of a publication."""
    sealed = {name: record[name] for name in SEALED}
    for name in ("as_of", "published_at"):
        sealed[name] = sealed[name].astimezone(UTC)
    return hashlib.sha256(orjson.dumps(sealed, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True)
class Link:
    """One publication, looked at again.

    Parameters
    ----------
    problems
        What does not hold, in sentences; empty: all does.
    """

    link: int
    level: str
    period: str
    revision: int
    sha256: str
    problems: list[str]


def verify_chain(conn: Connection) -> Iterator[Link]:
    """Look at every publication again, oldest first: chain, digests, and all rows worked out anew from the facts."""
    before = FIRST
    published = select(standings.c.id).where(standings.c.link.is_not(None)).order_by(standings.c.link)
    for number, standing_id in enumerate(conn.execute(published).scalars().all(), 1):
        record = conn.execute(select(standings).where(standings.c.id == standing_id)).one()
        problems = [*_broken_links(record, number, before), *_broken_content(conn, record)]
        yield Link(record.link, record.level, record.period, record.revision, record.sha256, problems)
        before = record.sha256


def _broken_links(record: Row[Any], number: int, before: str) -> Iterator[str]:
    if record.link != number:
        yield f"it is link {record.link} where link {number} was expected: a publication is missing"
    if record.previous_sha256 != before:
        yield f"the digest before it is {before}, but it says {record.previous_sha256}"
    if seal(record._asdict()) != record.sha256:
        yield "its digest is not that of what is stored"


def _broken_content(conn: Connection, record: Row[Any]) -> Iterator[str]:
    try:
        text = unpacked(record.facts)
    except zlib.error as problem:
        yield f"its facts cannot be unpacked: {problem}"
        return
    if sha256(text) != record.facts_sha256:
        yield "its facts are not those of its digest"
        return
    if record.rules != RULES:
        yield f"it was worked out by wording {record.rules} of the rules; this version has {RULES}"
        return
    rows = work_out(read_facts(text), policy_of(record.policy))
    if sha256(rows_text(rows)) != record.result_sha256:
        yield "worked out anew, its rows differ from those of its digest"
    asked = select(standing_rows).where(standing_rows.c.standing_id == record.id)
    stored = {row["code"]: dict(row) for row in conn.execute(asked).mappings()}
    again = {row.place.code: {"standing_id": record.id, **stored_row(row)} for row in rows}
    changed = sorted(code for code in stored.keys() | again.keys() if stored.get(code) != again.get(code))
    if changed:
        yield f"stored rows differ from what its facts give: {', '.join(changed[:10])}"
