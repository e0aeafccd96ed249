"""Standings of 200 streets out of ten million reports: facts, a whole draft, and a year of them worked out anew."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from bench import importing
from bench.measure import Measured, in_turn, seconds
from gis.city import City, read_city
from gis.ground import Ground, load_ground
from gis.rules.periods import Period, month, parse_period, ten_day_period
from gis.standing_chain import verify_chain
from gis.standing_facts import ten_day_facts
from gis.standings import draft, publish
from gis.store.database import transaction

if TYPE_CHECKING:
    from bench.__main__ import Bench

PERIOD = parse_period("2016-06-T1")
NOW = datetime(2017, 3, 1, tzinfo=UTC)
YEARS = 3
# What a standing would be if every report were a problem of its own, none a repeat, and nothing else deducted.
SQL = """
SELECT a.id, sum(CASE WHEN k.chaos IS NULL THEN 0.05 ELSE 0.1 END * CASE s.kind WHEN 'media' THEN 2 ELSE 1 END) / min(t.km2)
FROM reports AS r
JOIN cells AS c ON c.id = r.cell_id
JOIN areas AS a ON a.id = c.area_id
JOIN categories AS k ON k.id = r.category_id
JOIN sources AS s ON s.id = r.source_id
JOIN (SELECT area_id, sum(area_km2) AS km2 FROM cells GROUP BY area_id) AS t ON t.area_id = a.id
WHERE r.day >= :first AND r.day < :after
GROUP BY a.id
"""


def survey(bench: Bench) -> None:
    """Every segment surveyed in every ten-day period of the year, but for a twentieth that never is."""
    with transaction(bench.engine) as conn:
        for period in periods_of(2016):
            conn.execute(
                text(
                    "INSERT INTO survey_periods (first, segment_id, covered, passes, last_at)"
                    " SELECT :first, id, int4multirange(int4range(0, CAST(ceil(length_m * 10) AS int) + 1)), 1, :at"
                    " FROM road_segments"
                    " WHERE id % 20 > 0 ON CONFLICT DO NOTHING"
                ),
                {"first": period.first, "at": NOW},
            )


def periods_of(year: int) -> list[Period]:
    """The ten-day periods of a year."""
    found = [ten_day_period(date(year, 1, 1))]
    while found[-1].after.year == year:
        found.append(found[-1].following())
    return found


def section(bench: Bench) -> list[Measured]:
    """One period by itself, then all of a year, published in order, and looked at again."""
    held = importing.filled(bench, bench.rows(10_000_000))
    survey(bench)
    with transaction(bench.engine, read_only=True) as conn:
        ground, city = load_ground(conn), read_city(conn)
    days = {"first": PERIOD.first, "after": PERIOD.after}
    ten_days = periods_of(2016)
    spent: dict[str, float] = {}
    for period in ten_days[: ten_days.index(PERIOD)]:
        put_out(bench, ground, city, period)
    with transaction(bench.engine, read_only=True) as conn:
        took, answers = in_turn(
            {
                "facts": lambda: ten_day_facts(conn, ground, "street", PERIOD, NOW),
                "sql": lambda: conn.execute(text(SQL), days).all(),
            },
            3,
        )
    facts = answers["facts"]

    def drafted() -> None:
        with transaction(bench.engine, snapshot=True) as conn:
            draft(conn, ground, PERIOD, "bench", NOW)

    spent["draft"], _ = seconds(drafted, rounds=3)
    for period in ten_days[ten_days.index(PERIOD) :]:
        put_out(bench, ground, city, period)
    for number in range(1, 13):
        put_out(bench, ground, city, month(date(2016, number, 1)))
    with transaction(bench.engine, read_only=True) as conn:
        spent["replay"], links = seconds(lambda: list(verify_chain(conn)))
    broken = sum(bool(link.problems) for link in links)
    problems = facts.table("problems")
    text_size = len(facts.text())
    again = sum(before > 0 for before in problems["before"].to_pylist())
    return [
        Measured(
            f"facts of ten days out of {held:,} reports, {len(problems):,} problems",
            took["facts"],
            {"one SQL statement that knows no repeats": took["sql"], "asked for": 1.0},
            {"asked for": 1},
            identical=f"{again:,} of the problems are repeats; {text_size / 1e6:.1f} MB of text",
        ),
        Measured(
            f"a draft of {len(facts.table('places'))} streets, facts included",
            spent["draft"],
            {"asked for": 3.0},
            {"asked for": 1},
        ),
        Measured(
            f"a year of publications worked out anew, {len(links)} of them, times {YEARS}",
            YEARS * spent["replay"],
            {"asked for": 120.0},
            {"asked for": 1},
            identical=f"{broken} do not hold",
        ),
    ]


def put_out(bench: Bench, ground: Ground, city: City, period: Period) -> None:
    """Draft and publish."""
    with transaction(bench.engine, snapshot=True) as conn:
        draft(conn, ground, period, "bench", NOW)
    with transaction(bench.engine) as conn:
        publish(conn, city, period, "bench", NOW)
