"""Which reports are one problem, beside PostGIS and beside plain Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, text

from gis.case_opening import open_cases
from gis.case_reads import reports_without_case
from gis.geometry.datum import metric_transformer
from tests.town import build_town, slanted, take_in, town, write_csv

REACH_M = 50.0


def crowded(count: int) -> list[tuple[str, str, str, str, str]]:
    """Reports at few places, many of them tens of metres apart, over a month."""
    rng = np.random.default_rng(11)
    spots = slanted(rng.uniform(1, 9, 12), rng.uniform(1, 8, 12))
    rows = []
    for number in range(count):
        lon, lat = spots[rng.integers(len(spots))] + rng.normal(0, 0.0004, 2)
        when = (
            f"2016-06-{rng.integers(1, 31):02d}T{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}:{number % 60:02d}"
        )
        rows.append((f"r{number}", repr(float(lon)), repr(float(lat)), when, str(rng.choice(["0505", "0501"]))))
    return rows


def expected_cases(conn: Connection) -> dict[str, int]:
    """The rule again: in the order in which they were made, each to the nearest case of its kind and period, or a new
    one.
    """
    transform = metric_transformer(town().metric_crs)
    cases: list[tuple[int, int, tuple[float, float]]] = []
    found = {}
    for ref, category, day, lon, lat in conn.execute(
        text(
            "SELECT source_ref, category_id, day, ST_X(geom), ST_Y(geom) FROM reports ORDER BY reported_at, source_ref"
        )
    ):
        here = transform.transform(lon, lat)
        third = (category, min((day.day - 1) // 10, 2))
        away = [
            (float(np.hypot(here[0] - at[0], here[1] - at[1])), number)
            for number, (kind, part, at) in enumerate(cases)
            if (kind, part) == third
        ]
        near = min((one for one in away if one[0] <= REACH_M), default=None)
        if near is None:
            cases.append((*third, here))
        found[ref] = len(cases) - 1 if near is None else near[1]
    return found


def test_cases_are_those_of_the_rule_and_of_postgis(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    take_in(conn, write_csv(tmp_path / "r.csv", crowded(400)))
    waiting = reports_without_case(conn, date(2016, 6, 1), date(2016, 7, 1))
    opened = open_cases(conn, waiting, "centre", datetime(2016, 7, 1, tzinfo=UTC))
    stored = dict(conn.execute(text("SELECT source_ref, case_id FROM case_reports")).all())
    expected = expected_cases(conn)
    assert len(stored) == 400
    assert opened == len(set(expected.values())) < 350
    numbers = {number: rank for rank, number in enumerate(sorted(set(stored.values())))}
    assert {ref: numbers[number] for ref, number in stored.items()} == expected
    # Beside PostGIS: whoever belongs to a case lies within reach of its place, and no two cases of a period do.
    within = text(
        "SELECT count(*) FROM case_reports o JOIN cases c ON c.id = o.case_id"
        " JOIN reports r ON (r.source_id, r.source_ref) = (o.source_id, o.source_ref)"
        " WHERE NOT ST_DWithin(ST_Transform(r.geom, 4547), ST_Transform(c.geom, 4547), 50)"
    )
    apart = text(
        "SELECT count(*) FROM cases a JOIN cases b ON a.id < b.id AND a.category_id = b.category_id"
        " AND least((extract(day FROM a.day)::int - 1) / 10, 2) = least((extract(day FROM b.day)::int - 1) / 10, 2)"
        " AND ST_DWithin(ST_Transform(a.geom, 4547), ST_Transform(b.geom, 4547), 50)"
    )
    assert conn.execute(within).scalar() == 0
    assert conn.execute(apart).scalar() == 0
