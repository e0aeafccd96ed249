"""Indicators and double ten over 300,000 cases with two and a half million events."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from bench import importing
from bench.measure import Measured, in_turn
from gis.ground import load_ground
from gis.indicators import IndicatorQuery, indicators
from gis.response import ResponseQuery, response
from gis.response_live import LiveQuery, response_live
from gis.store.database import transaction

if TYPE_CHECKING:
    from bench.__main__ import Bench

NOW = datetime(2017, 3, 1, tzinfo=UTC)
TEN_DAYS = (date(2016, 6, 1), date(2016, 6, 11))
YEAR = (date(2016, 1, 1), date(2017, 1, 1))
ZONE = ZoneInfo("Asia/Shanghai")

# Every random number is made before it is used twice; a case takes some minutes to verify and days to close.
REPORTS = """
INSERT INTO reports (source_id, source_ref, category_id, import_id, reported_at, day, cell_id, geom)
SELECT 1, 'case-' || n, 1 + n % 4, :import_id, at, CAST(at AT TIME ZONE 'Asia/Shanghai' AS date), c.id,
    ST_PointOnSurface(c.geom)
FROM (
    SELECT n, timestamptz '2015-12-31T16:00Z' + interval '365 days' * random() AS at,
        1 + CAST(floor(random() * :cells) AS int) AS cell
    FROM generate_series(1, :count) AS n
) AS r
JOIN cells AS c ON c.id = r.cell
"""
CASES = """
INSERT INTO cases (source_id, source_ref, category_id, geom, found_at, day, state, events, department_id, limit_unit,
    allowed, clock_since, due_at, reworks, extensions, arrived_at, failed_at, enforced_at, accepted_at, filed_at,
    dispatched_at, ended_at, on_time, last_at)
SELECT 1, source_ref, category_id, geom, found_at, day, CASE WHEN done THEN 'closed' ELSE 'dispatched' END,
    6 + CASE WHEN done THEN 3 + CAST(extended AS int) + 3 * CAST(reworked AS int) ELSE 0 END, 1 + category_id % 3,
    'calendar_days', '7 days', CASE WHEN NOT done THEN filed_at END,
    CASE WHEN NOT done THEN filed_at + interval '7 days' END, CAST(done AND reworked AS int),
    CAST(done AND extended AS int), arrived_at,
    CASE WHEN fails THEN arrived_at + interval '5 min' END,
    CASE WHEN fails THEN arrived_at + interval '20 min' * slow END, found_at + interval '20 min',
    filed_at, filed_at + interval '30 min', CASE WHEN done THEN filed_at + took END,
    CASE WHEN done THEN took <= interval '7 days' END, CASE WHEN done THEN filed_at + took ELSE filed_at + interval '30 min' END
FROM (
    SELECT r.*, reported_at AS found_at, reported_at + interval '1 hour' AS filed_at,
        reported_at + interval '15 min' * slow AS arrived_at, interval '5 days' * (0.2 + slow * slow * 3) AS took,
        luck < 0.95 AS done, luck < 0.05 AS extended, luck > 0.9 AS reworked, luck > 0.8 AS fails
    FROM (SELECT *, random() AS luck, random() AS slow FROM reports WHERE source_ref LIKE 'case-%') AS r
) AS r
"""
EVENTS = """
INSERT INTO case_events (case_id, number, move, state, at, actor, department_id, due_at)
SELECT c.id, row_number() OVER (PARTITION BY c.id ORDER BY e.number), e.move, e.state,
    CASE WHEN e.number <= 6 THEN c.found_at + e.number * interval '10 min'
         WHEN e.move = 'close' THEN c.ended_at WHEN e.move = 'fail' THEN c.failed_at
         WHEN e.move = 'enforce' THEN c.enforced_at ELSE c.filed_at + (c.ended_at - c.filed_at) * (e.number / 20.0) END,
    'bench', CASE e.move WHEN 'dispatch' THEN c.department_id END,
    CASE WHEN e.number BETWEEN 5 AND 15 THEN c.filed_at + interval '7 days' END
FROM cases AS c, LATERAL (VALUES
    (1, 'open', 'reported', true), (2, 'verify', 'verified', true), (3, 'accept', 'accepted', true),
    (4, 'arrive', 'accepted', true), (5, 'file', 'filed', true), (6, 'dispatch', 'dispatched', true),
    (7, 'extend', 'dispatched', c.extensions > 0), (8, 'handle', 'handled', c.ended_at IS NOT NULL),
    (9, 'rework', 'dispatched', c.reworks > 0), (10, 'handle', 'handled', c.reworks > 0),
    (11, 'check', 'checked', c.ended_at IS NOT NULL), (12, 'fail', 'checked', c.failed_at IS NOT NULL),
    (13, 'enforce', 'checked', c.failed_at IS NOT NULL), (16, 'close', 'closed', c.ended_at IS NOT NULL)
) AS e (number, move, state, happened)
WHERE e.happened
"""
# What the indicators' closure rate would be without the columns that replaying keeps: everything out of the events.
FROM_EVENTS = """
SELECT count(*) FILTER (WHERE closed) AS closed, count(*) FILTER (WHERE overdue) AS overdue
FROM (
    SELECT bool_or(move = 'close' AND at >= :a) AS closed,
        (array_agg(state ORDER BY number DESC))[1] NOT IN ('closed', 'void')
            AND (array_agg(due_at ORDER BY number DESC))[1] < :b AS overdue
    FROM case_events
    WHERE at < :b AND move NOT IN ('arrive', 'fail', 'enforce')
    GROUP BY case_id
) AS c
"""


def fill(conn: Connection, count: int) -> int:
    """Cases of a year; answers how many events they have."""
    conn.execute(text("SELECT setseed(0.5)"))
    conn.execute(text("SET LOCAL session_replication_role = replica"))
    added = "INSERT INTO imports (file_name, file_sha256, crs) VALUES ('bench', '', 'wgs84') RETURNING id"
    import_id = conn.execute(text(added)).scalar_one()
    conn.execute(text("INSERT INTO departments (code, name) SELECT 'D' || n, 'D' || n FROM generate_series(1, 3) AS n"))
    conn.execute(text("UPDATE categories SET chaos = 'parking' WHERE code = '0505'"))
    conn.execute(text("UPDATE categories SET chaos = 'trading' WHERE code = '0501'"))
    cells = conn.execute(text("SELECT max(id) FROM cells")).scalar_one()
    conn.execute(text(REPORTS), {"count": count, "cells": cells, "import_id": import_id})
    conn.execute(text(CASES))
    return int(conn.execute(text(EVENTS)).rowcount)


def section(bench: Bench) -> list[Measured]:
    """Streets over ten days and a year, both long past, so that most cases have moved on since."""
    importing.forget_reports(bench)
    count = bench.rows(300_000)
    with transaction(bench.engine) as conn:
        events = fill(conn, count)
    with bench.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE reports, cases, case_events"))
    lines = []
    with transaction(bench.engine, read_only=True) as conn:
        ground = load_ground(conn)
        for name, window in (("ten days", TEN_DAYS), ("a year", YEAR)):
            spans = dict(zip("ab", (datetime.combine(day, time(), ZONE) for day in window), strict=True))

            def ours(level: str, window: tuple[date, date] = window) -> Any:
                return indicators(conn, ground, level, IndicatorQuery(*window), NOW)

            def events_alone(spans: dict[str, Any] = spans) -> Any:
                return conn.execute(text(FROM_EVENTS), spans).one()

            works = {
                "streets": lambda: ours("street"),
                "departments": lambda: ours("department"),
                "cells": lambda: ours("cell"),
                "events": events_alone,
            }
            took, answers = in_turn(works, 3)
            total = sum(one.closed for one in answers["streets"].counts.values())
            lines.append(
                Measured(
                    f"indicators of 200 streets, {name} of {count:,} cases with {events:,} events",
                    took["streets"],
                    {"closed and overdue alone, out of the events, whole city": took["events"]},
                    identical=f"{total:,} closed",
                    note=f"by department {took['departments']:.3f} s, by cell {took['cells']:.3f} s",
                )
            )
            spent, _ = in_turn(
                {
                    "response": lambda window=window: response(conn, ground, "street", ResponseQuery(*window), NOW),
                    "hour": lambda window=window: response(conn, ground, "hour", ResponseQuery(*window), NOW),
                    "live": lambda: response_live(conn, ground, LiveQuery(600), NOW - timedelta(days=200)),
                },
                3,
            )
            lines.append(
                Measured(
                    f"double ten of 200 streets, {name}",
                    spent["response"],
                    {"by hour of day": spent["hour"]},
                    note=f"the live list of a past instant {spent['live']:.4f} s",
                )
            )
    return lines
