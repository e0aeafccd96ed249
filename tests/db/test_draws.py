"""Dust draws: committed before, revealed after, repeated by anybody, and changed by nobody."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from gis.city import City
from gis.draw_file import commitment_sha256, faults_of, read_draw_file, roads_of, sha256
from gis.draw_reads import draw_points, frame_text, list_draws, published, read_draw, verify_draw
from gis.draws import make_draw, reveal_draw
from gis.encoding import to_json
from gis.errors import CityError, Conflict, FileError, NotFound, ParameterError
from gis.roads import load_roads
from gis.rules.periods import parse_period
from gis.store.database import transaction, versions

PERIOD = parse_period("2016-06-T1")
SEED = "5eed" * 16
BEFORE = datetime(2016, 5, 31, 15, 59, tzinfo=UTC)  # a minute before midnight in Zhengzhou
BEGUN = BEFORE + timedelta(minutes=1)
SCRIPT = Path(__file__).parents[2] / "docs/repeat_draw.py"
GEOD = Geod(ellps="WGS84")


@pytest.fixture
def roads(conn: Connection, small_city: City, write_geojson: Callable[..., Path]) -> Connection:
    """Forty roads of four classes over both streets; one of two parts, one bent, one far too long, one outside."""
    rows = []
    for number in range(40):
        west, south = 113.6005 + 0.0009 * number, 34.701 + 0.0001 * (number % 7)
        line = shapely.LineString([(west, south), (west, south + 0.0005 + 0.0001 * (number % 11))])
        rows.append((line, {"code": f"R{number:02}", "class": ("main", "branch", "back_street")[number % 3]}))
    parts = shapely.MultiLineString([[(113.61, 34.7), (113.611, 34.7)], [(113.612, 34.7), (113.612, 34.701)]])
    bent = shapely.LineString([(113.63, 34.709), (113.631, 34.7095), (113.632, 34.709), (113.632, 34.7085)])
    rows.append((parts, {"code": "PARTS", "class": "trunk", "name": '一"\t\u2028路'}))
    rows.append((bent, {"code": "BENT|1", "class": "trunk"}))
    rows.append((shapely.LineString([(113.6, 34.705), (113.64, 34.705)]), {"code": "LONG", "class": "main"}))
    rows.append((shapely.LineString([(113.65, 34.705), (113.66, 34.705)]), {"code": "AWAY", "class": "branch"}))
    load_roads(conn, write_geojson("roads.geojson", *rows), "wgs84")
    return conn


def made(conn: Connection, **options) -> dict:
    return make_draw(conn, PERIOD, sha256(SEED), "office", BEFORE, **{"roads": 20, **options})


def drawn(conn: Connection, **options) -> dict:
    made(conn, **options)
    return reveal_draw(conn, PERIOD, SEED, "office", BEGUN)


def as_file(document: dict) -> dict:
    return json.loads(to_json(document))


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


# -- anybody repeats it ------------------------------------------------------------------------------------------------


def repeat(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as anybody would: isolated, so without any package, not even this one."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=path.parent)


@pytest.mark.parametrize("roads_drawn", [1, 3, 20, 43, 44, 60])
def test_the_script_repeats_a_draw(roads: Connection, tmp_path: Path, roads_drawn: int) -> None:
    made(roads, roads=roads_drawn, public_source="lottery")
    reveal_draw(roads, PERIOD, SEED, "office", BEGUN, public_value="42")
    path = tmp_path / "draw.json"
    path.write_bytes(to_json(published(roads, PERIOD)))
    assert faults_of(read_draw_file(path)) == []
    done = repeat(path)
    assert (done.stdout, done.stderr, done.returncode) == (
        "frame: equal\nseed: equal\ncommitment: equal\nroads and points: equal\n",
        "",
        0,
    )


def test_the_script_is_short_and_needs_only_the_standard_library() -> None:
    lines = [line for line in SCRIPT.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) < 50
    names = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert names <= set(sys.stdlib_module_names)
    assert "random" not in names


TAMPERINGS: dict[str, tuple[Callable[[dict], None], str, str]] = {
    "frame": (
        lambda doc: doc.update(frame=doc["frame"].replace('"branch"', '"main"', 1)),
        "the frame is another",
        "frame: NOT EQUAL",
    ),
    "seed": (lambda doc: doc.update(seed="0" * 64), "the seed is another", "seed: NOT EQUAL"),
    "fewer": (lambda doc: doc["order"].pop(), "draws 20 roads, the order has 19", "roads and points: NOT EQUAL"),
    "swapped": (
        lambda doc: doc["order"].insert(0, doc["order"].pop()),
        "the seed draws",
        "roads and points: NOT EQUAL",
    ),
    "another road": (
        lambda doc: doc["order"][3].update(code="R00x"),
        "road 4 is R00x, the seed draws",
        "roads and points: NOT EQUAL",
    ),
    "moved point": (
        lambda doc: doc["order"][2]["points"].__setitem__(1, [0, 0, 0]),
        "the points on road 3",
        "roads and points: NOT EQUAL",
    ),
    "more roads": (lambda doc: doc.update(roads=21), "what was committed is something else", "commitment: NOT EQUAL"),
    "other period": (
        lambda doc: doc.update(period="2016-06-T2"),
        "what was committed is something else",
        "commitment: NOT EQUAL",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_with_the_file_is_found(roads: Connection, tmp_path: Path, name: str) -> None:
    drawn(roads)
    document = as_file(published(roads, PERIOD))
    tamper, said, printed = TAMPERINGS[name]
    changed = copy.deepcopy(document)
    tamper(changed)
    assert changed != document
    assert any(said in fault for fault in faults_of(changed))
    path = tmp_path / "draw.json"
    path.write_bytes(to_json(changed))
    done = repeat(path)
    assert done.returncode == 1
    assert printed in done.stdout


def test_even_a_new_commitment_to_another_frame_draws_other_roads(roads: Connection) -> None:
    """Who changes the frame and all digests with it is found by the roads, unless he draws again; see the next test."""
    drawn(roads)
    document = as_file(published(roads, PERIOD))
    lines = document["frame"].split("\n")
    document["frame"] = "\n".join(line for line in lines if document["order"][0]["code"] not in line)
    document["frame_sha256"] = sha256(document["frame"])
    document["commitment_sha256"] = commitment_sha256(document)
    assert "the seed draws" in faults_of(document)[0]


def test_what_is_no_published_file(tmp_path: Path, roads: Connection) -> None:
    path = tmp_path / "draw.json"
    for content, said in (
        (b"\xff", "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON in UTF-8"),
        (b"[]", "its format is 'list'"),
        (b"{}", "its format is None"),
    ):
        path.write_bytes(content)
        with pytest.raises(FileError, match=said):
            read_draw_file(path)
    with pytest.raises(FileError, match="No such file"):
        read_draw_file(tmp_path / "none.json")
    drawn(roads)
    document = as_file(published(roads, PERIOD))
    for name in document:
        if name in ("format", "committed_at", "committed_by", "revealed_at", "revealed_by", "synthetic"):
            continue
        without = {key: value for key, value in document.items() if key != name}
        assert faults_of(without), name
        for odd in (6, "x", [[]], {"a": 1}, -(10**400)):
            assert faults_of(document | {name: odd}), (name, odd)


# -- nobody changes it -------------------------------------------------------------------------------------------------


TABLES = ("dust_frames", "dust_draws", "dust_reveals", "dust_roads", "dust_points", "dust_results")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_everything_is_append_only(roads: Connection, table: str, role: str) -> None:
    drawn(roads)
    roads.execute(text(f"SET LOCAL session_replication_role = {role}"))
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(IntegrityError, match="append-only"), roads.begin_nested():
            roads.execute(text(statement))


STORED = {
    "seed": ("UPDATE dust_reveals SET seed = repeat('0', 64)", "the seed is another"),
    "road": ("UPDATE dust_roads SET code = 'R00x' WHERE number = 2", "road 2 is R00x"),
    "point": (
        "UPDATE dust_points SET geom = ST_Translate(geom, 1e-7, 0) WHERE road = 5 AND point = 2",
        "points on road 5",
    ),
    "place": ("UPDATE dust_points SET at_mm = at_mm + 1 WHERE road = 5 AND point = 2", "points on road 5"),
    "number": ("UPDATE dust_draws SET roads = 19", "what was committed is something else"),
    "commitment": ("UPDATE dust_draws SET commitment_sha256 = repeat('0', 64)", "what was committed is something else"),
    "source": ("UPDATE dust_draws SET public_source = 'x'", "what was committed is something else"),
}


@pytest.mark.parametrize("name", STORED)
def test_whoever_changes_the_database_all_the_same_is_found(roads: Connection, name: str) -> None:
    drawn(roads)
    assert verify_draw(roads, PERIOD) == []
    statement, said = STORED[name]
    table = statement.split()[1]
    roads.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
    roads.execute(text(statement))
    assert any(said in fault for fault in verify_draw(roads, PERIOD))


def test_a_changed_frame_in_the_database_is_found(roads: Connection) -> None:
    drawn(roads)
    frame = frame_text(roads, read_draw(roads, PERIOD)["frame_sha256"]).replace("410102001", "410102002", 1)
    roads.execute(text("ALTER TABLE dust_frames DISABLE TRIGGER append_only"))
    roads.execute(text("UPDATE dust_frames SET lines = :lines"), {"lines": zlib.compress(frame.encode())})
    assert "the frame is another" in verify_draw(roads, PERIOD)[0]


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
