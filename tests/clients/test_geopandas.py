"""GeoPandas reads addresses: a page of features, whole exports, and pages one after the other as the documents show."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import urlencode

import geopandas
import httpx
import pandas as pd
import pytest
import shapely

from gis.geometry.datum import metric_transformer
from tests.api.tiny import CITY, Tiny
from tests.clients.conftest import Request, Served

DAYS = {"from": "2016-05-01", "to": "2016-05-21"}


def address(served: Served, path: str, **parameters: str) -> str:
    return f"{served.address}{path}?{urlencode(parameters)}"


def test_a_page_of_features(served: Served, facts: Tiny) -> None:
    read = geopandas.read_file(address(served, "/collections/cells/items", limit="1000", filter="tier = 'general'"))
    assert set(read.code) == {code for code, tier in facts.tiers.items() if tier == "general"}
    assert read.crs == "EPSG:4326"
    for row in read.itertuples():
        assert row.geometry.equals(facts.cells[row.code])


def test_coordinates_of_the_city_s_metric_crs(served: Served, facts: Tiny) -> None:
    uri = "http://www.opengis.net/def/crs/EPSG/0/4547"
    read = geopandas.read_file(address(served, "/collections/cells/items", limit="1000", crs=uri))
    # GeoJSON cannot say its CRS, so whoever asks for one tells GeoPandas, too; by the book northing comes first.
    read = read.set_crs(4547, allow_override=True)
    metric = metric_transformer(CITY.metric_crs)
    for row in read.itertuples():
        expected = shapely.transform(facts.cells[row.code], metric.transform, interleaved=False)
        turned = shapely.transform(row.geometry, lambda points: points[:, ::-1])
        assert turned.hausdorff_distance(expected) < 0.01


@pytest.mark.parametrize("ending", ["geojson", "geojsonl", "fgb", "gpkg"])
def test_exports_are_read_from_their_address(served: Served, facts: Tiny, ending: str) -> None:
    read = geopandas.read_file(address(served, "/collections/cells/export", f=ending))
    assert set(read.code) == set(facts.cells)
    assert read.crs == "EPSG:4326"
    assert read.area_km2.dtype == float
    assert read.surveyed.dtype == bool


def test_geoparquet_is_read_from_memory(served: Served, facts: Tiny) -> None:
    content = httpx.get(address(served, "/collections/cells/export", f="parquet")).content
    read = geopandas.read_parquet(io.BytesIO(content))
    assert set(read.code) == set(facts.cells)
    assert read.crs is not None
    assert read.crs.equals("OGC:CRS84", ignore_axis_order=True) or read.crs == "EPSG:4326"


def test_an_export_in_the_city_s_metric_crs_says_so(served: Served) -> None:
    uri = "http://www.opengis.net/def/crs/EPSG/0/4547"
    read = geopandas.read_file(address(served, "/collections/cells/export", f="gpkg", crs=uri))
    assert read.crs == "EPSG:4547"
    assert (read.geometry.area / 1e6).tolist() == pytest.approx(read.area_km2.tolist(), rel=1e-3)


def test_pages_one_after_the_other(served: Served, facts: Tiny, asked: Callable[[], list[Request]]) -> None:
    pages = []
    following: str | None = address(served, "/collections/density-cells/items", limit="20", **DAYS)
    while following:
        page = httpx.get(following).json()
        pages.append(geopandas.GeoDataFrame.from_features(page, crs="OGC:CRS84"))
        following = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
    read = pd.concat(pages)
    assert [len(page) for page in pages] == [20, 20, 8]
    assert read.code.is_unique
    assert set(read.code) == set(facts.cells)
    assert len(asked()) == 3
