"""Dust draws: committed before, revealed after, of all roads, with points on them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
import shapely
from pyproj import Geod
from sqlalchemy import Connection, Engine, text

from gis.city import City
from gis.draw_file import faults_of, roads_of, sha256
from gis.draw_reads import draw_points, frame_text, list_draws, published, verify_draw
from gis.draws import make_draw, reveal_draw
from gis.errors import CityError, Conflict, NotFound, ParameterError
from gis.rules.periods import parse_period
from gis.store.database import transaction, versions
from tests.drawing import BEFORE, BEGUN, PERIOD, SEED, as_file, drawn, made

GEOD = Geod(ellps="WGS84")


def test_before_the_reveal_nothing_but_digests_is_stored(roads: Connection) -> None:
    before = versions(roads).get("dust", 0)
    shown = made(roads)
    assert shown["state"] == "committed"
    assert (shown["seed"], shown["by_class"], shown["revealed_at"]) == (None, None, None)
    assert (shown["frame_roads"], shown["roads"], shown["points"]) == (44, 20, 5)
    assert versions(roads)["dust"] == before + 1
    tables = ("dust_draws", "dust_frames", "dust_reveals", "dust_roads", "dust_points")
    rows = [tuple(row) for name in tables for row in roads.execute(text(f"SELECT * FROM {name}"))]
    assert SEED not in repr(rows)
    assert len(rows) == 2
    with pytest.raises(Conflict, match="points are known from 2016-06-01 on"):
        draw_points(roads, PERIOD)
    document = as_file(published(roads, PERIOD))
    assert (document["seed"], document["order"]) == (None, None)
    assert faults_of(document) == []


def test_a_draw_is_committed_before_its_period(roads: Connection) -> None:
    with pytest.raises(Conflict, match="began on 2016-06-01; a draw is committed before"):
        make_draw(roads, PERIOD, sha256(SEED), "office", BEGUN)
    made(roads)
    with pytest.raises(Conflict, match="has a draw already; a second one would be a choice"):
        made(roads)


def test_a_draw_is_revealed_from_the_first_day_on_and_once(roads: Connection) -> None:
    made(roads)
    with pytest.raises(Conflict, match="revealed from 2016-06-01 on, not before"):
        reveal_draw(roads, PERIOD, SEED, "office", BEFORE)
    with pytest.raises(ParameterError, match="this is another seed"):
        reveal_draw(roads, PERIOD, "0" * 64, "office", BEGUN)
    shown = reveal_draw(roads, PERIOD, SEED.upper(), "office", BEGUN)
    assert (shown["state"], shown["seed"], shown["drawn_points"]) == ("revealed", SEED, 100)
    assert sum(shown["by_class"].values()) == 20
    with pytest.raises(Conflict, match="was revealed at 2016-06-01T00:00:00\\+08:00 by office"):
        reveal_draw(roads, PERIOD, SEED, "office", BEGUN)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"roads": 0}, "1 to 10000 roads"),
        ({"roads": 10_001}, "1 to 10000 roads"),
        ({"public_source": "a\nb"}, "one line"),
        ({"public_source": " "}, "one line"),
    ],
)
def test_what_cannot_be_committed(roads: Connection, options: dict, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        made(roads, **options)


def test_refusals_name_what_is_missing(conn: Connection, small_city: City) -> None:
    with pytest.raises(CityError, match="no roads yet"):
        made(conn)
    with pytest.raises(NotFound, match="no dust draw for 2016-06-T1"):
        reveal_draw(conn, PERIOD, SEED, "office", BEGUN)
    with pytest.raises(ParameterError, match="2016-06-T1, -T2 or -T3, not 2016-06"):
        make_draw(conn, parse_period("2016-06"), sha256(SEED), "office", BEFORE)
    with pytest.raises(ParameterError, match="64 hexadecimal digits"):
        make_draw(conn, PERIOD, "abc", "office", BEFORE)
    with pytest.raises(ParameterError, match="say who did it"):
        make_draw(conn, PERIOD, sha256(SEED), " ", BEFORE)


def test_without_a_number_the_policy_says_how_many(roads: Connection) -> None:
    assert made(roads, roads=None)["roads"] == 75
    # There are only 44 roads, so all are drawn.
    shown = reveal_draw(roads, PERIOD, SEED, "office", BEGUN)
    assert sum(shown["by_class"].values()) == 44
    assert verify_draw(roads, PERIOD) == []


def test_the_frame_has_every_live_road_with_geodesic_millimetres(roads: Connection) -> None:
    roads.execute(text("UPDATE road_segments SET retired_at = now() WHERE code = 'R07'"))
    shown = made(roads)
    frame = {road.code: road for road in roads_of(frame_text(roads, shown["frame_sha256"]))}
    stored = roads.execute(
        text("SELECT code, class, ST_AsText(geom) AS wkt, length_m FROM road_segments WHERE retired_at IS NULL")
    ).all()
    assert set(frame) == {row.code for row in stored}
    assert list(frame) == sorted(frame)
    for row in stored:
        road = frame[row.code]
        parts = shapely.from_wkt(row.wkt).geoms
        lengths = [GEOD.geometry_length(part) for part in parts]
        assert road.length_mm == pytest.approx(sum(lengths) * 1000, abs=1)
        assert road.length_mm == pytest.approx(float(row.length_m) * 1000, abs=1)
        vertices = np.array([vertex for part in parts for vertex in part.coords])
        assert np.abs(np.array(road.line)[:, :2] / 1e7 - vertices).max() < 6e-8
    assert frame["PARTS"].line[1][2] == frame["PARTS"].line[2][2]
    assert frame["PARTS"].name == '一"\t\u2028路'
    assert frame["AWAY"].street == ""
    assert {frame[f"R{at:02}"].street for at in (0, 39)} == {"410102001", "410102002"}


def test_points_lie_on_their_segments_five_on_each_at_their_place(roads: Connection) -> None:
    drawn(roads, roads=44)
    rows = draw_points(roads, PERIOD)
    assert len(rows) == 44 * 5
    lines = {
        row.code: shapely.from_wkt(row.wkt)
        for row in roads.execute(text("SELECT code, ST_AsText(geom) AS wkt FROM road_segments"))
    }
    away_deg = roads.execute(
        text(
            "SELECT max(ST_Distance(p.geom, s.geom)) FROM dust_points p JOIN dust_roads r"
            " ON r.draw_id = p.draw_id AND r.number = p.road JOIN road_segments s ON s.id = r.segment_id"
        )
    ).scalar()
    assert away_deg < 3e-7  # coordinates are rounded to 1e-7, and down
    for row in rows:
        before = 0.0
        for part in lines[row["code"]].geoms:
            for one, other in zip(part.coords, part.coords[1:], strict=False):
                edge = GEOD.geometry_length(shapely.LineString([one, other]))
                if before <= float(row["at_m"]) < before + edge:
                    away = GEOD.inv(*one, row["lon"], row["lat"])[2]
                    assert away == pytest.approx(float(row["at_m"]) - before, abs=0.05)
                before += edge
    assert rows[0]["point"] == "2016-06-T1-001-1"


def test_the_same_roads_are_frozen_once(roads: Connection) -> None:
    made(roads)
    following = PERIOD.following()
    make_draw(roads, following, sha256("ab" * 32), "office", BEFORE)
    assert roads.execute(text("SELECT count(*) FROM dust_frames")).scalar() == 1
    assert [row["period"] for row in list_draws(roads)] == [following.name, PERIOD.name]


def test_another_seed_draws_other_roads(roads: Connection) -> None:
    drawn(roads)
    following = PERIOD.following()
    make_draw(roads, following, sha256("ab" * 32), "office", BEFORE, roads=20)
    reveal_draw(roads, following, "ab" * 32, "office", BEGUN + timedelta(days=10))
    one, other = (as_file(published(roads, period))["order"] for period in (PERIOD, following))
    assert [road["code"] for road in one] != [road["code"] for road in other]


def test_roads_retired_or_moved_since_change_no_draw(roads: Connection) -> None:
    made(roads)
    roads.execute(text("UPDATE road_segments SET retired_at = now() WHERE code < 'R20'"))
    roads.execute(text("UPDATE road_segments SET area_id = NULL, name = 'other'"))
    reveal_draw(roads, PERIOD, SEED, "office", BEGUN)
    assert verify_draw(roads, PERIOD) == []


def test_a_public_value_is_mixed_in_where_it_was_announced(roads: Connection) -> None:
    made(roads, public_source="双色球 2016063 期")
    with pytest.raises(ParameterError, match="the value of what was announced is needed: 双色球"):
        reveal_draw(roads, PERIOD, SEED, "office", BEGUN)
    reveal_draw(roads, PERIOD, SEED, "office", BEGUN, public_value="03 07 11 19 25 30 + 08")
    document = as_file(published(roads, PERIOD))
    assert faults_of(document) == []
    assert faults_of(document | {"public_value": "03 07 11 19 25 30 + 09"}) != []
    assert "announcement" in faults_of(document | {"public_value": None})[0]


def test_a_public_value_that_nobody_announced_is_refused(roads: Connection) -> None:
    made(roads)
    with pytest.raises(ParameterError, match="none was announced"):
        reveal_draw(roads, PERIOD, SEED, "office", BEGUN, public_value="7")


def test_two_offices_at_once_cannot_both_commit(roads: Connection, engine: Engine) -> None:
    roads.commit()

    def commit(seed: str) -> str:
        try:
            with transaction(engine) as conn:
                make_draw(conn, PERIOD, sha256(seed), "office", BEFORE)
        except Conflict as problem:
            return str(problem)
        return "made"

    with ThreadPoolExecutor(4) as offices:
        answers = sorted(offices.map(commit, (letter * 64 for letter in "abcd")))
    assert answers[0].startswith("2016-06-T1 has a draw already")
    assert [answer == "made" for answer in answers] == [False, False, False, True]
