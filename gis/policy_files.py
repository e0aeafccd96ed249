"""A city's policy file 政策文件: read, judged, loaded; what it changes, and what it may not change any more."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from gis.assignments import reassign
from gis.city import read_city
from gis.errors import Conflict, FileError, ParameterError
from gis.patrol_tracks import MATCHED_BY, match_again
from gis.policies import LAYER, as_json, city_policies, overrides_sha256
from gis.rules.policy_judging import Judged, judge
from gis.rules.policy_overrides import UNDATED, Difference, Override, differences, policies_with
from gis.store.database import bump_version, own_ground
from gis.store.schema_cases import cases
from gis.store.schema_listings import listing_events
from gis.store.schema_policies import policy_loads, policy_overrides
from gis.store.schema_standings import standings

LARGEST_BYTES = 1 << 20
SHOWN = 20
# Histories are replayed by these numbers, so days by which something was timed keep theirs.
TIMED_BY = {
    "office_hours": (cases.c.day, "cases"),
    "listing_days": (listing_events.c.day, "listed places"),
    "hold_days": (listing_events.c.day, "listed places"),
}


@dataclass(frozen=True)
class PolicyFile:
    """A policy file that can be used.

    Parameters
    ----------
    document
        Its text, as it is.
    """

    name: str
    document: str
    judged: Judged

    @property
    def overrides(self) -> tuple[Override, ...]:
        """What it overrides, in the order of days."""
        return self.judged.overrides


@dataclass(frozen=True)
class PolicyLoad:
    """What loading a file came to.

    Parameters
    ----------
    changed
        False: it overrides what the one before did, so nothing was stored.
    differences
        Numbers that hold on other days, or are others, than before.
    reassigned
        Reports whose road segment changed, where the reach of segments did.
    matched
        Tracks of patrols that were matched anew, where the numbers of matching changed.
    """

    load_id: int | None
    changed: bool
    sha256: str
    overrides: tuple[Override, ...]
    differences: list[Difference] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reassigned: int = 0
    matched: int = 0


def read_policy_file(path: Path) -> PolicyFile:
    """Read and judge a policy file (TOML, docs/formats.md).

    Raises
    ------
    FileError
        It cannot be read, or anything in it is wrong; all of that is named.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            msg = f"{path}: larger than {LARGEST_BYTES:,} bytes; a policy file is a page of text"
            raise FileError(msg)
        text = path.read_text(encoding="utf-8")
        judged = judge(tomllib.loads(text))
    except (OSError, ValueError, RecursionError) as problem:
        msg = f"{path}: cannot be read as TOML: {problem}"
        raise FileError(msg) from problem
    if judged.problems:
        shown = judged.problems[:SHOWN]
        more = [f"and {len(judged.problems) - SHOWN} more"] if len(judged.problems) > SHOWN else []
        msg = f"{path}: cannot be used\n  " + "\n  ".join([*shown, *more])
        raise FileError(msg)
    return PolicyFile(path.name, text, judged)


def load_policy(conn: Connection, file: PolicyFile, actor: str, now: datetime) -> PolicyLoad:
    """Make a file what the city overrides, in place of the one before, which stays in the history.

    Published standings stay as they are. Where the reach of road segments changes, every report is placed anew.

    Parameters
    ----------
    now
        The clock, aware.

    Raises
    ------
    ParameterError
        `actor` is nobody.
    Conflict
        It would change a number for days by which cases or listed places were timed.
    """
    if not actor.strip() or not actor.isprintable() or len(actor) > 200:
        msg = "say who loads the policy"
        raise ParameterError("actor", msg)
    # Servers answer from memory by the reach of road segments, and imports place reports by it.
    own_ground(conn)
    today = now.astimezone(read_city(conn).zone).date()
    digest = overrides_sha256(file.overrides)
    known = newest_load(conn)
    warnings = list(file.judged.warnings)
    if digest == (known["sha256"] if known else overrides_sha256(())):
        return PolicyLoad(known["number"] if known else None, False, digest, file.overrides, warnings=warnings)
    before, after = city_policies(conn), policies_with(file.overrides)
    differ = differences(before, after)
    refuse_retimed(conn, differ, today)
    load_id = _store(conn, file, actor, digest)
    names = {one.name for one in differ}
    moved = reassign(conn) if names & set(UNDATED) else 0
    matched = match_again(conn) if names & set(MATCHED_BY) else 0
    bump_version(conn, *(["roads"] if names & set(UNDATED) else []), *(["surveys"] if matched else []))
    warnings += published_before(conn, differ)
    bump_version(conn, LAYER)
    return PolicyLoad(load_id, True, digest, file.overrides, differ, warnings, moved, matched)


def _store(conn: Connection, file: PolicyFile, actor: str, digest: str) -> int:
    values = {"loaded_by": actor.strip(), "file_name": file.name, "document": file.document, "sha256": digest}
    load_id = int(conn.execute(insert(policy_loads).values(values).returning(policy_loads.c.id)).scalar_one())
    rows = [
        {"load_id": load_id, "effective": one.effective, "name": name, "value": as_json(value), "reason": one.reason}
        for one in file.overrides
        for name, value in one.values.items()
    ]
    if rows:
        conn.execute(insert(policy_overrides), rows)
    return load_id


def refuse_retimed(conn: Connection, differ: Iterable[Difference], today: date) -> None:
    """Refuse to change, for past days, the numbers by which what happened on them was timed.

    Raises
    ------
    Conflict
        Naming the number, and from which day on it may change.
    """
    for one in differ:
        if one.name not in TIMED_BY or one.from_day > today:
            continue
        day, what = TIMED_BY[one.name]
        tomorrow = today + timedelta(days=1)
        until = min(one.to_day or tomorrow, tomorrow)
        # The first policy of all also stands for the days before it.
        chosen = [day < until]
        if one.from_day > city_policies(conn)[0].effective:
            chosen.append(day >= one.from_day)
        if conn.execute(select(func.count()).select_from(day.table).where(*chosen)).scalar_one():
            msg = (
                f"{one.name}: {what} of days before {until} were timed by {one.before}, and their histories must stay"
                f" true; it can change from {tomorrow} on"
            )
            raise Conflict(msg)


def published_before(conn: Connection, differ: Iterable[Difference]) -> list[str]:
    """Published standings that were worked out by other numbers than now hold for their days, as sentences."""
    chosen = select(standings.c.level, standings.c.period, standings.c.first_day)
    rows = conn.execute(
        chosen.where(standings.c.published_at.is_not(None))
        .distinct()
        .order_by(standings.c.first_day, standings.c.level)
    ).all()
    found = []
    for row in rows:
        names = sorted(
            {
                one.name
                for one in differ
                # A standing goes by the policy of its period's first day.
                if one.from_day <= row.first_day and (one.to_day is None or row.first_day < one.to_day)
            }
        )
        if names:
            found.append(
                f"the standing of {row.level}s of {row.period} is published by other numbers ({', '.join(names)}); "
                "it stays as it is"
            )
    return found[:SHOWN] + ([f"and {len(found) - SHOWN} more published standings"] if len(found) > SHOWN else [])


def newest_load(conn: Connection) -> dict[str, Any] | None:
    """The policy file that holds: number, loaded_at, loaded_by, file_name, sha256; None: none was ever loaded."""
    return next(policy_history(conn), None)


def policy_history(conn: Connection) -> Iterator[dict[str, Any]]:
    """All policy files that were loaded, newest first; the first of them holds."""
    names = ("loaded_at", "loaded_by", "file_name", "sha256")
    columns = [policy_loads.c.id, *(policy_loads.c[name] for name in names)]
    for row in conn.execute(select(*columns).order_by(policy_loads.c.id.desc())):
        yield dict(zip(("number", *names), row, strict=True))


def policy_document(conn: Connection, number: int) -> str | None:
    """The text of a policy file that was loaded, as it was; None: there is none of this number."""
    return conn.execute(select(policy_loads.c.document).where(policy_loads.c.id == number)).scalar()
