"""Responsible persons 责任人: who answers for a cell or an area, and when; one at any instant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, text

from gis.city import read_city
from gis.loading import INSTANT, INTEGER, TEXT, LoadSummary, spans, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, own_ground, sql
from gis.store.schema_duty import SCOPES

RESPONSIBLES = Layout("responsibles", ("ref", "name", "scope", "code"), ("phone", "valid_from", "valid_to"))


def load_responsibles(
    conn: Connection,
    path: Path,
    mapping: Mapping[str, str] | None = None,
    *,
    replace_others: bool = False,
    encoding: str | None = None,
) -> LoadSummary:
    """Load responsible persons with their places and times.

    `scope` says what `code` is: `cell`, one cell; `cells`, an area, each of whose live cells the person answers for;
    `area`, an area that the person heads, without its cells. `valid_from` is the first instant, `valid_to` the first no
    longer: ISO days or times, in the city's time zone where they name none; empty is open. A stored responsibility of
    the same person, place and beginning gets the new end; all others stay. The summary counts responsibilities.

    Parameters
    ----------
    replace_others
        For the places in the file, the file is the whole truth: what else is stored there is removed.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in, or both that answer for one place at once; nothing was changed.
    """
    own_ground(conn)
    city = read_city(conn)
    features = read_features(path, None, mapping or {}, RESPONSIBLES, encoding=encoding)
    first, stop = spans(features, "valid_from", "valid_to", city)
    _judge(conn, features)
    features.refuse()
    names = ("ref", "name", "phone", "scope", "code")
    stage(
        conn,
        "incoming_responsibles",
        {
            "row": (INTEGER, list(range(1, features.rows + 1))),
            **{name: (TEXT, features.column(name)) for name in names},
            "first": (INSTANT, first.instants),
            "stop": (INSTANT, stop.instants),
        },
    )
    conn.execute(text("DROP TABLE IF EXISTS pg_temp.incoming_places"))
    places = conn.execute(sql("place_responsibles")).rowcount
    conn.execute(text("ANALYZE incoming_places"))
    _refuse_empty(conn, features)
    _refuse_overlaps(conn, features, replace_others=replace_others)
    summary = LoadSummary.of("responsibles", features)
    summary.counted = "responsibilities"
    persons = conn.execute(sql("merge_persons")).rowcount
    removed = conn.execute(sql("forget_responsibilities")).rowcount if replace_others else 0
    summary.changed = conn.execute(sql("forget_other_ends")).rowcount
    written = conn.execute(sql("add_responsibilities")).rowcount
    summary.added, summary.retired = written - summary.changed, removed
    summary.unchanged = places - written
    if summary.changes or persons:
        bump_version(conn, "responsibles")
    return summary


def _judge(conn: Connection, features: Features) -> None:
    cells = set(conn.execute(text("SELECT code FROM cells WHERE retired_at IS NULL")).scalars())
    areas = set(conn.execute(text("SELECT code FROM areas WHERE retired_at IS NULL")).scalars())
    persons: dict[str, tuple[int, tuple[str | None, str | None]]] = {}
    columns = [features.column(name) for name in ("ref", "name", "phone", "scope", "code")]
    for at, (ref, name, phone, scope, code) in enumerate(zip(*columns, strict=True)):
        empty = [field for field, value in (("ref", ref), ("name", name), ("code", code)) if not value]
        if ref:
            row, described = persons.setdefault(ref, (at + 1, (name, phone)))
            if described != (name, phone):
                features.reject(at, f"the person {ref} has another name or phone in row {row}")
        if empty:
            features.reject(at, f"it has no {' and no '.join(empty)}")
        elif scope not in SCOPES:
            features.reject(at, f"the scope {scope!r} is none of {', '.join(SCOPES)}")
        elif scope == "cell" and code not in cells:
            features.reject(at, f"the cell {code} is not known")
        elif scope != "cell" and code not in areas:
            features.reject(at, f"the area {code} is not known")


def _refuse_empty(conn: Connection, features: Features) -> None:
    for row, code in conn.execute(sql("responsibles_without_cells")):
        features.reject(row - 1, f"the area {code} has no cells to answer for: load cells or make the grid first")
    features.refuse()


def _refuse_overlaps(conn: Connection, features: Features, *, replace_others: bool) -> None:
    """Reject rows that would give a place two persons at once; the exclusion constraints stay the judge."""
    for twice in conn.execute(sql("responsibles_twice")):
        where = _places(twice.code, twice.places)
        reason = f"it shares time at {where} with row {twice.first}; a place has one person at any instant"
        features.reject(twice.second - 1, reason)
    for taken in () if replace_others else conn.execute(sql("responsibles_taken")):
        where = _places(taken.code, taken.places)
        reason = f"{taken.ref} {taken.name}, loaded before, answers for {where} at that time"
        features.reject(taken.row - 1, f"{reason}: end that with its valid_to, or --replace what is stored there")
    features.refuse()


def _places(code: str, count: int) -> str:
    return code if count == 1 else f"{code} and {count - 1} more"
