"""Departments 责任部门 and the time that a case of each category may take 处置时限 (clause 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, select

from gis.loading import INTEGER, TEXT, LoadSummary, stage
from gis.readers import Layout, read_features
from gis.report_rows import AMBIGUOUS
from gis.reports import category_spellings
from gis.store.database import bump_version, sql
from gis.store.schema_cases import LIMIT_UNITS, departments

DEPARTMENTS = Layout("departments", ("code", "name"), ("name_en",))
LIMITS = Layout("limits", ("category", "amount", "unit"), ("department",))
LARGEST = 10_000


def load_departments(
    conn: Connection, path: Path, mapping: Mapping[str, str] | None = None, *, encoding: str | None = None
) -> LoadSummary:
    """Load departments; those that the file lacks stay, as cases may be theirs.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    features = read_features(path, None, mapping or {}, DEPARTMENTS, encoding=encoding)
    codes, names = features.column("code"), features.column("name")
    times = Counter(codes)
    for at, (code, name) in enumerate(zip(codes, names, strict=True)):
        empty = [field for field, value in (("code", code), ("name", name)) if not value]
        if empty:
            features.reject(at, f"it has no {' and no '.join(empty)}")
        elif times[code] > 1:
            features.reject(at, f"{code} stands in the file more than once")
    features.refuse()
    columns = {name: (TEXT, features.column(name)) for name in ("code", "name", "name_en")}
    stage(conn, "incoming_departments", columns)
    summary = LoadSummary.of("departments", features)
    summary.merged(list(conn.execute(sql("merge_departments")).scalars()))
    if summary.changes:
        bump_version(conn, "departments")
    return summary


def load_limits(
    conn: Connection, path: Path, mapping: Mapping[str, str] | None = None, *, encoding: str | None = None
) -> LoadSummary:
    """Load how long cases of a category may take and which department leads; cases that are open keep what they have.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    features = read_features(path, None, mapping or {}, LIMITS, encoding=encoding)
    spellings = category_spellings(conn)
    known = dict(conn.execute(select(departments.c.code, departments.c.id)).all())
    columns = [features.column(name) for name in ("category", "amount", "unit", "department")]
    ids: list[int | None] = []
    for at, (category, amount, unit, department) in enumerate(zip(*columns, strict=True)):
        found = spellings.get(category or "")
        ids.append(found)
        if found is None:
            features.reject(at, f"the category {category!r} is not in the dictionary")
        elif found == AMBIGUOUS:
            features.reject(
                at, f"the category {category!r} is ambiguous; write event:{category} or component:{category}"
            )
        elif not (amount or "").isdecimal() or not 1 <= int(amount or 0) <= LARGEST:
            features.reject(at, f"the amount {amount!r} is no whole number from 1 to {LARGEST}")
        elif unit not in LIMIT_UNITS:
            features.reject(at, f"the unit {unit!r} is none of {', '.join(LIMIT_UNITS)}")
        elif department and department not in known:
            features.reject(at, f"the department {department!r} is not loaded")
        elif ids.count(found) > 1:
            features.reject(at, f"the category {category!r} has a limit in the file already")
    features.refuse()
    stage(
        conn,
        "incoming_limits",
        {
            "category_id": (INTEGER, ids),
            "amount": (INTEGER, [int(amount or 0) for amount in columns[1]]),
            "unit": (TEXT, columns[2]),
            "department_id": (INTEGER, [known.get(code or "") for code in columns[3]]),
        },
    )
    summary = LoadSummary.of("limits", features)
    summary.merged(list(conn.execute(sql("merge_limits")).scalars()))
    if summary.changes:
        bump_version(conn, "departments")
    return summary
