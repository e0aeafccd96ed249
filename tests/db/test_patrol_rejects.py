"""Patrol files with something wrong: every row named, whole files refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection, text

from gis.city import City
from gis.errors import CityError, FileError, ParameterError
from gis.geometry.datum import wgs84_to_gcj02
from tests.db.patrol_files import ALONG, as_gpx, surveyed, take, times

__all__ = ["surveyed"]

# -- what is refused ---------------------------------------------------------------------------------------------------


def test_every_row_that_cannot_go_in_is_named(
    surveyed: Connection, write_csv: Callable[..., Path], tmp_path: Path
) -> None:
    surveyed.execute(text("UPDATE road_segments SET retired_at = now() WHERE code = 'L1'"))
    path = write_csv(
        "rows.csv",
        "segment,time,surveyor",
        "M1,2016-05-03 08:00,A",
        "M9,2016-05-03 08:00,A",
        "L1,2016-05-03 08:00,A",
        ",2016-05-03 08:00,A",
        "M1,2016-05-32 08:00,A",
        "M1,,A",
        "M1,2016-05-03 08:00,",
        "M1,2017-05-03 08:00,A",
        "M1,2016-05-03 08:00,A,more",
        f"M1,2016-05-03 08:00,{'x' * 201}",
    )
    out = tmp_path / "rejects.csv"
    summary = take(surveyed, path, surveyor=None, rejects=out)
    assert (summary.read, summary.accepted, summary.rejected) == (10, 1, 9)
    reasons = dict(surveyed.execute(text("SELECT row_number, reason FROM patrol_rejects")).all())
    expected = {
        2: "'M9' is not a road segment of this city",
        3: "'L1' was retired, so nothing can be surveyed there",
        4: "no segment: the code of the road is missing",
        5: "unreadable time '2016-05-32 08:00'",
        6: "no time",
        7: "no surveyor",
        8: "its time 2017-05-03 08:00 lies in the future",
        9: "4 fields where the header has 3",
        10: "its surveyor is longer than 200 bytes",
    }
    assert {row: reason for row, reason in reasons.items() if not reason.startswith(expected[row])} == {}
    assert len(out.read_text(encoding="utf-8").splitlines()) == 10
    assert (
        out.read_text(encoding="utf-8").splitlines()[1]
        == "2,'M9' is not a road segment of this city,\"M9,2016-05-03 08:00,A\""
    )


def test_every_fix_that_cannot_go_in_is_named(surveyed: Connection, tmp_path: Path) -> None:
    good = {
        "type": "Feature",
        "properties": {"coordTimes": times(len(ALONG))},
        "geometry": {"type": "LineString", "coordinates": ALONG},
    }
    start = len(ALONG)

    def feature(properties: object, geometry: object) -> dict:
        return {"type": "Feature", "properties": properties, "geometry": geometry}

    line = {"type": "LineString", "coordinates": [[113.60, 34.70], [113.61, 34.70]]}
    at = "2016-05-03T08:00:00Z"
    features = [
        good,
        feature(None, line),
        feature({"times": [at]}, line),
        feature({"times": "soon"}, {"type": "LineString", "coordinates": [[113.6, 34.7]]}),
        feature({"times": ["x", at]}, {"type": "LineString", "coordinates": [[113.60, 34.70], ["a", 34.70]]}),
        feature({"time": at}, {"type": "Point", "coordinates": [34.7, 113.6]}),
        feature({"time": at}, {"type": "Point", "coordinates": [13.6, 34.7]}),
        feature({"time": at}, {"type": "Polygon", "coordinates": []}),
        feature({"time": at, "track": "alone"}, {"type": "Point", "coordinates": [113.6, 34.7]}),
        "no feature",
        feature({"time": 1e300}, {"type": "Point", "coordinates": [113.6, 34.7]}),
        feature({"times": [at, at]}, {"type": "LineString", "coordinates": 5}),
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    summary = take(surveyed, path, "wgs84")
    assert (summary.accepted, summary.tracks) == (start, 1)
    assert summary.read == summary.accepted + summary.rejected
    rows = surveyed.execute(text("SELECT row_number, reason FROM patrol_rejects ORDER BY 1")).all()
    reasons = [reason for _, reason in rows]
    assert [row for row, _ in rows] == list(range(start + 1, summary.read + 1))
    for at_row, part in enumerate(
        [
            "no time",
            "no time",
            "2 places and 1 times",
            "2 places and 1 times",
            "no list of times",
            "unreadable time 'x'",
            "no coordinate",
            "impossible coordinate",
            "more than 0.5 degrees",
            "its geometry is Polygon",
            "the only fix of its track",
            "its geometry is missing",
            "unreadable time",
            "1 places and 2 times",
        ]
    ):
        assert part in reasons[at_row], (at_row, reasons[at_row])


BOMB = """<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>&c;</name></trk></gpx>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<gpx version="1.1"><trk><name>&x;</name></trk></gpx>"""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gpx", BOMB, "document type or entities"),
        ("a.gpx", OUTSIDE, "document type or entities"),
        ("a.gpx", "<gpx><trk>", "cannot be read as GPX"),
        (
            "a.gpx",
            '<gpx version="1.1"><trk><trkseg><trkpt lat="x" lon="1"/></trkseg></trk></gpx>',
            "cannot be read as GPX",
        ),
        ("a.gpx", '<gpx version="1.1"><wpt lat="1" lon="1"/></gpx>', "holds no track"),
        ("a.gpx", "hello", "cannot be read as GPX"),
        ("a.geojson", "hello", "not JSON"),
        ("a.geojson", "[1]", "is one object"),
        ("a.geojson", '{"type": "FeatureCollection", "features": []}', "holds no tracks"),
        ("a.geojson", '{"type": "FeatureCollection", "features": {"a": 1}}', "holds no tracks"),
        ("a.csv", "who,when\nA,2016-05-03\n", "which column is the segment that was passed, or which are lon and lat"),
        ("a.csv", "lon,time\n1,2016-05-03\n", "which column is lat"),
        ("a.csv", "segment,when\nM1,2016-05-03\n", "which column is time"),
        ("a.csv", "", "empty"),
    ],
)
def test_files_that_cannot_be_used(surveyed: Connection, tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        take(surveyed, path, None if name.endswith("gpx") else "wgs84")


@pytest.mark.parametrize("name", ["segment", "time", "surveyor", "lon"])
def test_a_column_of_lists_is_a_message(surveyed: Connection, tmp_path: Path, name: str) -> None:
    plain = {"segment": ["M1"], "time": ["2016-05-03 08:00"], "surveyor": ["A"]}
    if name == "lon":
        plain = {"lon": [113.6], "lat": [34.7], "time": ["2016-05-03 08:00"]}
    pq.write_table(pa.table({**plain, name: [[1.5, 2.5]]}), tmp_path / "a.parquet")
    with pytest.raises(FileError, match=f"the column {name} .* list"):
        take(surveyed, tmp_path / "a.parquet", "wgs84")


def test_numbers_dates_and_dictionaries_are_read(surveyed: Connection, tmp_path: Path) -> None:
    columns = {
        "segment": pa.array(["M1", "M2"]).dictionary_encode(),
        "time": pa.array([date(2016, 5, 3), date(2016, 5, 4)]),
        "surveyor": pa.array([7, 8]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert take(surveyed, tmp_path / "a.parquet").accepted == 2
    assert surveyed.execute(text("SELECT ref FROM surveyors ORDER BY 1")).scalars().all() == ["7", "8"]


def test_gpx_in_another_encoding_is_a_message(surveyed: Connection, tmp_path: Path) -> None:
    path = tmp_path / "a.gpx"
    path.write_bytes(BOMB.encode("utf-16"))
    with pytest.raises(FileError, match="not UTF-8"):
        take(surveyed, path)


def test_a_track_far_from_roads_warns_of_the_datum(surveyed: Connection, tmp_path: Path) -> None:
    lon, lat = wgs84_to_gcj02(*np.array(ALONG).T)
    summary = take(surveyed, as_gpx(tmp_path / "a.gpx", list(zip(lon.tolist(), lat.tolist(), strict=True))))
    assert summary.accepted == len(ALONG)
    assert summary.passes == 0
    assert "is the datum right?" in summary.warnings[0]
    other = take(surveyed, as_gpx(tmp_path / "b.gpx", list(zip(lon.tolist(), lat.tolist(), strict=True))), "gcj02")
    assert (other.passes, other.warnings) == (2, [])


def test_a_city_without_roads(conn: Connection, small_city: City, tmp_path: Path) -> None:
    with pytest.raises(CityError, match="load roads first"):
        take(conn, as_gpx(tmp_path / "a.gpx", ALONG))


def test_a_surveyor_that_is_no_reference(surveyed: Connection, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="surveyor"):
        take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG), surveyor="x" * 201)
    assert take(surveyed, as_gpx(tmp_path / "a.gpx", ALONG), surveyor=" ").rejected == len(ALONG)
