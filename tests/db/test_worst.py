"""The worst segments and spots against plain SQL, and what must not get among them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, text

from gis import worst as worst_module
from gis.geometry.datum import metric_transformer
from gis.rules.periods import month, parse_period
from gis.rules.policy import POLICIES
from gis.rules.worst import rule_text
from gis.worst import worst
from tests.town import add_road, build_town, lines, slanted, some_rows, take_in, town, write_csv

PERIOD = parse_period("2016-06-T1")
SHARED = (113.6055, 34.7052)

SEGMENTS = text(
    "SELECT g.code, count(*) AS reports, sum(w.weight) AS weighted, g.length_m"
    " FROM reports r JOIN sources s ON s.id = r.source_id JOIN categories k ON k.id = r.category_id"
    " JOIN road_segments g ON g.id = r.segment_id"
    " CROSS JOIN LATERAL (SELECT CASE s.kind WHEN 'media' THEN 2 WHEN 'sensor' THEN 0.5 ELSE 1 END"
    "   * CASE WHEN k.chaos IS NULL THEN 0.5 ELSE 1 END AS weight) w"
    " WHERE r.day >= '2016-06-01' AND r.day < '2016-06-11' AND NOT EXISTS"
    "   (SELECT 1 FROM shared_positions p WHERE p.lon = ST_X(r.geom) AND p.lat = ST_Y(r.geom))"
    " GROUP BY g.id HAVING count(*) >= 3 AND g.length_m >= 50"
)
SPOTS = text(
    "WITH here AS (SELECT ST_SetSRID(ST_Transform(r.geom, 4547), 0) AS geom,"
    "   CASE s.kind WHEN 'media' THEN 2 WHEN 'sensor' THEN 0.5 ELSE 1 END"
    "   * CASE WHEN k.chaos IS NULL THEN 0.5 ELSE 1 END AS weight"
    "  FROM reports r JOIN sources s ON s.id = r.source_id JOIN categories k ON k.id = r.category_id"
    "  WHERE r.geom IS NOT NULL AND r.day >= '2016-06-01' AND r.day < '2016-06-11' AND NOT EXISTS"
    "   (SELECT 1 FROM shared_positions p WHERE p.lon = ST_X(r.geom) AND p.lat = ST_Y(r.geom))),"
    " clustered AS (SELECT *, ST_ClusterDBSCAN(geom, 50, 5) OVER () AS cluster FROM here)"
    " SELECT count(*) AS reports, sum(weight) AS weighted FROM clustered WHERE cluster IS NOT NULL GROUP BY cluster"
)


@pytest.fixture
def busy(conn: Connection, tmp_path: Path) -> Connection:
    """The town with 3,000 reports of four kinds of sources, 400 on one coordinate, and a stub with nine."""
    build_town(conn)
    add_road(conn, "R000009", shapely.LineString(slanted([9.5, 9.55], [9.5, 9.5])))
    stub = [repr(float(at)) for at in slanted(9.52, 9.5)]
    batches = {
        "patrol": some_rows(1500, seed=1),
        "citizen": some_rows(800, seed=2) + [(f"stub{n}", *stub, "2016-06-05T10:00", "0501") for n in range(9)],
        "media": some_rows(400, seed=3),
        "sensor": some_rows(300, seed=4),
    }
    place = [repr(at) for at in SHARED]
    batches["patrol"] += [(f"s{n}", *place, f"2016-06-{n % 30 + 1:02d}T09:00", "0505") for n in range(400)]
    for source, rows in batches.items():
        take_in(conn, write_csv(tmp_path / f"{source}.csv", rows), source=source, source_kind=source)
    return conn


def test_segments_are_those_of_plain_sql(busy: Connection) -> None:
    rows = busy.execute(SEGMENTS).all()
    expected = sorted(
        ((round(row.weighted / (row.length_m / 1000), 3), row) for row in rows), key=lambda one: (-one[0], one[1].code)
    )[:10]
    found = worst(busy, PERIOD).segments
    assert len(found) >= 4
    assert [(row["code"], row["reports"], row["weighted"], row["score"]) for row in found] == [
        (row.code, row.reports, row.weighted, score) for score, row in expected
    ]
    for row in found:
        assert sum(term["reports"] for term in row["terms"]) == row["reports"]
        assert sum(Decimal(str(term["weight"])) * term["reports"] for term in row["terms"]) == row["weighted"]


def test_spots_are_those_of_postgis(busy: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replace(POLICIES[0], spot_width_m=1e9, listing_count=1000)
    monkeypatch.setattr(worst_module, "city_policy", lambda *_: whole)
    theirs = sorted((row.weighted, row.reports) for row in busy.execute(SPOTS))
    ours = worst(busy, PERIOD).spots
    assert len(ours) > 3
    # Border points may go to either of two clusters, so sums are compared where there is no choice.
    assert sum(row["reports"] for row in ours) == sum(reports for _, reports in theirs)
    assert sum(row["weighted"] for row in ours) == sum(weighted for weighted, _ in theirs)
    assert [row["weighted"] for row in ours] == sorted((row["weighted"] for row in ours), reverse=True)
    assert len(ours) == len(theirs)


def test_a_stub_does_not_top_the_list(busy: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "R000009" not in [row["code"] for row in worst(busy, PERIOD).segments]
    monkeypatch.setattr(worst_module, "city_policy", lambda *_: replace(POLICIES[0], listing_segment_m=1.0))
    assert worst(busy, PERIOD).segments[0]["code"] == "R000009"


def test_a_shared_coordinate_is_shown_apart(busy: Connection) -> None:
    found = worst(busy, PERIOD)
    (shared,) = found.shared
    assert (shared["kind"], shared["lon"], shared["lat"]) == ("shared", *SHARED)
    assert shared["reports"] == sum(1 for n in range(400) if n % 30 < 10)
    assert shared["reports"] > found.spots[0]["reports"]  # it would have been the worst
    assert not any(shapely.covers(spot.ground, shapely.Point(SHARED)) and spot.reports > 100 for spot in found.found)
    beside = next(row for row in found.segments if row["shared_reports"])
    assert beside["shared_reports"] == shared["reports"]
    assert "more on shared coordinates do not count" in next(
        row["worked_out"] for row in found.rows() if row["shared_reports"] and row["kind"] == "segment"
    )


def test_a_spot_stands_on_one_of_its_reports_and_its_ground_is_within_reach_of_them(busy: Connection) -> None:
    to_metric = metric_transformer(town().metric_crs)
    for spot, row in zip(worst(busy, PERIOD).found, worst(busy, PERIOD).spots, strict=True):
        assert (spot.lon, spot.lat) in set(zip(spot.lons.tolist(), spot.lats.tolist(), strict=True))
        assert (row["lon"], row["lat"]) == (spot.lon, spot.lat)
        assert spot.ground.is_valid
        assert shapely.covers(spot.ground, shapely.points(spot.lons, spot.lats)).all()
        assert spot.width_m <= POLICIES[0].spot_width_m
        metric = shapely.transform(spot.ground, lambda at: np.column_stack(to_metric.transform(at[:, 0], at[:, 1])))
        x, y = to_metric.transform(spot.lons, spot.lats)
        far = shapely.distance(
            shapely.points(shapely.get_coordinates(metric)), shapely.multipoints(np.column_stack([x, y]))
        )
        assert far.max() <= 50.01
        assert far.max() > 49


def test_named_and_placed(busy: Connection) -> None:
    found = worst(busy, PERIOD)
    assert {row["street_code"] for row in (*found.segments, *found.spots)} <= {"410101001", "410101002", None}
    assert any(row["street_code"] for row in found.spots)


def test_the_same_facts_have_the_same_digest_and_others_another(busy: Connection, tmp_path: Path) -> None:
    before, again = worst(busy, PERIOD), worst(busy, PERIOD)
    assert before.digests == again.digests
    assert before.rows() == again.rows()
    other = worst(busy, PERIOD.following())
    assert other.digests[0] != before.digests[0]
    on_road = [repr(float(at)) for at in slanted(3, 2.2)]
    take_in(busy, write_csv(tmp_path / "late.csv", [("late", *on_road, "2016-06-09T10:00", "0501")]), source="patrol")
    after = worst(busy, PERIOD)
    assert after.digests[0] != before.digests[0]
    assert after.digests[1] != before.digests[1]


def test_a_kind_that_weighs_nothing_does_not_count(busy: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    before = worst(busy, PERIOD)
    monkeypatch.setattr(worst_module, "city_policy", lambda *_: replace(POLICIES[0], problem_weight_other=0))
    after = worst(busy, PERIOD)
    assert sum(row["reports"] for row in after.segments) < sum(row["reports"] for row in before.segments)
    assert not [term for row in (*after.segments, *after.spots) for term in row["terms"] if term["chaos"] is None]


def test_a_month_and_an_empty_period(busy: Connection) -> None:
    assert len(worst(busy, month(date(2016, 6, 1))).segments) >= 4
    empty = worst(busy, parse_period("2011-01-T1"))
    assert (empty.segments, empty.spots, empty.shared) == ([], [], [])
    assert len(empty.digests[0]) == 64


def test_a_city_without_roads_or_reports(conn: Connection) -> None:
    build_town(conn)
    conn.execute(text("DELETE FROM road_segments"))
    found = worst(conn, PERIOD)
    assert found.rows() == []


def test_the_rule_says_its_numbers() -> None:
    said = rule_text(replace(POLICIES[0], spot_reports=7, source_weight_media=250, listing_segment_m=77.0))
    assert "at least 7" in said
    assert "media 250 %" in said
    assert "at least 77 m" in said


def test_lines_of_the_town_are_those_that_are_ranked(busy: Connection) -> None:
    codes = {f"R{number:06d}" for number in range(len(lines()))}
    assert {row["code"] for row in worst(busy, PERIOD).segments} <= codes
