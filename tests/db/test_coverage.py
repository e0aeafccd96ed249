"""Coverage against the same numbers worked out in Python from the passes themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, text

from gis.city import City
from gis.coverage import CLASS, GROUP, SEGMENT, default_period, road_coverage
from gis.errors import ParameterError
from gis.geometry.datum import metric_transformer
from gis.patrol_files import PatrolFile
from gis.patrol_writer import WHOLE, Passes, surveyor_ids, write_passes
from gis.patrols import PatrolOrder, import_patrols
from gis.roads import load_roads
from gis.rules.coverage import coverage, is_enough
from gis.rules.periods import Period, parse_period
from gis.rules.policy import POLICIES
from gis.unsurveyed import MissingQuery, missing_segments

NOW = datetime(2017, 1, 1, tzinfo=UTC)
CLASSES = ("ring", "trunk", "main", "branch")
DAYS = [date(2016, 5, day) for day in (1, 5, 10, 11, 15, 20, 21, 31)]
T1, MAY = parse_period("2016-05-T1"), parse_period("2016-05")
SHARE = Decimal("0.8")


@pytest.fixture
def surveyed(conn: Connection, small_city: City, write_geojson: Callable[..., Path]) -> Connection:
    """80 segments in the four communities and outside, one in three in a group, and passes over parts of them."""
    rng = np.random.default_rng(5)
    starts = rng.uniform([113.595, 34.700], [113.645, 34.710], (80, 2))
    ends = starts + rng.uniform(-0.004, 0.004, (80, 2))
    rows = []
    for number in range(80):
        own = {"code": f"S{number:02d}", "name": f"路{number}", "class": CLASSES[number % 4]}
        own["groups"] = ("one_ring_fifteen_roads" if number % 3 == 0 else "") + (";other" if number % 6 == 0 else "")
        rows.append((shapely.LineString([starts[number], ends[number]]), own))
    load_roads(conn, write_geojson("r.geojson", *rows), "wgs84")
    ids = np.array(conn.execute(text("SELECT id FROM road_segments ORDER BY code")).scalars().all(), np.int32)
    conn.execute(text("INSERT INTO patrol_imports (file_name, file_sha256, kind) VALUES ('x', '\\x00', 'rows')"))
    import_id = conn.execute(text("SELECT max(id) FROM patrol_imports")).scalar_one()
    count = 300
    chosen = rng.integers(0, 60, count)  # twenty are never passed
    low = rng.integers(0, 3000, count)
    high = np.where(rng.random(count) < 0.15, WHOLE, low + rng.integers(1, 2500, count))
    low = np.where(high == WHOLE, 0, low)
    day = np.array([(one - date(1970, 1, 1)).days for one in DAYS])[rng.integers(0, len(DAYS), count)]
    passes = Passes(
        ids[chosen],
        surveyor_ids(conn, ["A"] * count),
        day * 86_400_000_000 + rng.integers(0, 50_000_000_000, count),
        day.astype(np.int32),
        low.astype(np.int32),
        high.astype(np.int32),
        np.zeros(count, np.int64),
        np.full(count, import_id),
    )
    half = np.arange(count) < count // 2
    write_passes(conn, passes.take(np.flatnonzero(half)))
    write_passes(conn, passes.take(np.flatnonzero(~half)))
    return conn


def by_hand(conn: Connection, period: Period) -> dict[str, dict]:
    """Each segment with its surveyed length, counted decimetre by decimetre."""
    rows = conn.execute(
        text(
            "SELECT s.id, s.code, s.class, s.groups, s.length_m, a.code AS area FROM road_segments s"
            " LEFT JOIN areas a ON a.id = s.area_id WHERE s.retired_at IS NULL"
        )
    ).all()
    seen = defaultdict(set)
    for one in conn.execute(text("SELECT segment_id, day, from_dm, to_dm FROM patrol_passes")):
        if one.day in period:
            seen[one.segment_id].update(range(one.from_dm, 9999 if one.to_dm is None else one.to_dm))
    answer = {}
    for row in rows:
        whole = ceil(row.length_m * 10)
        covered = len([at for at in seen[row.id] if at < whole])
        surveyed_m = row.length_m if covered == whole else min(Decimal(covered) / 10, row.length_m)
        answer[row.code] = {**row._mapping, "surveyed_m": surveyed_m}
    return answer


def keys_of(segment: dict, level: str) -> list[str]:
    if level == "city":
        return ["4101"]
    if level == CLASS:
        return [segment["class"]]
    if level == GROUP:
        return list(segment["groups"])
    if level == SEGMENT:
        return [segment["code"]]
    digits = {"district": 6, "street": 9, "community": 12}[level]
    return [segment["area"][:digits]] if segment["area"] else []


@pytest.mark.parametrize(
    "period", [T1, parse_period("2016-05-T2"), parse_period("2016-05-T3"), MAY], ids=lambda p: p.name
)
def test_every_level_is_the_sum_of_its_segments(surveyed: Connection, period: Period) -> None:
    segments = list(by_hand(surveyed, period).values())
    for level in ("city", "district", "street", "community", CLASS, GROUP, SEGMENT):
        _check_level(surveyed, segments, period, level)


def _check_level(surveyed: Connection, segments: list[dict], period: Period, level: str) -> None:
    expected = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
    for segment in segments:
        for key in keys_of(segment, level):
            sums = expected[key]
            sums[0] += 1
            sums[1] += segment["surveyed_m"] >= SHARE * segment["length_m"]
            sums[2] += segment["length_m"]
            sums[3] += segment["surveyed_m"]
    found = road_coverage(surveyed, period, level)
    held = {
        row.code: [row.segments, row.surveyed_segments, row.length_m, row.surveyed_m]
        for row in found.rows
        if row.segments
    }
    assert held == dict(expected)
    for row in found.rows:
        assert row.share == (float(row.surveyed_m / row.length_m) if row.segments else None)
        assert row.enough == (row.share >= 0.95 if row.segments else None)
    assert any(0 < row.share < 1 for row in found.rows if row.share is not None)


def test_rows_and_what_is_in_no_area_add_up_to_the_city(surveyed: Connection) -> None:
    city = road_coverage(surveyed, T1, "city").total
    for level in ("district", "street", "community"):
        found = road_coverage(surveyed, T1, level)
        assert found.without_area is not None
        assert found.without_area.segments > 0
        for name in ("segments", "surveyed_segments", "length_m", "surveyed_m"):
            parts = sum(getattr(row, name) for row in [*found.rows, found.without_area])
            assert parts == getattr(city, name) == getattr(found.total, name)
    assert road_coverage(surveyed, T1, GROUP).total == city
    assert road_coverage(surveyed, T1, CLASS).total == city


def test_a_month_is_the_union_of_its_three(surveyed: Connection) -> None:
    parts = [
        road_coverage(surveyed, one, "city").total.surveyed_m
        for one in map(parse_period, ("2016-05-T1", "2016-05-T2", "2016-05-T3"))
    ]
    month = road_coverage(surveyed, MAY, "city").total.surveyed_m
    assert max(parts) < month < sum(parts)


def test_what_does_not_exist_is_null_and_never_zero(surveyed: Connection) -> None:
    classes = {row.code: row for row in road_coverage(surveyed, T1, CLASS).rows}
    assert list(classes) == ["ring", "trunk", "main", "branch", "back_street"]
    assert (classes["back_street"].segments, classes["back_street"].share, classes["back_street"].enough) == (
        0,
        None,
        None,
    )
    assert classes["ring"].name == "环路"
    none = road_coverage(surveyed, parse_period("2015-01-T1"), "street")
    assert {row.share for row in none.rows} == {0.0}
    assert {row.surveyed_segments for row in none.rows} == {0}


def test_retired_segments_count_nowhere(surveyed: Connection) -> None:
    before = road_coverage(surveyed, T1, "city").total
    gone = road_coverage(surveyed, T1, SEGMENT).rows[3]
    surveyed.execute(text("UPDATE road_segments SET retired_at = now() WHERE code = :code"), {"code": gone.code})
    after = road_coverage(surveyed, T1, "city").total
    assert (after.segments, after.length_m) == (before.segments - 1, before.length_m - gone.length_m)
    assert after.surveyed_m == before.surveyed_m - gone.surveyed_m


def test_levels_and_periods(surveyed: Connection, small_city: City) -> None:
    with pytest.raises(ParameterError, match="district, street, community, city, class, group, segment"):
        road_coverage(surveyed, T1, "cell")
    assert road_coverage(surveyed, T1).level == "street"
    assert default_period(small_city, date(2016, 6, 11)).name == "2016-06-T2"


def test_the_rule() -> None:
    policy = POLICIES[-1]
    assert coverage(Decimal(0), Decimal(0)) is None
    assert is_enough(Decimal(0), Decimal(0), policy) is None
    assert coverage(Decimal("94.9"), Decimal(100)) == 0.949
    assert is_enough(Decimal("94.999"), Decimal(100), policy) is False
    assert is_enough(Decimal("95.000"), Decimal(100), policy) is True


# -- what is missing ---------------------------------------------------------------------------------------------------


ONLY = ({}, {"area": "410102001"}, {"area": "410102"}, {"road_class": "main"}, {"group": "other"})


def test_nearest_first_and_none_left_out(surveyed: Connection) -> None:
    for place in ((113.62, 34.705), (113.60, 34.70), None):
        for only in ONLY:
            _check_missing(surveyed, place, only)


def _check_missing(surveyed: Connection, place: tuple[float, float] | None, only: dict) -> None:
    to_metric = metric_transformer("EPSG:4547").transform
    here = None if place is None else shapely.Point(to_metric(*place))
    lines = dict(surveyed.execute(text("SELECT code, ST_AsBinary(geom_m) FROM road_segments")).all())
    expected = []
    for code, segment in by_hand(surveyed, T1).items():
        wanted = (
            (segment["area"] or "").startswith(only.get("area", ""))
            and only.get("road_class", segment["class"]) == segment["class"]
            and ("group" not in only or only["group"] in segment["groups"])
        )
        if wanted and segment["surveyed_m"] < SHARE * segment["length_m"]:
            distance = None if here is None else here.distance(shapely.from_wkb(bytes(lines[code])))
            expected.append((distance or 0, code))
    found = missing_segments(surveyed, MissingQuery(T1, place, limit=1000, **only)).rows
    assert [row["code"] for row in found] == [code for _, code in sorted(expected)]
    assert len(found) >= 5
    if place is not None:
        assert [row["distance_m"] for row in found] == pytest.approx(
            [metres for metres, _ in sorted(expected)], abs=0.01
        )
        few = missing_segments(surveyed, MissingQuery(T1, place, limit=3, **only)).rows
        assert few == found[:3]
    assert {row["surveyed"] for row in found} == {False}


def test_when_a_segment_was_last_surveyed_is_told(surveyed: Connection) -> None:
    rows = {row["code"]: row for row in missing_segments(surveyed, MissingQuery(T1, limit=1000)).rows}
    last = dict(
        surveyed.execute(
            text(
                "SELECT s.code, max(passed_at) FROM patrol_passes JOIN road_segments s ON s.id = segment_id GROUP BY 1"
            )
        ).all()
    )
    assert {code: row["last_surveyed_at"] for code, row in rows.items()} == {code: last.get(code) for code in rows}
    assert rows["S79"]["last_surveyed_at"] is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"area": "999"}, "there is no area '999'"),
        ({"road_class": "alley"}, "'alley' is none of ring, trunk"),
        ({"group": "x"}, "none of one_ring_fifteen_roads, other"),
        ({"place": (0.0, 90.0001)}, "has no position"),
    ],
)
def test_what_is_not_there_is_named(surveyed: Connection, wrong: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        missing_segments(surveyed, MissingQuery(T1, **wrong))


def test_a_pass_makes_a_segment_surveyed(surveyed: Connection, write_csv: Callable[..., Path]) -> None:
    assert any(row["code"] == "S79" for row in missing_segments(surveyed, MissingQuery(T1, limit=1000)).rows)
    path = write_csv("p.csv", "segment,time,surveyor", "S79,2016-05-10 23:59:59,A")
    import_patrols(surveyed, PatrolOrder(PatrolFile(path)), NOW)
    assert not any(row["code"] == "S79" for row in missing_segments(surveyed, MissingQuery(T1, limit=1000)).rows)
    row = next(row for row in road_coverage(surveyed, T1, SEGMENT).rows if row.code == "S79")
    assert (row.share, row.surveyed_m) == (1.0, row.length_m)
    later = next(row for row in road_coverage(surveyed, parse_period("2016-05-T2"), SEGMENT).rows if row.code == "S79")
    assert later.share == 0.0
