"""GDAL reads the service: its driver OAPIF, exports as files, a vector tile; through pyogrio and through ogrinfo.

What GDAL 3.6 (Debian 12) to 3.12 leave to the server: bounding boxes always; of attribute filters equality, where the
API definition lists the property as a parameter under the collection's own path. All else they filter themselves.
GDAL takes text such as T0300 for a time of the day, so these tests know reports by their place, not by their number.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pyogrio
import pytest
import shapely

from gis.collections.catalogue import COLLECTIONS
from tests.api.tiny import CITY, SOUTH, STEP, WEST, Tiny
from tests.clients.conftest import Request, Served

DAYS = {"from": "2016-05-01", "to": "2016-05-21"}
HERE = [one for one in COLLECTIONS.values() if one.level in (None, *CITY.area_levels)]
GEOMETRIES = {"point": "Point", "multipolygon": "MultiPolygon", "multilinestring": "MultiLineString"}
# Two columns and two rows of cells of the first street, a hair inside.
BOX = (WEST + 0.1 * STEP, SOUTH + 0.1 * STEP, WEST + 1.9 * STEP, SOUTH + 1.9 * STEP)


@pytest.fixture(scope="module")
def source(served: Served) -> str:
    assert "OAPIF" in pyogrio.list_drivers()
    return f"OAPIF:{served.address}"


@pytest.fixture(scope="module")
def ogr(served: Served) -> Callable[..., str]:
    """Runs a program of GDAL's and answers what it printed."""

    def run(program: str, *words: str) -> str:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: make setup-test, or apt-get install gdal-bin")
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "ERROR" not in done.stderr
        return done.stdout

    return run


def pages_of(collection: str, requests: list[Request]) -> list[Request]:
    found = [one for one in requests if one.path == f"/collections/{collection}/items"]
    assert {one.status for one in found} == {200}
    return found


def test_all_collections_are_layers_with_their_kind_of_geometry(source: str) -> None:
    assert dict(pyogrio.list_layers(source)) == {one.id: GEOMETRIES[one.geometry] for one in HERE}


@pytest.mark.parametrize("collection", HERE, ids=lambda one: one.id)
def test_fields_have_the_types_of_the_properties(source: str, collection) -> None:
    info = pyogrio.read_info(source, layer=collection.id)
    kinds = {
        "string": "OFTString",
        "integer": "OFTInteger",
        "number": "OFTReal",
        "boolean": "OFTInteger",
        "date": "OFTDate",
        "date-time": "OFTDateTime",
    }
    types = dict(zip(info["fields"], info["ogr_types"], strict=True))
    # GDAL looks at the first features: of a field that is empty in all of them it cannot know the type. `id` is
    # the name of the feature, unless a property is called so.
    known = {
        one.name: kinds[one.kind] for one in collection.properties if not one.nullable and one.name != "source_ref"
    }
    assert {name: types[name] for name in known} == known
    named = collection.property("id")
    assert types["id"] == (kinds[named.kind] if named else "OFTString")
    assert "CRS84" in info["crs"] or "4326" in info["crs"]


def test_everything_is_read_page_by_page(source: str, facts: Tiny, asked: Callable[[], list[Request]]) -> None:
    read = pyogrio.read_dataframe(source, layer="reports", PAGE_SIZE=120)
    assert len(pages_of("reports", asked())) >= 5
    given = sorted((float(one["lon"]), float(one["lat"]), one["category"]) for one in facts.reports)
    found = zip(read.geometry.x, read.geometry.y, read.category.str.partition(":")[2], strict=True)
    assert sorted(found) == given


def test_densities_keep_their_decimals_where_the_first_are_zero(source: str, facts: Tiny) -> None:
    read = pyogrio.read_dataframe(source, layer="density-cells")
    assert len(read) == len(facts.cells)
    assert read.per_km2.dtype == float
    assert ((read["count"] / read.area_km2 - read.per_km2).abs() < 1e-6).all()
    assert read["count"].sum() > 300


def test_a_box_goes_to_the_server(source: str, facts: Tiny, asked: Callable[[], list[Request]]) -> None:
    read = pyogrio.read_dataframe(source, layer="cells", bbox=BOX)
    box = shapely.box(*BOX)
    assert set(read.code) == {code for code, shape in facts.cells.items() if shape.intersects(box)}
    assert len(read) == 4
    sent = [one.parameters["bbox"] for one in pages_of("cells", asked()) if "bbox" in one.parameters]
    assert sent
    assert [float(part) for part in sent[-1].split(",")] == pytest.approx(BOX)


def test_equality_goes_to_the_server(source: str, facts: Tiny, asked: Callable[[], list[Request]]) -> None:
    read = pyogrio.read_dataframe(source, layer="cells", where="tier = 'key'", bbox=BOX)
    box = shapely.box(*BOX)
    assert set(read.code) == {
        code for code, shape in facts.cells.items() if shape.intersects(box) and facts.tiers[code] == "key"
    }
    last = pages_of("cells", asked())[-1].parameters
    assert last["tier"] == "key"
    assert "bbox" in last


def test_what_gdal_cannot_send_it_filters_itself(source: str, facts: Tiny, asked: Callable[[], list[Request]]) -> None:
    read = pyogrio.read_dataframe(source, layer="cells", where="tier = 'key' AND code LIKE '9901010010%'")
    assert set(read.code) == {
        code for code, tier in facts.tiers.items() if tier == "key" and code.startswith("9901010010")
    }
    last = pages_of("cells", asked())[-1].parameters
    assert last["tier"] == "key"
    assert "filter" not in last


def test_chinese_text_survives_the_way_there_and_back(source: str, facts: Tiny) -> None:
    read = pyogrio.read_dataframe(source, layer="reports", where="description = '第300号'")
    (expected,) = [one for one in facts.reports if one["id"] == "T0300"]
    assert [(at.x, at.y) for at in read.geometry] == [(float(expected["lon"]), float(expected["lat"]))]
    assert list(pyogrio.read_dataframe(source, layer="streets", where="name = '西街'").code) == ["990102001"]


def test_days_go_to_the_server_as_datetime(
    source: str, facts: Tiny, ogr: Callable[..., str], asked: Callable[[], list[Request]]
) -> None:
    where = "reported_at >= '2016/05/03 00:00:00' AND reported_at <= '2016/05/04 00:00:00'"
    printed = ogr("ogrinfo", "-q", source, "reports", "-where", where, "-geom=NO")
    assert any(one.parameters.get("datetime", "").startswith("2016-05-03T00:00:00Z/") for one in asked())
    # Instants in UTC: from 8 in the morning to 8 in the morning of the city.
    expected = [one["id"] for one in facts.reports if "2016-05-03 08:00" <= one["time"][:16] <= "2016-05-04 08:00"]
    assert sorted(re.findall(r"source_ref \(String\) = (\w+)", printed)) == sorted(expected)


def test_ogrinfo_lists_and_counts(source: str, facts: Tiny, ogr: Callable[..., str]) -> None:
    listed = re.findall(r"^\d+: (\S+) \(title: .*\) \((.*)\)$", ogr("ogrinfo", source), re.MULTILINE)
    assert {name: kind.replace(" ", "") for name, kind in listed} == {one.id: GEOMETRIES[one.geometry] for one in HERE}
    about = ogr("ogrinfo", "-so", source, "cells", "-where", "tier = 'key'")
    assert f"Feature Count: {list(facts.tiers.values()).count('key')}" in about
    assert re.search(r"^area_km2: Real", about, re.MULTILINE)
    assert "Feature Count: 500" in ogr("ogrinfo", "-so", source, "reports")


def test_ogr2ogr_makes_a_geopackage_of_a_filtered_collection(
    source: str, facts: Tiny, ogr: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "key.gpkg"
    ogr("ogr2ogr", "-t_srs", CITY.metric_crs, str(path), source, "cells", "-where", "tier = 'key'")
    read = pyogrio.read_dataframe(path)
    assert len(read) == list(facts.tiers.values()).count("key")
    assert read.crs.to_epsg() == 4547
    # True areas of the projected shapes, in km2, to the projection's own scale.
    assert (read.geometry.area / 1e6).tolist() == pytest.approx(read.area_km2.tolist(), rel=1e-3)


@pytest.mark.parametrize("ending", ["fgb", "gpkg", "geojsonl", "geojson", "csv", "parquet", "xlsx"])
def test_exports_are_files_that_gdal_reads(served: Served, facts: Tiny, tmp_path: Path, ending: str) -> None:
    answer = httpx.get(f"{served.address}/collections/density-cells/export", params={"f": ending, **DAYS})
    assert answer.status_code == 200
    path = tmp_path / f"cells.{ending}"
    path.write_bytes(answer.content)
    if ending == "parquet" and "Parquet" not in pyogrio.list_drivers():
        pytest.skip("the GDAL of the pyogrio wheel has no driver Parquet; test_geopandas.py reads it")
    read = pyogrio.read_dataframe(path, layer=0)
    assert sorted(map(str, read.code)) == sorted(facts.cells)
    assert (
        read["count"].astype(int).sum()
        == pyogrio.read_dataframe(f"OAPIF:{served.address}", layer="density-cells")["count"].sum()
    )
    if ending not in ("csv", "xlsx"):
        assert read.crs.to_epsg() == 4326
        assert set(read.geometry.geom_type) == {"MultiPolygon"}


def test_flatgeobuf_over_vsicurl(served: Served, facts: Tiny) -> None:
    read = pyogrio.read_dataframe(f"/vsicurl_streaming/{served.address}/collections/cells/export?f=fgb")
    assert sorted(read.code) == sorted(facts.cells)


def test_a_vector_tile_is_read_by_the_driver_mvt(served: Served, facts: Tiny, tmp_path: Path) -> None:
    tilejson = httpx.get(f"{served.address}/tiles/density-cells.json", params=DAYS).json()
    z = 14
    x, y = tile_of(WEST + 4 * STEP, SOUTH + 2 * STEP, z)
    address = tilejson["tiles"][0].format(z=z, x=x, y=y)
    path = tmp_path / "tile.mvt"
    path.write_bytes(httpx.get(address).content)
    read = pyogrio.read_dataframe(path, layer="density-cells", X=x, Y=y, Z=z)
    assert read.crs.to_epsg() == 3857
    seen = read.to_crs(4326)
    place = shapely.Point(WEST + 2.5 * STEP, SOUTH + 1.5 * STEP)
    (code,) = [code for code, shape in facts.cells.items() if shape.contains(place)]
    assert list(seen[seen.contains(place)].code) == [code]


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int]:
    """Column and row of the web mercator tile at a coordinate."""
    x = (lon + 180) / 360
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int(x * 2**z), int(y * 2**z)


def test_the_api_definition_has_what_gdal_looks_for(served: Served) -> None:
    paths = json.loads(httpx.get(f"{served.address}/openapi.json").content)["paths"]
    for collection in HERE:
        parameters = paths[f"/collections/{collection.id}/items"]["get"]["parameters"]
        names = {one["name"] for one in parameters}
        assert {one.name for one in collection.properties} <= names
