"""Report files: the same rows out of every format, rightly numbered; what cannot be read says why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely

from gis import report_files
from gis.errors import FileError, InputError, ParameterError
from gis.report_files import GEOMETRY, Chunk, ReportFile

HEADER = "id,lon,lat,time,category"
ROWS = [(f"r{n}", 113.6 + n / 100, 34.7, f"2016-06-0{n} 08:30:00", "占道经营") for n in range(1, 6)]
LINES = [",".join(map(str, row)) for row in ROWS]


def written(path: Path, *lines: str, encoding: str = "utf-8", end: str = "\n") -> ReportFile:
    path.write_bytes((end.join((HEADER, *lines)) + end).encode(encoding))
    return ReportFile(path, encoding=encoding)


def read(file: ReportFile) -> tuple[dict[int, str], dict[int, str]]:
    """Row number -> source_ref of good rows, and -> original text of malformed ones."""
    good: dict[int, str] = {}
    malformed: dict[int, str] = {}
    for chunk in file.chunks():
        refs = chunk.column("source_ref").to_pylist()
        assert len(chunk.rows) == len(refs) == len(chunk)
        for row, ref in zip(chunk.rows.tolist(), refs, strict=True):
            assert row not in good
            good[row] = ref
        for reject in chunk.malformed:
            assert reject.row not in malformed
            malformed[reject.row] = reject.original
    assert not good.keys() & malformed.keys()
    return good, malformed


def only_chunk(file: ReportFile) -> Chunk:
    (chunk,) = file.chunks()
    return chunk


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=HEADER.split(","))


def points() -> geopandas.GeoDataFrame:
    table = frame()
    at = geopandas.points_from_xy(table.pop("lon"), table.pop("lat"))
    return geopandas.GeoDataFrame(table, geometry=at, crs="EPSG:4326")


def write_geojson(path: Path, crs: dict | None = None, end: bool = False) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"id": ref, "time": time, "category": category},
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
        }
        for ref, lon, lat, time, category in ROWS
    ]
    members = {"crs": crs} if crs else {}
    first, last = ({}, members) if end else (members, {})
    path.write_text(json.dumps({"type": "FeatureCollection", **first, "features": features, **last}))
    return path


def write_as(kind: str, folder: Path) -> ReportFile:
    path = folder / f"reports.{kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress("\n".join((HEADER, *LINES)).encode()))
    elif kind == "tsv":
        path.write_text("\n".join((HEADER, *LINES)).replace(",", "\t"))
    elif kind == "geojson":
        write_geojson(path)
    elif kind == "gpkg":
        points().to_file(path)
    elif kind == "parquet":
        frame().to_parquet(path)
    elif kind == "geoparquet":
        points().to_parquet(path)
    else:
        path.write_text("\n".join((HEADER, *LINES)))
    return ReportFile(path)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tsv", "geojson", "gpkg", "parquet", "geoparquet"])
def test_every_format_holds_the_same_rows(kind: str, tmp_path: Path) -> None:
    chunk = only_chunk(write_as(kind, tmp_path))
    assert chunk.rows.tolist() == [1, 2, 3, 4, 5]
    assert chunk.column("source_ref").to_pylist() == [row[0] for row in ROWS]
    assert chunk.column("category").to_pylist() == [row[4] for row in ROWS]
    if GEOMETRY in chunk.fields:
        x, y = (values.tolist() for values in chunk.points())
    else:
        x, y = ([float(str(value)) for value in chunk.column(name).to_pylist()] for name in ("lon", "lat"))
    assert x == [row[1] for row in ROWS]
    assert y == [row[2] for row in ROWS]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16", "gbk"])
def test_text_in_other_encodings(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_bytes("编号,经度,纬度,上报时间,小类\n一,113.6,34.7,2016年6月1日,占道\n".encode(encoding))
    # A byte order mark needs no word about it.
    file = ReportFile(path, encoding="utf-8" if encoding == "utf-8-sig" else encoding)
    assert read(file) == ({1: "一"}, {})


def test_another_encoding_than_said_is_a_file_error(tmp_path: Path) -> None:
    file = written(tmp_path / "reports.csv", *LINES, encoding="gb18030")
    with pytest.raises(FileError, match=r"encoding tried: utf-8"):
        read(ReportFile(file.path))


def test_malformed_rows_and_quoted_newlines_are_counted_as_records(tmp_path: Path) -> None:
    quoted = '"r\n2",113.6,34.7,2016-06-01,"two\nlines"'
    file = written(tmp_path / "reports.csv", LINES[0], quoted, "short,1", "", LINES[2], "a,b,c,d,e,f", LINES[3])
    good, malformed = read(file)
    assert good == {1: "r1", 2: "r\n2", 4: "r3", 6: "r4"}
    assert malformed == {3: "short,1", 5: "a,b,c,d,e,f"}


@pytest.mark.parametrize("every", [2, 3, 5, 7])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_row_numbers_survive_the_borders_of_blocks(
    every: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", 120)
    lines = [f"r{n},1,2,2016,x" if n % every else f"bad{n}" for n in range(1, 101)]
    file = written(tmp_path / "reports.csv", *lines, end=end)
    assert len(list(file.chunks())) > 5
    good, malformed = read(file)
    assert good == {n: f"r{n}" for n in range(1, 101) if n % every}
    assert malformed == {n: f"bad{n}" for n in range(1, 101) if not n % every}


def test_a_quote_that_never_ends_swallows_rows_into_one_reject_that_shows_them(tmp_path: Path) -> None:
    good, malformed = read(written(tmp_path / "reports.csv", LINES[0], 'r2,1,2,"open,x', LINES[2]))
    assert good == {1: "r1"}
    assert LINES[2] in malformed[2]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text("no;east;north;when;what\nr1;113.6;34.7;2016-06-01;x\n")
    mapping = {"source_ref": "no", "lon": "east", "lat": "north", "reported_at": "when", "category": "what"}
    chunk = only_chunk(ReportFile(path, mapping, delimiter=";"))
    assert chunk.fields == mapping
    assert chunk.original(0) == "r1,113.6,34.7,2016-06-01,x"


def test_column_names_are_compared_without_case_and_spaces(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text("ID, Lon ,LAT,Time,Category\nr1,113.6,34.7,2016-06-01,x\n")
    assert set(only_chunk(ReportFile(path)).fields) == {"source_ref", "lon", "lat", "reported_at", "category"}


@pytest.mark.parametrize(
    ("header", "mapping", "said"),
    [
        ("id,lon,lat,when,category", {}, "which column is reported_at? The file has id, lon, lat, when, category"),
        ("a,b", {}, "which column is source_ref, reported_at, category, lon, lat"),
        (HEADER, {"category": "kind"}, "no column kind (for category); the file has id, lon, lat, time, category"),
        (HEADER, {"place": "id"}, "there is no field place"),
        ("id,id,lon,lat,time,category", {}, "more than one column is called id"),
    ],
)
def test_missing_columns_are_named(header: str, mapping: dict[str, str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(f"{header}\n" + ",".join("x" * (header.count(",") + 1)) + "\n")
    with pytest.raises(FileError) as refused:
        read(ReportFile(path, mapping))
    assert said in str(refused.value)


def test_columns_that_nobody_asks_for_may_repeat(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(f"{HEADER},note,note\n{LINES[0]},a,b\n")
    chunk = only_chunk(ReportFile(path))
    assert chunk.column("source_ref").to_pylist() == ["r1"]
    assert chunk.original(0).endswith(",a,b")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (gzip.compress(b"id,lon\n" * 999, mtime=0)[:-9], "cannot be read to its end"),
    ],
)
def test_files_that_are_not_there_or_damaged(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match=said):
        read(ReportFile(path))


@pytest.mark.parametrize("kind", ["parquet", "gpkg", "geojson"])
def test_binary_files_that_are_something_else(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"reports.{kind}"
    path.write_bytes(b"no such thing")
    with pytest.raises(FileError, match="cannot be read"):
        read(ReportFile(path))
    if kind != "geojson":  # which declares nothing before it is read
        with pytest.raises(FileError, match="cannot be read"):
            ReportFile(path).declared_crs()


def test_a_geojson_cut_off_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "reports.geojson")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileError, match="cannot be read"):
        read(ReportFile(path))


@pytest.mark.parametrize(("name", "value"), [("encoding", "klingon"), ("delimiter", ";;"), ("delimiter", "\n")])
def test_what_is_said_about_the_text_is_checked(name: str, value: str, tmp_path: Path) -> None:
    file = written(tmp_path / "reports.csv", *LINES)
    with pytest.raises(ParameterError, match=name):
        read(ReportFile(file.path, **{name: value}))


def test_a_file_with_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert read(written(tmp_path / "reports.csv")) == ({}, {})


def test_geojson_declares_a_crs_only_by_its_member(tmp_path: Path) -> None:
    path = tmp_path / "reports.geojson"
    member = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert ReportFile(write_geojson(path)).declared_crs() is None
    assert ReportFile(write_geojson(path, member)).declared_crs() == "EPSG:4490"
    assert ReportFile(write_geojson(path, member, end=True)).declared_crs() == "EPSG:4490"


def test_a_property_called_crs_declares_nothing(tmp_path: Path) -> None:
    path = write_geojson(tmp_path / "reports.geojson")
    path.write_text(path.read_text().replace('"properties": {', '"properties": {"crs": "x", '))
    assert ReportFile(path).declared_crs() is None


def test_parquet_declares_what_its_metadata_say(tmp_path: Path) -> None:
    plain, geo = write_as("parquet", tmp_path), write_as("geoparquet", tmp_path)
    assert plain.declared_crs() is None
    assert "4326" in str(geo.declared_crs())
    for crs in ("EPSG:4547", None):
        path = tmp_path / "other.parquet"
        points().set_crs(crs, allow_override=True).to_parquet(path)
        declared = ReportFile(path).declared_crs()
        assert ("4547" in declared) if crs else declared is None


def test_geoparquet_may_call_its_geometry_anything(tmp_path: Path) -> None:
    path = tmp_path / "reports.parquet"
    points().rename_geometry("where").to_parquet(path)
    chunk = only_chunk(ReportFile(path))
    assert chunk.fields[GEOMETRY] == "where"
    assert chunk.points()[0].tolist() == [row[1] for row in ROWS]


def test_geometries_that_are_no_points_have_no_coordinate(tmp_path: Path) -> None:
    path = tmp_path / "reports.gpkg"
    table = points()
    table.loc[1, "geometry"] = None
    table.loc[2, "geometry"] = shapely.box(0, 0, 1, 1)
    table.to_file(path)
    chunk = only_chunk(ReportFile(path))
    assert [at for at, x in enumerate(chunk.points()[0]) if x != x] == [1, 2]
    assert "POLYGON" in chunk.original(2)


def test_every_refusal_is_an_input_error() -> None:
    assert issubclass(FileError, InputError)
    assert issubclass(ParameterError, InputError)


def test_a_geopackage_with_several_layers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    frame = geopandas.GeoDataFrame(
        {"id": ["1"], "time": ["2016-06-01"], "category": ["0505"]}, geometry=[shapely.Point(1, 2)], crs=4326
    )
    for layer in ("day", "night"):
        frame.to_file(path, layer=layer, driver="GPKG")
    with pytest.raises(FileError, match="day, night"):
        list(ReportFile(path).chunks())
