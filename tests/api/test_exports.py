"""Every collection in every format, read back by somebody else's reader and compared with what /items says."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas
import httpx
import openpyxl
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api import exports
from api.app import CONNECTIONS, create_app
from api.ogc_documents import EXPORTS
from gis.collections.catalogue import COLLECTIONS
from gis.exports import spool
from gis.exports.writing import ENDINGS, STREAMED
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.store.database import bump_version, create_database_engine
from tests.api.conftest import open_client
from tests.api.export_reading import FORMULAS, READERS, Feature, of_geojson
from tests.api.tiny import CITY, Tiny, write_reports
from tests.under_way import put_under_way

HERE = [name for name, one in COLLECTIONS.items() if one.level in (None, *CITY.area_levels)]
ORDINARY = ('第1号, “引号” "x"', "a\nb;c", "0123", "TRUE", "1e5", " ", "\x1e\x01\x02", "null", "NULL", "\\N")


@pytest.fixture(scope="module")
def engine(
    tiny_url: str, make_database: Callable[..., str], facts: Tiny, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The tiny city with reports whose descriptions want to be formulas, and one without a position."""
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    texts = [*FORMULAS, *ORDINARY]
    rows = [{**facts.reports[0], "id": f"X{number:02d}"} for number in range(len(texts))]
    rows.append({**facts.reports[0], "id": "NOWHERE", "lon": "", "lat": ""})
    path = write_reports(tmp_path_factory.mktemp("hostile") / "reports.csv", rows)
    with engine.begin() as conn:
        order = ImportOrder(ReportFile(path, {"reported_at": "time"}), "patrol", crs="wgs84", keep_unlocated=True)
        assert import_reports(conn, order).accepted == len(rows)
        for number, said in enumerate(texts):
            conn.execute(
                text("UPDATE reports SET description = :said WHERE source_ref = :ref"),
                {"said": said, "ref": f"X{number:02d}"},
            )
        put_under_way(conn)
        bump_version(conn, "reports")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def asking(engine: Engine) -> Iterator[TestClient]:
    with open_client(engine) as client:
        yield client


@pytest.fixture
def fetch(asking: TestClient, tmp_path: Path) -> Callable[..., Path]:
    """Exports into a file."""

    def get(collection: str, ending: str, **more: str) -> Path:
        answer = asking.get(f"/collections/{collection}/export", params={"f": ending, **more})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].partition(";")[0] == EXPORTS[ending][1]
        name = f"tiny-{collection}.{ending}"
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        path = tmp_path / name
        path.write_bytes(answer.content)
        return path

    return get


def items(asking: TestClient, collection: str, **more: str) -> dict[str, Feature]:
    answer = asking.get(f"/collections/{collection}/items", params={"limit": "10000", **more})
    assert answer.status_code == 200, answer.text
    return of_geojson(collection, answer.json()["features"])


def compare(found: dict[str, Feature], expected: dict[str, Feature], ending: str) -> None:
    assert list(found) == list(expected) if ending != "fgb" else set(found) == set(expected)
    for name, (properties, shape) in expected.items():
        row, read = found[name]
        if ending == "xlsx":
            # Excel keeps 15 or 16 digits.
            row = {
                key: pytest.approx(value, 1e-14) if isinstance(value, float) else value for key, value in row.items()
            }
        assert row == properties, name
        if shape is None:
            assert read is None, name
        elif ending == "xlsx" and shape.geom_type != "Point":
            assert shape.distance(read) < 1e-6, name
        else:
            assert shapely.equals_exact(read, shape, 1.1e-7), name


def test_the_endings_are_those_that_are_linked() -> None:
    assert set(ENDINGS) == set(EXPORTS)


@pytest.mark.parametrize("collection", HERE)
def test_every_format_holds_what_items_says(
    fetch: Callable[..., Path], asking: TestClient, collection: str, subtests: pytest.Subtests
) -> None:
    expected = items(asking, collection)
    assert expected
    for ending, read in READERS.items():
        with subtests.test(ending):
            compare(read(fetch(collection, ending), collection), expected, ending)


@pytest.mark.parametrize("collection", HERE)
def test_geojson_is_the_text_of_items(fetch: Callable[..., Path], asking: TestClient, collection: str) -> None:
    """To the last digit: 0.0 stays 0.0, by which GDAL knows a column of numbers."""
    shown = asking.get(f"/collections/{collection}/items", params={"limit": "10000"}).content
    expected = shown[shown.index(b'"features":[') + 12 : shown.rindex(b"]")]
    assert b"".join(fetch(collection, "geojson").read_bytes().splitlines()[1:-1]) == b"".join(expected.splitlines())


def test_hostile_descriptions_arrive_unchanged(fetch: Callable[..., Path]) -> None:
    for ending, read in READERS.items():
        found = read(fetch("reports", ending, filter="source_ref LIKE 'X%'"), "reports")
        said = {row["source_ref"]: row["description"] for row, _ in found.values()}
        expected = [*FORMULAS, *ORDINARY]
        assert [said[f"X{number:02d}"] for number in range(len(expected))] == expected, ending


QUESTIONS = [
    ("cells", {"bbox": "113.6005,34.7005,113.6035,34.7015", "tier": "key"}),
    ("cells", {"filter": "area_km2 > 0 AND code LIKE '990101%'", "sortby": "-tier,code"}),
    ("cells", {"properties": "tier,area_km2"}),
    ("reports", {"datetime": "2016-05-03/2016-05-05", "source": "citizen", "sortby": "-reported_at"}),
    ("density-cells", {"from": "2016-05-01", "to": "2016-05-04", "category": "chaos:parking"}),
    ("staffing", {"level": "district", "on": "2016-05-20"}),
    ("roads", {"filter": "code = 'nothing'"}),
    ("reports", {"filter": "code = 'nothing'".replace("code", "source_ref")}),
    ("cells", {"filter": "code = 'nothing'"}),
]


@pytest.mark.parametrize(("collection", "asked"), QUESTIONS)
def test_filters_order_and_properties_are_those_of_items(
    fetch: Callable[..., Path], asking: TestClient, collection: str, asked: dict[str, str]
) -> None:
    expected = items(asking, collection, **asked)
    assert expected or "nothing" in asked["filter"]
    for ending, read in READERS.items():
        compare(read(fetch(collection, ending, **asked), collection), expected, ending)


def test_synthetic_data_is_told_everywhere(fetch: Callable[..., Path], asking: TestClient) -> None:
    answer = asking.get("/collections/reports/export?f=csv")
    assert answer.headers["x-finegrid-synthetic"] == "reports"
    assert {row["synthetic"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))} == {"reports"}
    assert "x-finegrid-synthetic" not in asking.get("/collections/cells/export?f=csv").headers
    assert json.loads(fetch("reports", "geojson").read_bytes())["synthetic"] == ["reports"]
    about = {row[0]: row[1] for row in openpyxl.load_workbook(fetch("reports", "xlsx"))["about"].values}
    assert about["虚构数据 Synthetic"] == "reports"
    assert about["来源 Source: reports"] == "made up"
    known = json.loads(pq.read_metadata(fetch("reports", "parquet")).metadata[b"finegrid"])
    assert known["synthetic"] == ["reports"]


@pytest.mark.parametrize("code", [4326, 3857, 4490, 4547])
def test_another_crs(fetch: Callable[..., Path], asking: TestClient, code: int) -> None:
    """Files have easting first; GeoJSON has the axes of the CRS, as /items."""
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    wgs84 = geopandas.read_parquet(fetch("cells", "parquet"))
    expected = wgs84.to_crs(code)
    tolerance = 1e-7 if code in (4326, 4490) else 0.01
    for ending in ("gpkg", "fgb", "parquet"):
        path = fetch("cells", ending, crs=uri)
        frame = geopandas.read_parquet(path) if ending == "parquet" else pyogrio.read_dataframe(path)
        assert frame.crs.to_epsg() == code or (code == 4326 and frame.crs == "OGC:CRS84")
        frame = frame.sort_values("code", ignore_index=True)
        assert shapely.equals_exact(frame.geometry.values, expected.geometry.values, tolerance).all(), ending
    answer = asking.get("/collections/cells/export", params={"f": "geojson", "crs": uri})
    assert answer.headers["content-crs"] == f"<{uri}>"
    assert answer.json()["contentCrs"] == uri
    assert of_geojson("cells", answer.json()["features"]) == items(asking, "cells", crs=uri)
    point = next(csv.DictReader(io.StringIO(fetch("coordinators", "csv", crs=uri).read_text())))
    assert set(point) >= ({"lon", "lat"} if code in (4326, 4490) else {"x", "y"})


def test_geoparquet_metadata(fetch: Callable[..., Path]) -> None:
    path = fetch("reports", "parquet")
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    column = geo["columns"][geo["primary_column"]]
    assert geo["version"] == "1.1.0"
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    assert column["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}
    assert column["bbox"] == geopandas.read_parquet(path).total_bounds.tolist()
    empty = json.loads(pq.read_metadata(fetch("cells", "parquet", filter="1=0")).metadata[b"geo"])["columns"][
        "geometry"
    ]
    assert "bbox" not in empty
    assert empty["geometry_types"] == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_data_is_the_same_bytes(fetch: Callable[..., Path], ending: str) -> None:
    first = fetch("reports", ending).read_bytes()
    time.sleep(1.1)
    assert fetch("reports", ending).read_bytes() == first


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", "f"),
        ("f=gpx", "f"),
        ("f=csv&limit=3", "limit"),
        ("f=csv&tier=nice", "tier"),
        ("f=csv&filter=tier%20=", "filter"),
        ("f=gpkg&filter=area_km2%20%3E%20'x'", "filter"),
        ("f=csv&crs=EPSG:1", "crs"),
        ("f=xlsx&properties=nope", "properties"),
    ],
)
def test_wrong_requests_are_ordinary_errors(asking: TestClient, asked: str, names: str) -> None:
    answer = asking.get(f"/collections/cells/export?{asked}")
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["parameter"] == names
    assert asking.get("/collections/communities/export?f=csv").status_code == 404


@pytest.mark.parametrize("ending", ["geojson", "parquet", "gpkg", "xlsx"])
def test_what_fails_in_the_database_before_the_first_byte_is_400(asking: TestClient, ending: str) -> None:
    answer = asking.get(f"/collections/density-cells/export?f={ending}", params={"filter": "1 / (count - count) > 1"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_304(asking: TestClient) -> None:
    first = asking.get("/collections/cells/export?f=gpkg")
    again = asking.get("/collections/cells/export?f=gpkg", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = asking.get("/collections/cells/export?f=csv", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


# -- clients that go away ----------------------------------------------------------------------------------------------


@pytest.fixture
def serving(engine: Engine) -> Iterator[str]:
    """A real server, because only a real connection can break."""
    server = uvicorn.Server(uvicorn.Config(create_app(engine), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def statements(engine: Engine) -> list[str]:
    """What runs in the database but for this question."""
    with engine.connect() as conn:
        asked = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
        return list(conn.execute(text(f"{asked} AND state <> 'idle'")).scalars())


def comes_true(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def test_a_client_that_goes_away_leaves_nothing_running(
    serving: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither memory nor disk: the COPY waits for the client, as with a very large collection.
    monkeypatch.setattr(spool, "DISK", 1)
    monkeypatch.setattr(spool.Spool.__init__, "__defaults__", (1,))
    monkeypatch.setattr("gis.exports.texts.VERBATIM", "FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02'")
    monkeypatch.setattr("gis.exports.copying._Blocks.write", _row_by_row)
    many = {"f": "geojson", "filter": " OR ".join(f"count >= {number}" for number in range(2))}
    for _ in range(exports.AT_ONCE + 1):
        with (
            httpx.Client() as client,
            client.stream("GET", f"{serving}/collections/density-cells/export", params=many) as answer,
        ):
            assert answer.status_code == 200
            next(answer.iter_raw(10))
    assert comes_true(lambda: not statements(engine))
    assert comes_true(lambda: engine.pool.checkedout() <= 2)  # the ground lock's and the bell's


def _row_by_row(self: object, row: bytes) -> None:
    """Fill sockets and buffers with few rows."""
    self.rows.append(row[:-2] + b" " * 1_000_000 + row[-2:])
    self.flush()


def test_a_client_that_goes_away_before_the_first_byte(serving: str, engine: Engine) -> None:
    with engine.connect() as other:
        other.execute(text("LOCK TABLE cells IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.5) as client:
            client.get(f"{serving}/collections/cells/export?f=fgb")
        assert comes_true(lambda: not statements(engine))
        other.rollback()
    assert httpx.get(f"{serving}/collections/cells/export?f=fgb").status_code == 200


def test_too_many_exports_at_once(asking: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "OPEN", 0)
    answer = asking.get("/collections/cells/export?f=csv")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert set(STREAMED) < set(ENDINGS)
