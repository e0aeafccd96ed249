"""Files in: formats, columns, declared datum, repaired and refused rows."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

from gis.errors import CrsError, FileError, ParameterError, RowsRefused
from gis.geometry.datum import metric_transformer, wgs84_to_gcj02
from gis.readers import Layout, read_features

AREAS = Layout("areas", ("name",), ("code",), "polygon")
POINTS = Layout("coordinators", ("ref",), (), "point", needs_geometry=False)
TABLE = Layout("categories", ("code", "name"))
DIRTY = Path(__file__).parent.parent / "data/dirty/zhengzhou_districts_gcj02_invalid.geojson"
ZHENGZHOU = Path(__file__).parent.parent.parent / "fixtures/zhengzhou/areas.geojson"

SQUARE = shapely.box(113.6, 34.7, 113.7, 34.8)
EAST = shapely.box(113.7, 34.7, 113.8, 34.8)


def frame(crs: str | None = "EPSG:4326", **more: list) -> geopandas.GeoDataFrame:
    columns = {"name": ["中原区", "金水区"], "code": ["410102", "410105"], **more}
    return geopandas.GeoDataFrame(columns, geometry=[SQUARE, EAST], crs=crs)


def feature(geometry: dict | None, **properties: object) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def geojson(path: Path, *features: dict, **members: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features), **members}), encoding="utf-8")
    return path


def polygon(*ring: tuple[float, ...]) -> dict:
    return {"type": "Polygon", "coordinates": [[list(at) for at in ring]]}


@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".shp", ".shp.zip", ".fgb", ".parquet", ".csv", ".csv.gz"])
def test_every_format_gives_the_same_rows(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"areas{ending}"
    if ending == ".parquet":
        frame().to_parquet(path)
    elif ending == ".shp":
        frame().to_file(path, encoding="UTF-8")
    elif ending.startswith(".csv"):
        text = frame().drop(columns="geometry").assign(wkt=frame().geometry.to_wkt()).to_csv(index=False)
        path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    else:
        frame().to_file(path)
    features = read_features(path, "wgs84", {}, AREAS)
    order = np.argsort(features.column("code"))  # FlatGeobuf sorts by place
    assert [features.column("name")[at] for at in order] == ["中原区", "金水区"]
    assert [features.column("code")[at] for at in order] == ["410102", "410105"]
    assert shapely.equals(features.geometry[order[0]], SQUARE)
    assert features.geometry[0].geom_type == "MultiPolygon"
    assert not features.problems
    assert not features.repairs


def test_shapefile_in_gbk_by_cpg_and_by_option(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "gbk.shp", encoding="GBK")
    assert (tmp_path / "gbk.cpg").read_text() == "GBK"
    assert read_features(tmp_path / "gbk.shp", None, {}, AREAS).column("name") == ["中原区", "金水区"]
    (tmp_path / "gbk.cpg").unlink()
    assert read_features(tmp_path / "gbk.shp", None, {}, AREAS, encoding="GBK").column("name") == ["中原区", "金水区"]


def test_csv_in_gb18030_needs_the_option(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes("code,name\n0102,暴露垃圾\n".encode("gb18030"))
    with pytest.raises(FileError, match="--encoding GB18030"):
        read_features(path, None, {}, TABLE)
    features = read_features(path, None, {}, TABLE, encoding="GB18030")
    assert features.columns == {"code": ["0102"], "name": ["暴露垃圾"]}


def test_several_layers_have_to_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    frame().to_file(path, layer="districts")
    frame().to_file(path, layer="streets")
    with pytest.raises(FileError, match="--layer, of districts, streets"):
        read_features(path, None, {}, AREAS)
    with pytest.raises(FileError, match="no layer 'x'; it has districts, streets"):
        read_features(path, None, {}, AREAS, layer="x")
    assert read_features(path, None, {}, AREAS, layer="streets").rows == 2


def test_zip_of_a_shapefile(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "areas.shp", encoding="UTF-8")
    with zipfile.ZipFile(tmp_path / "areas.zip", "w") as archive:
        for part in tmp_path.glob("areas.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    assert read_features(tmp_path / "areas.zip", None, {}, AREAS).column("code") == ["410102", "410105"]


# -- the declared system ---


def test_geojson_that_declares_nothing_needs_crs(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", feature(shapely.geometry.mapping(SQUARE), name="a"))
    with pytest.raises(CrsError, match=r"declares no coordinate reference system.*gcj02, bd09"):
        read_features(path, None, {}, AREAS)
    assert read_features(path, "cgcs2000", {}, AREAS).crs == "cgcs2000"


def test_geojson_lines_and_csv_need_crs(tmp_path: Path) -> None:
    lines = tmp_path / "a.geojsonl"
    lines.write_text(json.dumps(feature(shapely.geometry.mapping(SQUARE), name="a")) + "\n")
    table = tmp_path / "a.csv"
    table.write_text(f'name,wkt\na,"{SQUARE.wkt}"\n')
    for path in (lines, table):
        with pytest.raises(CrsError, match="declares no coordinate reference system"):
            read_features(path, None, {}, AREAS)


def test_crs_member_of_a_geojson_counts(tmp_path: Path) -> None:
    metres = frame("EPSG:4326").to_crs("EPSG:4547")
    path = geojson(
        tmp_path / "a.geojson",
        feature(shapely.geometry.mapping(metres.geometry[0]), name="a"),
        crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}},
    )
    features = read_features(path, None, {}, AREAS)
    assert features.crs == "EPSG:4547"
    assert np.allclose(shapely.bounds(features.geometry[0]), SQUARE.bounds, atol=1e-8)


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".fgb", ".parquet"])
def test_the_declaration_of_a_file_counts_and_must_not_be_contradicted(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"areas{ending}"
    metres = frame().to_crs("EPSG:4547")
    metres.to_parquet(path) if ending == ".parquet" else metres.to_file(path)
    assert read_features(path, None, {}, AREAS).crs == "EPSG:4547"
    assert read_features(path, "4547", {}, AREAS).crs == "EPSG:4547"
    with pytest.raises(CrsError, match=r"--crs EPSG:32650 \(WGS 84 / UTM zone 50N\) contradicts .* EPSG:4547"):
        read_features(path, "EPSG:32650", {}, AREAS)
    with pytest.raises(CrsError, match="means longitude and latitude"):
        read_features(path, "gcj02", {}, AREAS)


def test_wgs84_and_cgcs2000_are_one(tmp_path: Path) -> None:
    frame("EPSG:4490").to_file(tmp_path / "a.gpkg")
    assert read_features(tmp_path / "a.gpkg", "wgs84", {}, AREAS).rows == 2


def test_chinese_datum_goes_before_the_declaration(tmp_path: Path) -> None:
    lon, lat = wgs84_to_gcj02(*shapely.get_coordinates(SQUARE).T)
    moved = geopandas.GeoDataFrame({"name": ["a"]}, geometry=[shapely.Polygon(np.c_[lon, lat])], crs="EPSG:4326")
    moved.to_file(tmp_path / "a.gpkg")
    features = read_features(tmp_path / "a.gpkg", "gcj02", {}, AREAS)
    assert features.crs == "gcj02"
    assert np.allclose(shapely.bounds(features.geometry[0]), SQUARE.bounds, atol=1e-8)
    plain = read_features(tmp_path / "a.gpkg", None, {}, AREAS)
    assert not np.allclose(shapely.bounds(plain.geometry[0]), SQUARE.bounds, atol=1e-3)


def test_local_datum_in_the_file_is_refused(tmp_path: Path) -> None:
    frame("EPSG:4610").to_file(tmp_path / "xian80.gpkg")
    with pytest.raises(CrsError, match=r"xian80.gpkg: .*Xian 1980.*local parameters"):
        read_features(tmp_path / "xian80.gpkg", None, {}, AREAS)


def test_undefined_system_of_a_geopackage_counts_as_none(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.write_dataframe(frame(None), tmp_path / "a.gpkg")
    with pytest.raises(CrsError, match="--crs"):
        read_features(tmp_path / "a.gpkg", None, {}, AREAS)
    assert read_features(tmp_path / "a.gpkg", "wgs84", {}, AREAS).rows == 2


# -- columns ---


def test_columns_by_mapping_by_name_and_by_declared_alias(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ADCODE,Bezeichnung,name_en\n410102,Zhongyuan,x\n")
    features = read_features(path, None, {"name": "bezeichnung"}, TABLE)
    assert features.columns == {"code": ["410102"], "name": ["Zhongyuan"]}


def test_missing_column_names_those_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title\n1,x\n")
    with pytest.raises(FileError, match=r"no column code and no column name; it has id, title\. .*--map code=COLUMN"):
        read_features(path, None, {}, TABLE)
    with pytest.raises(FileError, match="no column 'nix'"):
        read_features(path, None, {"code": "nix"}, TABLE)
    with pytest.raises(ParameterError, match="no field 'colour' here; the fields are code, name"):
        read_features(path, None, {"colour": "id"}, TABLE)


def test_whole_numbers_and_lists_become_text(tmp_path: Path) -> None:
    frame(code=[410102, None], name=["a", "b"]).to_parquet(tmp_path / "a.parquet")
    assert read_features(tmp_path / "a.parquet", None, {}, AREAS).column("code") == ["410102", None]
    path = geojson(tmp_path / "a.geojson", feature(shapely.geometry.mapping(SQUARE), name=["steps", "path"]))
    assert read_features(path, "wgs84", {}, AREAS).column("name") == ["steps;path"]


# -- files that cannot be used ---


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.geojson", b"", "is empty"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "holds no rows"),
        ("a.geojson", b"not json", "cannot be read"),
        ("a.geojson", b"[1]", "FeatureCollection is needed"),
        ("a.gpkg", b"not a database", "cannot be read"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.csv", b"name,wkt\n", "holds no rows"),
        ("a.csv", b"name,name\na,b\n", "names name more than once"),
        ("a.csv.gz", b"plain", "cannot be read"),
        ("a.csv", b"name\na\n", "has no geometry"),
        ("a.kml", b"<kml/>", "accepted endings: .geojson"),
    ],
)
def test_unusable_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_features(path, "wgs84", {}, AREAS)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_features(tmp_path / "a.csv", None, {}, TABLE)


# -- rows ---


def test_refused_rows_are_all_named_with_their_reason(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "a.geojson",
        feature(shapely.geometry.mapping(SQUARE), name="fine"),
        feature(None, name="nothing"),
        feature({"type": "Point", "coordinates": [113, 34]}, name="point"),
        feature(polygon((34.7, 113.6), (34.8, 113.6), (34.8, 113.7), (34.7, 113.6)), name="swapped"),
        feature(polygon((513.6, 34.7), (513.7, 34.7), (513.7, 34.8), (513.6, 34.7)), name="far"),
        feature(polygon((1, 1), (2, 2), (3, 3), (1, 1)), name="flat"),
        feature(polygon((1, 1), (2, 2)), name="short"),
    )
    features = read_features(path, "wgs84", {}, AREAS)
    with pytest.raises(RowsRefused) as refused:
        features.refuse()
    reasons = {problem.row: problem.reason for problem in refused.value.problems}
    assert reasons[2] == "it has no geometry; a polygon is needed"
    assert reasons[3] == "its geometry is a Point; a polygon is needed"
    assert "(34.7, 113.6)" in reasons[4]
    assert reasons[4].endswith("are the two swapped?")
    assert "(513.6, 34.7)" in reasons[5]
    assert "no area remains" in reasons[6]
    assert "cannot be built" in reasons[7]
    assert sorted(reasons) == [2, 3, 4, 5, 6, 7]
    assert features.notes == [one for one in features.notes if "ring" in one]


def test_positions_that_no_projection_has(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('name,wkt\na,"POLYGON ((1e30 0, 1e30 1, 2e30 1, 1e30 0))"\nb,POLYGON nonsense\n')
    features = read_features(path, "EPSG:4547", {}, AREAS)
    reasons = {problem.row: problem.reason for problem in features.problems}
    assert "no position in EPSG:4547" in reasons[1]
    assert "not WKT: 'POLYGON nonsense'" in reasons[2]


def test_height_is_dropped(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", feature(polygon((1, 1, 9), (2, 1, 9), (2, 2, 9), (1, 1, 9)), name="high"))
    features = read_features(path, "wgs84", {}, AREAS)
    assert not shapely.has_z(features.geometry).any()


def test_lines_of_another_length_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,name\n1,a\n2\n3,c,d\n")
    features = read_features(path, None, {}, TABLE)
    assert [(one.row, one.reason) for one in features.problems] == [
        (2, "it has 1 values, the header names 2"),
        (3, "it has 3 values, the header names 2"),
    ]


def test_points_from_two_columns_may_be_absent_but_not_half(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ref,lng,纬度\na,113.6,34.7\nb,,\nc,113.6,\nd,x,34\n")
    features = read_features(path, "wgs84", {}, POINTS)
    assert [one is None for one in features.geometry] == [False, True, True, True]
    assert [one.row for one in features.problems] == [3, 4]


# -- real dirt ---


def test_twelve_invalid_districts_are_repaired_reported_and_where_they_belong() -> None:
    features = read_features(DIRTY, "gcj02", {"code": "id"}, AREAS)
    assert not features.problems
    assert [one.row for one in features.repairs] == list(range(1, 13))
    assert all("elf-intersection at (11" in one.reason and "area changed by" in one.reason for one in features.repairs)
    assert shapely.is_valid(features.geometry).all()
    real = [one for one in json.loads(ZHENGZHOU.read_text())["features"] if one["properties"]["level"] == "district"]
    known = {one["properties"]["code"]: shapely.geometry.shape(one["geometry"]) for one in real}
    metric = metric_transformer("EPSG:4547").transform
    as_wgs84 = read_features(DIRTY, "wgs84", {"code": "id"}, AREAS)
    for code, found, unshifted in zip(features.column("code"), features.geometry, as_wgs84.geometry, strict=True):
        there, here, wrong = shapely.transform(
            np.array([known[code], found, unshifted], dtype=object), metric, interleaved=False
        )
        # The chart library rounded to 1/1024 degree, about 100 m; an undeclared datum is off by 500 m and more.
        assert shapely.distance(here.centroid, there.centroid) < 250
        assert shapely.distance(wrong.centroid, there.centroid) > 500
        off = shapely.distance(shapely.points(shapely.get_coordinates(here)), there.boundary)
        assert np.median(off) < 115


def test_dirty_copy_keeps_its_licence() -> None:
    assert "Permission is hereby granted" in (DIRTY.parent / "LICENSE").read_text()


def test_shapefile_without_index_says_so(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "whole.shp", encoding="UTF-8")
    shutil.copy(tmp_path / "whole.shp", tmp_path / "alone.shp")
    with pytest.raises(FileError, match=r"alone\.shp cannot be read"):
        read_features(tmp_path / "alone.shp", "wgs84", {}, AREAS)
