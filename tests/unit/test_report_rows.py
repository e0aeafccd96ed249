"""Judging rows: each reason, the first one first, and what the others look like that go in."""

from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow as pa
import pytest

from gis.geometry.datum import parse_crs, wgs84_to_bd09, wgs84_to_gcj02
from gis.report_files import Chunk, Reject
from gis.report_rows import AMBIGUOUS, Judge, Verdict, judge_rows

COLUMNS = ("source_ref", "lon", "lat", "reported_at", "category")
BOUNDS = (113.5, 34.6, 113.8, 34.9)
GOOD = ("r1", "113.65", "34.75", "2016-06-01 08:30:00", "0501")


def judged(
    rows: list[tuple], columns: tuple[str, ...] = COLUMNS, malformed: list[Reject] | None = None, **more
) -> Verdict:
    arrays = [pa.array(values) for values in zip(*rows, strict=True)] if rows else [pa.array([], pa.string())] * 5
    chunk = Chunk(
        pa.RecordBatch.from_arrays(arrays, list(columns)),
        np.arange(11, 11 + len(rows)),
        {name: name for name in columns},
        malformed or [],
    )
    judge = Judge(
        **{
            "zone": "Asia/Shanghai",
            "crs": parse_crs("wgs84"),
            "bounds": BOUNDS,
            "categories": {"0501": 1, "占道经营": 1, "event:0502": 2, "component:0502": 3, "0502": AMBIGUOUS},
            "source_id": {"patrol": 1, "citizen": 2}.__getitem__,
            "default_source": 1,
            **more,
        }
    )
    return judge_rows(chunk, judge)


def changed(**values: str | None) -> tuple:
    return tuple(values.get(name, value) for name, value in zip(COLUMNS, GOOD, strict=True))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (changed(source_ref=""), "no source_ref"),
        (changed(source_ref="  "), "no source_ref"),
        (changed(source_ref=None), "no source_ref"),
        (changed(source_ref="编" * 167), "source_ref is longer than 500 bytes"),
        (changed(source_ref="a\0b"), "source_ref holds a null character"),
        (changed(reported_at="soon"), "unreadable time 'soon'"),
        (changed(reported_at=""), "unreadable time (empty)"),
        (changed(category="0599"), "category '0599' is not in the dictionary"),
        (changed(category=None), "category (empty) is not in the dictionary"),
        (changed(category="0502"), "category '0502' stands for several entries"),
        (changed(lon="", lat=""), "no coordinate"),
        (changed(lon=None, lat=None), "no coordinate"),
        (changed(lon=" ", lat="\t"), "no coordinate"),
        (changed(lon=""), "impossible coordinate (empty), '34.75'"),
        (changed(lon="east"), "impossible coordinate 'east', '34.75'"),
        (changed(lon="nan"), "impossible coordinate"),
        (changed(lon="inf"), "impossible coordinate"),
        (changed(lon="181"), "impossible coordinate"),
        (changed(lat="-91"), "impossible coordinate"),
        (changed(lon="0", lat="0.0"), "impossible coordinate"),
        (changed(lon="34.75", lat="113.65"), "longitude and latitude are swapped: '34.75', '113.65'"),
    ],
)
@pytest.mark.parametrize("neighbours", [True, False])
def test_each_reason_with_row_number_and_original(row: tuple, said: str, neighbours: bool) -> None:
    before = [changed(source_ref="r0"), changed(source_ref="r00")] if neighbours else []
    verdict = judged([*before, row, *before])
    (reject,) = verdict.rejects
    assert reject.reason.startswith(said)
    assert reject.row == 11 + len(before)
    assert reject.original.split(",")[1:3] == ["" if value is None else value for value in row[1:3]]
    assert len(verdict.good) == 2 * len(before)


def test_the_original_is_a_line_of_csv_whatever_it_holds() -> None:
    row = ('say "no"', "a\nb", "c\rd", "e,f", "占道")
    (reject,) = judged([row]).rejects
    assert list(csv.reader(io.StringIO(reject.original, newline=""))) == [list(row)]


def test_the_first_thing_wrong_is_the_reason() -> None:
    (reject,) = judged([("", "east", "34", "soon", "none")]).rejects
    assert reject.reason.startswith("no source_ref")
    (reject,) = judged([("r", "east", "34", "soon", "none")]).rejects
    assert reject.reason.startswith("unreadable time")


def test_a_far_point_is_no_swapped_one() -> None:
    verdict = judged([changed(lon="-71.06", lat="42.35")])
    assert not verdict.rejects
    assert verdict.good.lon.tolist() == [-71.06]


def test_good_rows_keep_their_order_numbers_and_values() -> None:
    verdict = judged([GOOD, changed(category="x"), changed(source_ref=" r3 ", category=" 占道经营 ", lon=" 113.7")])
    good = verdict.good
    assert good.rows.tolist() == [11, 13]
    assert good.source_ref.to_pylist() == ["r1", "r3"]
    assert good.category_id.tolist() == [1, 1]
    assert good.lon.tolist() == [113.65, 113.7]
    assert verdict.reject_days == [16953]  # 2016-06-01, readable although the row is refused


def test_malformed_rows_are_rejects_without_day() -> None:
    lost = Reject(14, "2 fields where the header has 5", "a,b")
    verdict = judged([GOOD, changed(lat="x")], malformed=[lost])
    assert [reject.row for reject in verdict.rejects] == [12, 14]
    assert verdict.reject_days == [16953, None]


def test_unlocated_rows_may_be_kept_and_half_located_ones_not() -> None:
    verdict = judged([changed(lon="", lat=""), changed(lon=None, lat=None), changed(lon="")], keep_unlocated=True)
    assert np.isnan(verdict.good.lon).tolist() == [True, True]
    assert [reject.row for reject in verdict.rejects] == [13]


def test_the_kind_makes_a_code_unambiguous() -> None:
    columns = (*COLUMNS, "category_kind")
    verdict = judged([(*changed(category="0502"), "component"), (*changed(category="0502"), "event")], columns)
    assert verdict.good.category_id.tolist() == [3, 2]


def test_a_source_per_row_and_the_default_where_it_is_empty() -> None:
    verdict = judged([(*GOOD, "citizen"), (*GOOD, " "), (*GOOD, None)], (*COLUMNS, "source"))
    assert verdict.good.source_id.tolist() == [2, 1, 1]


def test_descriptions_lose_null_characters_and_empty_ones_are_null() -> None:
    verdict = judged([(*GOOD, "a\0b"), (*GOOD, ""), (*GOOD, None)], (*COLUMNS, "description"))
    assert verdict.good.description.to_pylist() == ["ab", None, None]


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_datums_are_taken_back(datum: str, shift) -> None:
    lon, lat = shift(np.array([113.65]), np.array([34.75]))
    verdict = judged([changed(lon=repr(float(lon[0])), lat=repr(float(lat[0])))], crs=parse_crs(datum))
    assert abs(verdict.good.lon[0] - 113.65) < 1e-8
    assert abs(verdict.good.lat[0] - 34.75) < 1e-8


def test_swapped_coordinates_are_seen_in_a_metric_crs_too() -> None:
    easting, northing = 466_000.0, 3_847_000.0  # EPSG:4547, in Zhengzhou
    verdict = judged([changed(lon=str(easting), lat=str(northing))], crs=parse_crs("EPSG:4547"))
    assert not verdict.rejects
    (reject,) = judged([changed(lon=str(northing), lat=str(easting))], crs=parse_crs("EPSG:4547")).rejects
    assert reject.reason.startswith("longitude and latitude are swapped")


def test_numbers_and_texts_of_typed_files_are_judged_alike() -> None:
    numbers = judged([(1, 113.65, 34.75, "2016-06-01", "0501"), (2, None, None, "2016-06-01", "0501")])
    assert numbers.good.source_ref.to_pylist() == ["1"]
    assert [reject.reason for reject in numbers.rejects] == ["no coordinate"]
    texts = judged([changed(), changed(lon=None, lat=None), changed(lon=None)])
    assert [reject.reason.split(" (")[0] for reject in texts.rejects] == ["no coordinate", "impossible coordinate"]


def test_a_city_without_areas_finds_nothing_swapped() -> None:
    assert len(judged([changed(lon="34.75", lat="113.65")], bounds=None).rejects) == 1  # beyond 90 degrees north
    assert not judged([changed(lon="34.75", lat="13.65")], bounds=None).rejects


def test_no_rows() -> None:
    verdict = judged([])
    assert len(verdict.good) == 0
    assert verdict.rejects == []
