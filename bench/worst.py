"""The worst segments and spots of a ten-day period out of ten million reports, beside plain SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, text

from bench import importing
from bench.city import METRIC
from bench.measure import Measured, in_turn, seconds
from gis.geometry.clusters import dbscan
from gis.geometry.datum import metric_transformer
from gis.geometry.neighbours import NOISE
from gis.policies import city_policy
from gis.problem_weights import problem_weights
from gis.rules.periods import parse_period
from gis.store.database import transaction
from gis.worst_segments import WorstSegment, segment_facts, worst_segments
from gis.worst_spots import SpotFacts, WorstSpot, spot_facts, worst_spots

if TYPE_CHECKING:
    from bench.__main__ import Bench

PERIOD = parse_period("2016-06-T1")
WEIGHT = (
    "CASE s.kind WHEN 'media' THEN 2 WHEN 'sensor' THEN 0.5 ELSE 1 END * CASE WHEN k.chaos IS NULL THEN 0.5 ELSE 1 END"
)
HERE = (
    " FROM reports r JOIN sources s ON s.id = r.source_id JOIN categories k ON k.id = r.category_id"
    " WHERE r.day >= :first AND r.day < :after AND NOT EXISTS"
    " (SELECT 1 FROM shared_positions p WHERE p.lon = ST_X(r.geom) AND p.lat = ST_Y(r.geom))"
)
SEGMENTS = (
    "SELECT g.id, round(sum(x.weight) / (g.length_m / 1000), 3) AS score FROM (SELECT r.segment_id, "
    + WEIGHT
    + " AS weight"
    + HERE
    + " AND r.segment_id IS NOT NULL) x JOIN road_segments g ON g.id = x.segment_id WHERE g.length_m >= 50"
    " GROUP BY g.id HAVING count(*) >= 3 ORDER BY score DESC, g.code LIMIT 10"
)
SPOTS = (
    "SELECT count(*) AS reports, sum(weight) AS weighted FROM (SELECT weight, ST_ClusterDBSCAN(geom, 50, 5) OVER () AS cluster"
    f" FROM (SELECT {WEIGHT} AS weight, ST_SetSRID(ST_Transform(r.geom, {METRIC[5:]}), 0) AS geom {HERE}"
    " AND r.geom IS NOT NULL) x) y WHERE cluster IS NOT NULL GROUP BY cluster ORDER BY weighted DESC"
)
LIMIT_S = 1.0


def section(bench: Bench) -> list[Measured]:
    """Both lists, each out of its own source: the roll-up, and the positions of ten days."""
    held = importing.filled(bench, bench.rows(10_000_000))
    to_metric = metric_transformer(METRIC)
    days = {"first": PERIOD.first, "after": PERIOD.after}
    with transaction(bench.engine) as conn:
        policy = city_policy(conn, PERIOD.first)

        def segments() -> list[WorstSegment]:
            weights = problem_weights(conn, policy)
            return worst_segments(segment_facts(conn, PERIOD, weights), weights, policy)

        def spots() -> list[WorstSpot]:
            weights = problem_weights(conn, policy)
            return worst_spots(spot_facts(conn, PERIOD, weights, to_metric), weights, to_metric, policy)

        of_segments, answers = in_turn({"ours": segments, "sql": lambda: conn.execute(text(SEGMENTS), days).all()}, 5)
        of_spots, found = in_turn({"ours": spots}, 5)
        sql_s, theirs = seconds(lambda: conn.execute(text(SPOTS), days).all())
        facts = spot_facts(conn, PERIOD, problem_weights(conn, policy), to_metric)
        ours = [(one.segment_id, one.score) for one in answers["ours"]]
        differ = sum(one != tuple(other) for one, other in zip(ours, answers["sql"], strict=True))
        alone = _clustering(conn, facts)
    return [
        Measured(
            f"worst segments of ten days out of {held:,} reports on {len(bench.roads):,} segments",
            of_segments["ours"],
            {"one SQL statement over the reports": of_segments["sql"], "asked for": LIMIT_S},
            {"asked for": 1},
            identical=f"of 10 segments and scores {differ} differ",
        ),
        Measured(
            f"worst spots of ten days out of {held:,} reports, {len(facts.x):,} of them in the period",
            of_spots["ours"],
            {"ST_ClusterDBSCAN in one SQL statement": sql_s, "asked for": LIMIT_S},
            {"asked for": 1},
            identical=_same(facts, theirs),
            note=f"clustering alone {alone['ours']:.2f} s, ST_ClusterDBSCAN alone {alone['PostGIS']:.2f} s;"
            f" {len(found['ours'])} spots, the widest {max((one.width_m for one in found['ours']), default=0):.0f} m",
        ),
    ]


def _clustering(conn: Connection, facts: SpotFacts) -> dict[str, float]:
    conn.execute(
        text(
            "CREATE TEMP TABLE here AS SELECT ST_MakePoint(x, y) AS geom FROM unnest(CAST(:xs AS float8[]), CAST(:ys AS float8[])) AS p (x, y)"
        ),
        {"xs": facts.x.tolist(), "ys": facts.y.tolist()},
    )
    statement = text(
        "SELECT count(*) FROM (SELECT ST_ClusterDBSCAN(geom, 50, 5) OVER () AS c FROM here) x WHERE c IS NOT NULL"
    )
    spent, _ = in_turn(
        {"ours": lambda: dbscan(facts.x, facts.y, 50.0, 5), "PostGIS": lambda: conn.execute(statement).scalar()}, 3
    )
    return spent


def _same(facts: SpotFacts, theirs: list[Any]) -> str:
    """Plain clusters compared: border points may go to either of two, so numbers and sums of all are held together."""
    labels, _ = dbscan(facts.x, facts.y, 50.0, 5)
    reports = int((labels != NOISE).sum())
    clusters = len(np.unique(labels[labels != NOISE]))
    same = (clusters, reports) == (len(theirs), sum(row.reports for row in theirs))
    return f"{clusters:,} clusters with {reports:,} reports, {'as in' if same else 'NOT as in'} PostGIS"
