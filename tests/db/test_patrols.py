"""Patrol passes taken in: rows, GPX, GeoJSON and CSV tracks, nothing twice, everything wrong named."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from gis.errors import CrsError
from gis.geometry.datum import wgs84_to_gcj02
from gis.patrols import PatrolSummary
from gis.roads import load_roads
from gis.store.database import versions
from gis.verify import verify
from tests.db.patrol_files import (
    ALONG,
    NOW,
    ROADS,
    START,
    WHOLE,
    as_gpx,
    as_line,
    covered,
    roll_up_is_that_of_the_passes,
    surveyed,
    take,
    times,
    walk,
)

__all__ = ["surveyed"]

# -- the forms of tracks -----------------------------------------------------------------------------------------------


def test_gpx(surveyed: Connection, tmp_path: Path) -> None:
    summary = take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG))
    assert (summary.kind, summary.read, summary.accepted, summary.tracks) == ("tracks", len(ALONG), len(ALONG), 1)
    assert (summary.passes, summary.segments, summary.rejected) == (2, 2, 0)
    assert summary.matched_m == pytest.approx(summary.track_m, rel=0.01)
    assert covered(surveyed) == WHOLE
    crs, version = surveyed.execute(
        text("SELECT crs, (SELECT version FROM data_versions WHERE layer = 'surveys') FROM patrol_imports")
    ).one()
    assert crs == "wgs84"
    assert version == 1


@pytest.mark.parametrize(
    "form", ["coordTimes", "times", "coordinateProperties", "fourth", "milliseconds", "multi", "points", "bare"]
)
def test_geojson(surveyed: Connection, tmp_path: Path, form: str) -> None:
    clock = times(len(ALONG))
    seconds = [START.timestamp() + 2 * n for n in range(len(ALONG))]
    line = {"type": "LineString", "coordinates": ALONG}
    own: dict = {"surveyor": "S7"}
    path = tmp_path / "a.geojson"
    if form in ("coordTimes", "times"):
        as_line(path, {**own, form: clock}, line)
    elif form == "coordinateProperties":
        as_line(path, {**own, form: {"times": clock}}, line)
    elif form in ("fourth", "milliseconds", "bare"):
        factor = 1000 if form == "milliseconds" else 1
        line["coordinates"] = [(*place, 100.0, at * factor) for place, at in zip(ALONG, seconds, strict=True)]
        as_line(path, own, line)
        if form == "bare":
            path.write_text(json.dumps(line))
    elif form == "multi":
        halves = [ALONG[:41], ALONG[40:]], [clock[:41], clock[40:]]
        as_line(path, {**own, "coordTimes": halves[1]}, {"type": "MultiLineString", "coordinates": halves[0]})
    else:
        features = [
            {"type": "Feature", "properties": {**own, "time": at}, "geometry": {"type": "Point", "coordinates": place}}
            for place, at in zip(ALONG, clock, strict=True)
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    summary = take(surveyed, path, "wgs84", "S1" if form == "bare" else None)
    read = len(ALONG) + (form == "multi")
    assert (summary.read, summary.accepted, summary.rejected) == (read, read, 0)
    assert covered(surveyed) == WHOLE
    assert surveyed.execute(text("SELECT ref FROM surveyors")).scalars().all() == ["S1" if form == "bare" else "S7"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_of_fixes(surveyed: Connection, tmp_path: Path, write_csv: Callable[..., Path], form: str) -> None:
    """Two surveyors in one table, in the order of time, positions in GCJ-02, local times without a zone."""
    lon, lat = wgs84_to_gcj02(*np.array(ALONG).T)
    local = [START + timedelta(hours=8, seconds=2 * n) for n in range(len(ALONG))]
    back = list(zip(lon[::-1], lat[::-1], strict=True))
    rows = []
    for at, place, other in zip(local, zip(lon, lat, strict=True), back, strict=True):
        rows += [(*place, f"{at:%Y-%m-%d %H:%M:%S}", "A"), (*other, f"{at:%Y-%m-%d %H:%M:%S}", "B")]
    if form == "csv":
        path = write_csv("a.csv", "lng,lat,时间,巡查员", *(",".join(map(str, row)) for row in rows))
    else:
        path = tmp_path / "a.parquet"
        columns = dict(zip(("lng", "lat", "时间", "巡查员"), map(list, zip(*rows, strict=True)), strict=True))
        pq.write_table(pa.table(columns), path)
    with pytest.raises(CrsError, match="declares no coordinate reference system"):
        take(surveyed, path)
    summary = take(surveyed, path, "gcj02", None)
    assert (summary.read, summary.accepted, summary.tracks, summary.passes) == (len(rows), len(rows), 2, 4)
    assert covered(surveyed) == WHOLE


def test_rows(surveyed: Connection, write_csv: Callable[..., Path]) -> None:
    path = write_csv(
        "rows.csv",
        "路段,巡查时间,巡查员",
        "M1,2016-05-03 08:00:00,A",
        "M2,2016-05-13T23:59:59+08:00,",
        "M1,2016-05-03 09:00:00,B",
        "M1,2016-05-03 08:00:00,A",
    )
    summary = take(surveyed, path)
    assert (summary.kind, summary.read, summary.accepted, summary.duplicate) == ("rows", 4, 3, 1)
    assert (summary.passes, summary.segments, summary.track_m) == (3, 2, None)
    assert covered(surveyed) == {("2016-05-01", "M1"): "{[0,)}", ("2016-05-11", "M2"): "{[0,)}"}
    assert surveyed.execute(text("SELECT passes FROM survey_periods WHERE first = '2016-05-01'")).scalar_one() == 2


# -- nothing twice -----------------------------------------------------------------------------------------------------


def test_the_same_file_twice_counts_nothing_twice(
    surveyed: Connection, tmp_path: Path, write_csv: Callable[..., Path]
) -> None:
    rows = write_csv("rows.csv", "segment,time,surveyor", "M1,2016-05-03 08:00,A", "L1,2016-05-04 08:00,A")
    tracks = as_gpx(tmp_path / "a.gpx", ALONG, walk(*ROADS["X1"]))
    for path in (rows, tracks):
        take(surveyed, path)
    before = [
        surveyed.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3")).all()
        for table in ("patrol_passes", "survey_periods", "patrol_tracks")
    ]
    for path, read in ((rows, 2), (tracks, len(ALONG) + len(walk(*ROADS["X1"])))):
        again = take(surveyed, path)
        assert (again.read, again.accepted, again.duplicate, again.passes, again.tracks) == (read, 0, read, 0, 0)
    after = [
        surveyed.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3")).all()
        for table in ("patrol_passes", "survey_periods", "patrol_tracks")
    ]
    assert before == after
    assert roll_up_is_that_of_the_passes(surveyed)


def test_the_same_track_in_another_form_or_twice_in_a_file_is_known(surveyed: Connection, tmp_path: Path) -> None:
    take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG))
    line = as_line(
        tmp_path / "b.geojson", {"coordTimes": times(len(ALONG))}, {"type": "LineString", "coordinates": ALONG}
    )
    assert take(surveyed, line, "wgs84").duplicate == len(ALONG)
    assert take(surveyed, line, "wgs84", "S2").accepted == len(ALONG)
    twice = take(surveyed, as_gpx(tmp_path / "c.gpx", ALONG, ALONG, start=START + timedelta(hours=1)))
    # Two pieces of one surveyor at the same times are two tracks of the same digest.
    assert (twice.accepted, twice.duplicate) == (len(ALONG), len(ALONG))


def test_days_of_a_track_are_known_each_for_itself(surveyed: Connection, tmp_path: Path) -> None:
    """Past midnight of the city there are two tracks; what was exported before is known though more came."""
    late = datetime(2016, 5, 10, 15, 59, 30, tzinfo=UTC)
    first = take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG[:15], start=late))
    both = take(surveyed, as_gpx(tmp_path / "b.gpx", ALONG, start=late))
    assert (first.accepted, both.duplicate, both.accepted) == (15, 15, len(ALONG) - 15)
    assert {first for first, _ in covered(surveyed)} == {"2016-05-01", "2016-05-11"}


def test_passes_add_up_to_their_union(surveyed: Connection, tmp_path: Path) -> None:
    halves = ALONG[:18], ALONG[12:31]
    take(surveyed, as_gpx(tmp_path / "a.gpx", halves[0]))
    part = covered(surveyed)[("2016-05-01", "M1")]
    assert part.startswith("{[0,1")
    take(surveyed, as_gpx(tmp_path / "b.gpx", halves[1], start=START + timedelta(hours=2)))
    assert covered(surveyed) == {("2016-05-01", "M1"): "{[0,)}"}
    assert roll_up_is_that_of_the_passes(surveyed)


# -- roads that change -------------------------------------------------------------------------------------------------


def test_tracks_are_matched_anew_when_roads_change(
    surveyed: Connection, tmp_path: Path, write_geojson: Callable[..., Path], write_csv: Callable[..., Path]
) -> None:
    take(surveyed, write_csv("rows.csv", "segment,time,surveyor", "X1,2016-05-03 08:00,A", "X1,2016-05-19 08:00,A"))
    take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG))
    before = versions(surveyed)["surveys"]
    # M2 moves away 100 m to the north, and a new road lies where it was.
    north = [(lon, lat + 0.001) for lon, lat in ROADS["M2"]]
    rows = [
        (shapely.LineString(north), {"code": "M2", "class": "main"}),
        (shapely.LineString(ROADS["M2"]), {"code": "N2", "class": "main"}),
    ]
    load_roads(surveyed, write_geojson("new.geojson", *rows), "wgs84")
    assert covered(surveyed) == {
        ("2016-05-01", "M1"): "{[0,)}",
        ("2016-05-01", "N2"): "{[0,)}",
        ("2016-05-01", "X1"): "{[0,)}",
        ("2016-05-11", "X1"): "{[0,)}",
    }
    assert roll_up_is_that_of_the_passes(surveyed)
    assert versions(surveyed)["surveys"] == before + 1
    again = take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG))
    assert (again.duplicate, again.passes) == (len(ALONG), 0)


def test_matching_again_without_a_change_gives_the_same(surveyed: Connection, tmp_path: Path) -> None:
    from gis.patrol_tracks import match_again

    rng = np.random.default_rng(2)
    for number in range(4):
        noisy = np.array(walk(*(ROADS["M1"][0], ROADS["M1"][1], ROADS["X1"][1]))) + rng.normal(0, 3e-5, (1, 2))
        take(
            surveyed, as_gpx(tmp_path / "a.gpx", list(map(tuple, noisy.tolist())), start=START + timedelta(days=number))
        )
    columns = "segment_id, passed_at, surveyor_id, from_dm, to_dm, day, import_id, track_id"
    before = surveyed.execute(text(f"SELECT {columns} FROM patrol_passes ORDER BY 1, 2")).all()
    assert len(before) >= 8
    days = covered(surveyed)
    assert match_again(surveyed) == 4
    assert surveyed.execute(text(f"SELECT {columns} FROM patrol_passes ORDER BY 1, 2")).all() == before
    assert covered(surveyed) == days


# -- many at once, and the judge ---------------------------------------------------------------------------------------


def test_the_same_file_from_many_connections_counts_once(
    surveyed: Connection, engine: Engine, tmp_path: Path, write_csv: Callable[..., Path]
) -> None:
    surveyed.commit()
    paths = [
        write_csv(
            "p.csv", "segment,time,surveyor", *(f"{code},2016-05-03 0{n}:00,A" for n in range(9) for code in ROADS)
        )
    ]
    paths.append(as_gpx(tmp_path / "a.gpx", ALONG, walk(*ROADS["X1"])))

    def send(path: Path) -> PatrolSummary:
        with engine.begin() as conn:
            return take(conn, path)

    with ThreadPoolExecutor(4) as pool:
        summaries = list(pool.map(send, paths * 4))
    accepted = defaultdict(list)
    for summary in summaries:
        assert summary.accepted + summary.duplicate == summary.read
        accepted[summary.kind].append(summary.accepted)
    assert {kind: sorted(counts)[:3] for kind, counts in accepted.items()} == {"rows": [0] * 3, "tracks": [0] * 3}
    assert roll_up_is_that_of_the_passes(surveyed)
    assert verify(surveyed).differences == 0


def test_verify_sees_a_roll_up_that_is_not_what_the_passes_say(surveyed: Connection, tmp_path: Path) -> None:
    take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG[:20]))
    assert verify(surveyed).survey_differences == 0
    surveyed.execute(text("UPDATE survey_periods SET covered = covered + int4multirange(int4range(2600, 2601))"))
    found = verify(surveyed)
    assert (found.survey_differences, found.examples[0]["segment"]) == (1, "M1")
    surveyed.execute(text("DELETE FROM survey_periods"))
    assert verify(surveyed).survey_differences == 1
    surveyed.execute(text("DELETE FROM patrol_passes"))
    assert verify(surveyed).survey_differences == 0


def test_a_track_is_matched_by_the_policy_of_its_day(surveyed: Connection, tmp_path: Path) -> None:
    """Two drives 15 m beside the road, a day apart; from the second day on the city sees only 5 m far."""
    from gis.policy_files import load_policy, read_policy_file

    aside = [(lon, lat + 15 / 111_000) for lon, lat in walk(*ROADS["M1"])]
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[[from]]\neffective = {(START + timedelta(days=1)):%Y-%m-%d}\nreason = "x"\nsurvey_reach_m = 5\n'
    )
    load_policy(surveyed, read_policy_file(policy), "office", NOW)
    for number in range(2):
        take(surveyed, as_gpx(tmp_path / "a.gpx", aside, start=START + timedelta(days=number)))
    days = text("SELECT DISTINCT day - :first FROM patrol_passes ORDER BY 1")
    first = {"first": START.date()}
    assert surveyed.execute(days, first).scalars().all() == [0]
    policy.write_text("")
    assert load_policy(surveyed, read_policy_file(policy), "office", NOW).matched == 2
    assert surveyed.execute(days, first).scalars().all() == [0, 1]
    assert roll_up_is_that_of_the_passes(surveyed)
