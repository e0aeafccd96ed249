"""Weighing results 称重结果: grams per m2 swept up at each point of a draw, from a file or one by one (clause 10).

A file goes in whole or not at all. What was written once stays: a correction is a further revision with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, text

from gis.city import read_city
from gis.dust_result_rows import OTHER_QUANTITY, SILT, Refused, ResultJudge, Weighing
from gis.errors import FileError, InputError
from gis.policies import city_policy
from gis.readers import Features, Layout, read_features
from gis.rules.dust import looks_like_silt_load, silt_load_up_to
from gis.store.database import bump_version, sql
from gis.store.schema_dust import dust_results

LAYER = "dust"
RESULTS = Layout("results", ("point", "g_per_m2"), ("weighed_on", "weighed_by", "unit", "reason"))
FIELDS = (*RESULTS.required, *RESULTS.optional)


@dataclass
class ResultSummary:
    """What became of results; added + corrected + unchanged + empty = read.

    Parameters
    ----------
    file
        Its name; None: one that was sent alone.
    empty
        Rows without a weight, as in a form that is filled in bit by bit.
    """

    file: str | None
    read: int = 0
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    empty: int = 0
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def import_results(
    conn: Connection,
    path: Path,
    now: datetime,
    mapping: Mapping[str, str] | None = None,
    *,
    encoding: str | None = None,
    reason: str | None = None,
    swept: bool = False,
) -> ResultSummary:
    """Take in a file of results; rows without a weight are passed over.

    Parameters
    ----------
    now
        Aware; nothing can have been weighed later.
    reason
        Of corrections whose row gives none.
    swept
        Somebody vouches that low weights are what was swept up, and no silt load.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    features = read_features(path, None, mapping or {}, RESULTS, encoding=encoding)
    _refuse_silt_column(path, (mapping or {}).get("g_per_m2", ""))
    summary = ResultSummary(path.name, features.rows)
    judge = _judge(conn, now)
    rows = _judged(features, judge, reason, summary)
    features.refuse()
    if rows and not swept:
        _refuse_silt_load(conn, path, rows)
    _store(conn, rows, summary)
    return summary


def add_result(conn: Connection, one: Weighing, now: datetime) -> ResultSummary:
    """Take in one result; the same again changes nothing.

    Raises
    ------
    InputError
        It cannot go in.
    """
    try:
        found = _judge(conn, now).judge(one)
    except Refused as problem:
        raise InputError(str(problem)) from problem
    summary = ResultSummary(None, 1, unchanged=int(found is None))
    if found is not None:
        silt = silt_load_up_to(city_policy(conn, found["weighed_on"]))
        if found["g_per_m2"] <= silt:
            summary.warnings.append(f"{found['g_per_m2']} g/m2 is as little as silt load has; {OTHER_QUANTITY}")
        _store(conn, [found], summary)
    return summary


def _judge(conn: Connection, now: datetime) -> ResultJudge:
    """What results are judged by; nobody else writes any until this transaction ends."""
    conn.execute(text("LOCK TABLE dust_results IN SHARE ROW EXCLUSIVE MODE"))
    zone = read_city(conn).zone
    draws = {row.period: row for row in conn.execute(sql("dust_draws"), {"period": None})}
    return ResultJudge(draws, _Places(conn, draws), now.astimezone(zone).date(), zone)


class _Places(dict[tuple[str, int, int], Any]):
    """Points with their last results, read draw by draw when one is first asked for."""

    def __init__(self, conn: Connection, draws: Mapping[str, Any]) -> None:
        super().__init__()
        self._conn, self._draws, self._read = conn, draws, set[str]()

    def __missing__(self, key: tuple[str, int, int]) -> Any:
        """Read the draw of the key; None where it has no such point."""
        if key[0] not in self._read:
            self._read.add(key[0])
            for row in self._conn.execute(sql("dust_points"), {"draw_id": self._draws[key[0]].id}):
                self[key[0], row.road, row.point] = row
        return self.get(key)


def _judged(features: Features, judge: ResultJudge, reason: str | None, summary: ResultSummary) -> list[dict[str, Any]]:
    rows = []
    for at, values in enumerate(zip(*map(features.column, FIELDS), strict=True)):
        one = Weighing(**dict(zip(FIELDS, values, strict=True)))
        if one.g_per_m2 is None:
            summary.empty += 1
            continue
        try:
            found = judge.judge(one if one.reason else replace(one, reason=reason))
        except Refused as problem:
            features.reject(at, str(problem))
            continue
        if found is None:
            summary.unchanged += 1
        else:
            rows.append(found | {"file_name": features.path.name})
    return rows


def _refuse_silt_column(path: Path, column: str) -> None:
    if SILT.search(column):
        msg = f"{path.name}: the column {column!r} is no g_per_m2: {OTHER_QUANTITY}"
        raise FileError(msg)


def _refuse_silt_load(conn: Connection, path: Path, rows: list[dict[str, Any]]) -> None:
    weights: list[Decimal] = [row["g_per_m2"] for row in rows]
    policy = city_policy(conn, rows[0]["weighed_on"])
    if looks_like_silt_load(weights, policy):
        msg = (
            f"{path.name}: half of its {len(weights)} new weights are not above {silt_load_up_to(policy)} g/m2. "
            f"{OTHER_QUANTITY[0].upper()}{OTHER_QUANTITY[1:]}; if this is what was swept up after all, say --swept"
        )
        raise FileError(msg)


def _store(conn: Connection, rows: list[dict[str, Any]], summary: ResultSummary) -> None:
    if not rows:
        return
    conn.execute(insert(dust_results), rows)
    summary.added = sum(row["revision"] == 1 for row in rows)
    summary.corrected = len(rows) - summary.added
    bump_version(conn, LAYER)
