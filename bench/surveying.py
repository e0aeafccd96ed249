"""Coverage of all roads out of a quarter of patrol passes, and GPS tracks matched to segments."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from bench.city import SEED
from bench.measure import Measured, in_turn, seconds
from gis.city import read_city
from gis.coverage import Coverage, road_coverage
from gis.geometry.datum import metric_transformer
from gis.patrol_tracks import Track, load_network, match_rules
from gis.patrol_writer import WHOLE, Passes, surveyor_ids, write_passes
from gis.patrols import open_import
from gis.policies import city_policy
from gis.road_areas import place_segments
from gis.rules.periods import parse_period, ten_day_period
from gis.store.database import transaction
from gis.unsurveyed import MissingQuery, missing_segments

if TYPE_CHECKING:
    from bench.__main__ import Bench

FIRST_DAY, LAST_DAY = date(2016, 4, 1), date(2016, 7, 1)
PERIOD, MONTH = parse_period("2016-06-T1"), parse_period("2016-06")
PASSES_PER_PERIOD = 4
"""How often a segment is passed in a period, on average; half of the passes cover all of it."""
FIX_M, NOISE_M, M_PER_DEG = 8.0, 4.0, 100_000
SEGMENTS_A_TRACK, SLOW_FIXES = 40, 5_000
ASKED_S = 1.0


def section(bench: Bench) -> list[Measured]:
    """A quarter of passes, then what is asked of them; then tracks."""
    with transaction(bench.engine) as conn:
        conn.execute(text("TRUNCATE patrol_imports CASCADE"))
        conn.execute(text("TRUNCATE survey_periods"))
        placed_s, placed = seconds(lambda: place_segments(conn))
        written_s, written = seconds(lambda: _fill(conn))
    with bench.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE patrol_passes, survey_periods, road_segments"))
    with transaction(bench.engine, read_only=True) as conn:
        lines = _asked(conn, placed, placed_s, written, written_s)
        return [*lines, _tracks(conn, bench)]


def _fill(conn: Connection) -> int:
    """Passes of nine periods; how many."""
    ids = np.array(conn.execute(text("SELECT id FROM road_segments ORDER BY id")).scalars().all(), np.int32)
    import_id = open_import(conn, "bench", b"bench", None).import_id
    surveyor = surveyor_ids(conn, ["bench"])[0]
    rng = np.random.default_rng(SEED + 7)
    written, period = 0, ten_day_period(FIRST_DAY)
    while period.first < LAST_DAY:
        count = PASSES_PER_PERIOD * len(ids)
        first = (period.first - date(1970, 1, 1)).days
        day = (first + rng.integers(0, period.days, count)).astype(np.int32)
        low = rng.integers(0, 1500, count).astype(np.int32)
        high = np.where(rng.random(count) < 0.5, WHOLE, low + rng.integers(100, 2000, count)).astype(np.int32)
        passes = Passes(
            rng.choice(ids, count),
            np.full(count, surveyor, np.int32),
            day * np.int64(86_400_000_000) + rng.integers(0, 86_400_000_000, count),
            day,
            np.where(high == WHOLE, 0, low).astype(np.int32),
            high,
            np.zeros(count, np.int64),
            np.full(count, import_id),
        )
        written += write_passes(conn, passes)[0]
        period = period.following()
    return written


# What somebody writes who has the passes and no roll-up: union and clip in one statement.
FROM_PASSES = """
SELECT a.code, sum(CASE WHEN c.covered @> int4range(0, ceil(s.length_m * 10)::int) THEN s.length_m ELSE least(s.length_m, (
    SELECT coalesce(sum(upper(part) - lower(part)), 0) / 10.0
    FROM unnest(c.covered * int4multirange(int4range(0, ceil(s.length_m * 10)::int))) AS part)) END)
FROM road_segments s
JOIN areas a ON a.id = s.area_id
JOIN (
    SELECT segment_id, range_agg(int4range(from_dm, to_dm)) AS covered
    FROM patrol_passes WHERE day >= :first AND day < :after GROUP BY segment_id
) c ON c.segment_id = s.id
GROUP BY a.code
"""
NEAREST_MISSING = """
SELECT s.code
FROM road_segments s
LEFT JOIN (
    SELECT segment_id, range_agg(int4range(from_dm, to_dm)) AS covered
    FROM patrol_passes WHERE day >= :first AND day < :after GROUP BY segment_id
) c ON c.segment_id = s.id
WHERE surveyed_m(c.covered, s.length_m) < 0.8 * s.length_m
ORDER BY ST_Distance(s.geom_m, ST_Point(:x, :y)), s.code
LIMIT 20
"""
NEAREST_SEGMENT = """
SELECT count(s.id)
FROM unnest(CAST(:x AS float8[]), CAST(:y AS float8[])) AS p (x, y)
LEFT JOIN LATERAL (
    SELECT id FROM road_segments WHERE ST_DWithin(geom_m, ST_Point(p.x, p.y), 20)
    ORDER BY geom_m <-> ST_Point(p.x, p.y) LIMIT 1
) s ON true
"""


def _asked(conn: Connection, placed: int, placed_s: float, written: int, written_s: float) -> list[Measured]:
    x, y = conn.execute(
        text("SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Centroid(ST_Collect(geom)) p FROM areas) q")
    ).one()
    segments = conn.execute(text("SELECT count(*) FROM road_segments")).scalar_one()

    def by_sql(period: Any) -> dict[str, Decimal]:
        return dict(conn.execute(text(FROM_PASSES), {"first": period.first, "after": period.after}).all())

    lines = []
    for name, period, target in (("ten days", PERIOD, True), ("a month", MONTH, False)):
        spent, answers = in_turn(
            {"ours": lambda p=period: road_coverage(conn, p, "street"), "sql": lambda p=period: by_sql(p)}, 5
        )
        lines.append(
            Measured(
                f"coverage of {segments:,} segments by street, {name} of {written:,} passes",
                spent["ours"],
                {"out of the passes by one SQL statement": spent["sql"], **({"asked for": ASKED_S} if target else {})},
                {"asked for": 1} if target else {},
                identical=_same(answers["ours"], answers["sql"]),
                note=f"written in {written_s:.0f} s, roll-up included; segments put into 200 streets in {placed_s:.1f} s"
                if target
                else "",
            )
        )
    here = MissingQuery(PERIOD, (x, y))
    mx, my = _metric(conn, x, y)
    asked = {"first": PERIOD.first, "after": PERIOD.after, "x": mx, "y": my}
    spent, answers = in_turn(
        {
            "ours": lambda: [row["code"] for row in missing_segments(conn, here).rows],
            "sql": lambda: conn.execute(text(NEAREST_MISSING), asked).scalars().all(),
        },
        5,
    )
    lines.append(
        Measured(
            f"the 20 nearest of the segments not yet surveyed ({placed:,} in streets)",
            spent["ours"],
            {"out of the passes by one SQL statement": spent["sql"], "asked for": ASKED_S},
            {"asked for": 1},
            identical="yes" if answers["ours"] == answers["sql"] else "NO",
        )
    )
    return lines


def _metric(conn: Connection, lon: Any, lat: Any) -> tuple[Any, Any]:
    return metric_transformer(read_city(conn).metric_crs).transform(lon, lat)


def _same(ours: Coverage, by_sql: dict[str, Decimal]) -> str:
    held = {row.code: row.surveyed_m for row in ours.rows if row.surveyed_m}
    differ = [code for code in held.keys() | by_sql.keys() if abs(held.get(code, 0) - by_sql.get(code, 0)) > 0]
    return "yes" if not differ else f"{len(differ)} streets differ"


def _tracks(conn: Connection, bench: Bench) -> Measured:
    """Drives along segments, matched; beside what PostGIS takes to find the nearest segment of each fix alone."""
    built_s, network = seconds(lambda: load_network(conn, match_rules(city_policy(conn, date(2016, 6, 1)))))
    tracks = _drives(bench.roads, bench.rows(1_000_000))
    ours_s, matched = seconds(lambda: network.match(tracks), rounds=3)
    lon, lat = (np.concatenate([getattr(track, name) for track in tracks]) for name in ("lon", "lat"))
    x, y = _metric(conn, lon[:SLOW_FIXES], lat[:SLOW_FIXES])
    nearest = text(NEAREST_SEGMENT)
    slow_s, _ = seconds(lambda: conn.execute(nearest, {"x": x.tolist(), "y": y.tolist()}).scalar_one())
    return Measured(
        f"{len(lon):,} fixes of {len(tracks):,} tracks matched to {len(network.ids):,} segments",
        ours_s,
        {f"PostGIS, nearest segment of each fix alone ({len(x):,} scaled up)": slow_s * len(lon) / len(x)},
        note=f"{matched.matched_m / matched.track_m:.1%} of the way along roads; segments read and indexed in {built_s:.1f} s",
    )


def _drives(roads: NDArray[np.object_], count: int) -> list[Track]:
    """Tracks along segments drawn one after another, a fix every second with noise, until there are enough fixes."""
    rng = np.random.default_rng(SEED + 8)
    start = int(datetime(2016, 6, 1, tzinfo=UTC).timestamp())
    tracks: list[Track] = []
    while count > 0:
        parts = []
        for line in roads[rng.integers(0, len(roads), SEGMENTS_A_TRACK)]:
            along = np.arange(0, line.length, FIX_M / M_PER_DEG)
            parts.append(shapely.get_coordinates(shapely.line_interpolate_point(line, along)))
        places = np.concatenate(parts)
        lon, lat = (places + rng.normal(0, NOISE_M / M_PER_DEG, places.shape)).T
        tracks.append(Track(1, start // 86_400, lon, lat, (start + np.arange(len(lon))) * 1_000_000))
        count -= len(lon)
    return tracks
