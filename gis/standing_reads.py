"""Reading standings 排名: a period's rows, one row opened down to its causes, and what there is (clause 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from gis.errors import NotFound
from gis.fact_text import Facts, read_facts, unpacked
from gis.rules.deductions import CLAUSES, KINDS, PROBLEM, points, repeat_multiplier, times_noticed
from gis.rules.periods import Period, parse_period
from gis.rules.policy import Policy
from gis.rules.ranking import TEN_DAYS
from gis.standing_chain import policy_of
from gis.standing_rows import Term, is_month, problem_keys, problem_of, terms_of, units_of
from gis.store.schema_standings import standing_rows, standings

COLUMNS = (
    "rank",
    "code",
    "name",
    "deduction",
    "area_km2",
    "density",
    "score",
    "problems",
    "coverage",
    "provisional",
    "reward_yuan",
    "bottom_run",
    "consequences",
    "rank_low",
    "rank_high",
    "smoothed",
    "apart",
    "parts",
    "note",
)
HEAD = (
    "level",
    "period",
    "revision",
    "state",
    "as_of",
    "policy_effective",
    "facts_sha256",
    "result_sha256",
    "previous_sha256",
    "sha256",
    "link",
    "drafted_at",
    "drafted_by",
    "published_at",
    "published_by",
    "reason",
)
MOST_CAUSES = 1000
E7 = 10_000_000


@dataclass(frozen=True)
class Standing:
    """A standing with its rows.

    Parameters
    ----------
    record
        The row of `standings`.
    rows
        With COLUMNS and area_id, best first, those without rank last.
    """

    record: Row[Any]
    rows: list[dict[str, Any]]

    def head(self) -> dict[str, Any]:
        """What an answer says besides its rows."""
        one = self.record
        own = {"state": "published" if one.published_at else "draft"}
        return {name: own[name] if name in own else getattr(one, name) for name in HEAD} | {
            "from": one.first_day,
            "to": one.after_day,
            "money": money_of(self.rows),
        }

    def shown(self) -> list[dict[str, Any]]:
        """The rows with COLUMNS."""
        return [{name: row[name] for name in COLUMNS} for row in self.rows]

    def row(self, code: str) -> dict[str, Any]:
        """The row of a street or district.

        Raises
        ------
        NotFound
            The standing has none of this code.
        """
        for row in self.rows:
            if row["code"] == code:
                return row
        msg = f"{self.record.period} ranks no {self.record.level} {code[:40]!r}"
        raise NotFound(msg)

    def facts(self) -> Facts:
        """What it was worked out from."""
        return read_facts(unpacked(self.record.facts))

    @property
    def policy(self) -> Policy:
        """Whose numbers were used."""
        return policy_of(self.record.policy)


def money_of(rows: list[dict[str, Any]]) -> dict[str, int]:
    """What moves: paid out, taken, and their sum, which is 0."""
    yuan = [row["reward_yuan"] for row in rows]
    paid = sum(one for one in yuan if one > 0)
    taken = -sum(one for one in yuan if one < 0)
    return {"rewards_yuan": paid, "penalties_yuan": taken, "balance_yuan": paid - taken}


def read_standing(conn: Connection, level: str, period: Period, revision: int | None = None) -> Standing:
    """One standing.

    Parameters
    ----------
    revision
        None: the newest published one, else the draft.

    Raises
    ------
    NotFound
        There is none.
    """
    asked = select(standings).where(standings.c.level == level, standings.c.period == period.name)
    if revision is not None:
        asked = asked.where(standings.c.revision == revision)
    newest = asked.order_by(standings.c.published_at.is_(None), standings.c.revision.desc()).limit(1)
    record = conn.execute(newest).first()
    if record is None:
        which = "" if revision is None else f" revision {revision}"
        msg = f"there is no standing of {level}s for {period.name}{which}: finegrid standings draft {period.name}"
        raise NotFound(msg)
    names = (*COLUMNS, "area_id")
    rows = conn.execute(
        select(*(standing_rows.c[name] for name in names))
        .where(standing_rows.c.standing_id == record.id)
        .order_by(standing_rows.c.rank.nulls_last(), standing_rows.c.code)
    )
    return Standing(record, [_with_numbers(dict(row)) for row in rows.mappings()])


def _with_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Points by kind as exact numbers, which JSON in the database keeps as text."""
    return row | {"parts": {kind: Decimal(row["parts"][kind]) for kind in KINDS if kind in row["parts"]}}


def newest_period(conn: Connection, level: str | None) -> Period:
    """The newest period of which a standing was published.

    Parameters
    ----------
    level
        What it ranks; None: streets, or what ten-day periods rank here.

    Raises
    ------
    NotFound
        None was.
    """
    asked = select(standings.c.period).where(standings.c.link.is_not(None))
    asked = asked.where(standings.c.period.like("%T%")) if level is None else asked.where(standings.c.level == level)
    name = conn.execute(asked.order_by(standings.c.first_day.desc(), standings.c.after_day).limit(1)).scalar()
    if name is None:
        what = "" if level is None else f" of {level[:20]}s"
        msg = f"no standing{what} was published yet: finegrid standings draft PERIOD"
        raise NotFound(msg)
    return parse_period(name)


def list_standings(conn: Connection, level: str | None = None, from_day: date | None = None) -> list[dict[str, Any]]:
    """Every draft and publication, newest period first, newest revision first."""
    stored = [name for name in HEAD if name != "state"]
    asked = select(*(standings.c[name] for name in stored))
    if level is not None:
        asked = asked.where(standings.c.level == level)
    if from_day is not None:
        asked = asked.where(standings.c.first_day >= from_day)
    asked = asked.order_by(standings.c.first_day.desc(), standings.c.level, standings.c.revision.desc())
    rows = conn.execute(asked)
    return [
        {"state": "published" if row.published_at else "draft", **dict(zip(stored, row, strict=True))} for row in rows
    ]


@dataclass(frozen=True)
class Opened:
    """A row opened: the sum by terms, and the causes of each.

    Parameters
    ----------
    terms
        kind, clause, count, points_each, points and, of problems, category, category_name, source_kind, exposed, times
        and multiplier; largest first. They add up to the deduction.
    causes
        What each deduction stands for, largest first: of a problem its source, ref, segment, road, lon and lat.
    """

    row: dict[str, Any]
    terms: list[dict[str, Any]]
    causes: list[dict[str, Any]]


def opened(standing: Standing, code: str) -> Opened:
    """A row down to every deduction and its cause.

    Raises
    ------
    NotFound
        The standing has no such row.
    """
    row = standing.row(code)
    facts, policy = standing.facts(), standing.policy
    codes = facts.table("places")["code"].to_pylist()
    place = codes.index(code)
    if is_month(facts):
        return Opened(row, [], list(_parts(facts, place)))
    terms = [term for term in terms_of(facts, policy) if term.place == place]
    shown = [_term(facts, term, policy) for term in _joined(terms)]
    causes = [*_problem_causes(facts, place, terms), *_other_causes(facts, place, policy)]
    causes.sort(key=lambda one: -one["points"])
    return Opened(row, sorted(shown, key=lambda one: -one["points"]), causes)


def _joined(terms: list[Term]) -> list[Term]:
    """Terms of other kinds than problems that cost the same, together."""
    counts: dict[tuple[str, int], int] = defaultdict(int)
    for term in terms:
        if term.problem is None:
            counts[term.kind, term.units] += term.count
    others = [Term(terms[0].place, kind, count, units) for (kind, units), count in counts.items()]
    return [term for term in terms if term.problem is not None] + others


def _term(facts: Facts, term: Term, policy: Policy) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": term.kind,
        "clause": CLAUSES[term.kind],
        "count": term.count,
        "points_each": points(term.units),
        "points": points(term.units * term.count),
    }
    if term.problem is not None:
        category = facts.table("categories").slice(term.category, 1).to_pylist()[0]
        times = times_noticed(term.problem.before, surveyed=term.problem.surveyed)
        shown |= {
            "category": category["code"],
            "category_name": category["name"],
            "source_kind": term.problem.source_kind,
            "exposed": term.problem.exposed,
            "times": times,
            "multiplier": repeat_multiplier(times, policy),
        }
    return shown


def _problem_causes(facts: Facts, place: int, terms: list[Term]) -> Iterator[dict[str, Any]]:
    mine = np.flatnonzero(facts.numbers("problems", "place") == place)
    rows = facts.table("problems").take(mine).to_pylist()
    categories = facts.table("categories").to_pylist()
    sources = facts.table("sources").to_pylist()
    segments = facts.table("segments").to_pylist()
    cost = {term.problem: term.units for term in terms}
    keys = problem_keys(facts)[mine]
    for row, key in zip(rows, keys.tolist(), strict=True):
        problem = problem_of(key, categories, sources)
        segment = segments[row["segment"]] if row["segment"] >= 0 else None
        yield {
            "kind": PROBLEM,
            "points": points(cost[problem]),
            "category": categories[row["category"]]["code"],
            "source": sources[row["source"]]["name"],
            "source_ref": row["ref"],
            "reports": row["reports"],
            "exposed": bool(row["exposed"]),
            "times": times_noticed(row["before"], surveyed=bool(row["surveyed"])),
            "segment": segment and segment["code"],
            "road": segment and (segment["name"] or None),
            "lon": row["lon_e7"] / E7,
            "lat": row["lat_e7"] / E7,
        }


def _other_causes(facts: Facts, place: int, policy: Policy) -> Iterator[dict[str, Any]]:
    for name, kind in zip(("responses", "listings", "dust", "media"), KINDS[1:4] + KINDS[5:], strict=True):
        for row in facts.table(name).to_pylist():
            units = units_of(kind, row, policy) if row["place"] == place else 0
            if units:
                cause = {key: value for key, value in row.items() if key not in ("place", "points")}
                yield {"kind": kind, "points": points(units), **cause}
    own = facts.table("places").slice(place, 1).to_pylist()[0]
    units = units_of(KINDS[4], own, policy)
    if units:
        needed = {name: own[name] for name in ("enforcement_needed", "enforcement_valid")}
        yield {"kind": KINDS[4], "points": points(units), **needed}


def _parts(facts: Facts, place: int) -> Iterator[dict[str, Any]]:
    """Of a month: the ten-day rows that were pooled."""
    for row in facts.table("parts").to_pylist():
        if row["place"] == place:
            yield {
                "kind": TEN_DAYS,
                "points": points(row["units"]),
                "code": row["code"],
                "name": row["name"],
                "period": row["period"],
                "revision": row["revision"],
                "sha256": row["sha256"],
                "area_km2": Decimal(row["dm2"]).scaleb(-8),
                "days": row["days"],
                "problems": row["problems"],
            }
