"""GET /density and /roads/density: the same numbers as an independent count, in every form."""

from __future__ import annotations

import csv
import io
import itertools

import geopandas
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.api.tiny import STREETS, Tiny

WINDOW = {"from": "2016-05-01", "to": "2016-05-21"}


@pytest.fixture(scope="session")
def counted(facts: Tiny) -> pd.DataFrame:
    """The reports with the lowest code among the cells that cover each, by geopandas."""
    cells = geopandas.GeoDataFrame({"cell": list(facts.cells)}, geometry=list(facts.cells.values()), crs="EPSG:4326")
    rows = pd.DataFrame(facts.reports)
    points = geopandas.GeoDataFrame(
        rows, geometry=geopandas.points_from_xy(rows["lon"].astype(float), rows["lat"].astype(float)), crs="EPSG:4326"
    )
    joined = points.sjoin(cells, how="left", predicate="intersects")
    return joined.sort_values("cell").groupby("id", as_index=False).first()


def km2(facts: Tiny) -> pd.Series:
    """Geodesic areas by pyproj."""
    import pyproj

    geod = pyproj.Geod(ellps="WGS84")
    return pd.Series({code: abs(geod.geometry_area_perimeter(shape)[0]) / 1e6 for code, shape in facts.cells.items()})


@pytest.mark.parametrize(("level", "digits"), [("cell", 12), ("street", 9), ("district", 6)])
def test_counts_and_areas_are_those_of_geopandas(
    client: TestClient, facts: Tiny, counted: pd.DataFrame, level: str, digits: int
) -> None:
    answer = client.get("/density", params={"level": level, **WINDOW}).json()
    assert answer["level"] == level
    assert answer["days"] == 20
    assert answer["synthetic"] == ["reports"]
    expected = counted.dropna(subset="cell")["cell"].str[:digits].value_counts()
    areas = km2(facts).groupby(lambda code: code[:digits]).sum()
    rows = {row["code"]: row for row in answer["rows"]}
    assert sum(row["count"] for row in rows.values()) == counted["cell"].notna().sum()
    assert list(rows) == sorted(rows)
    for code, area in areas.items():
        assert rows[code]["count"] == expected.get(code, 0)
        assert rows[code]["area_km2"] == pytest.approx(area, abs=2e-6)
        assert rows[code]["per_km2"] == pytest.approx(expected.get(code, 0) / area, rel=1e-3)
        assert rows[code]["per_km2_per_day"] == pytest.approx(rows[code]["per_km2"] / 20)


def test_many_points_lie_on_edges(facts: Tiny) -> None:
    on_edge = [one for one in facts.reports if round(float(one["lon"]) * 1e4) % 10 == 0]
    assert len(on_edge) > 30


def test_without_cells_there_is_no_density(client: TestClient) -> None:
    rows = client.get("/density", params={"level": "street", **WINDOW}).json()["rows"]
    empty = rows[-1]
    assert (empty["code"], empty["area_km2"], empty["per_km2"]) == ("990102002", 0, None)
    assert "no cells" in empty["note"]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"category": "0501"}, lambda row: row["category"] == "0501"),
        ({"category": "event:0102"}, lambda row: row["category"] == "0102"),
        ({"category": "机动车乱停放"}, lambda row: row["category"] == "0505"),
        ({"category": ["0501", "chaos:parking"]}, lambda row: row["category"] in ("0501", "0505")),
        ({"source": "citizen"}, lambda row: row["source"] == "citizen"),
        ({"source": "kind:patrol"}, lambda row: row["source"] == "patrol"),
        ({"from": "2016-05-03", "to": "2016-05-05"}, lambda row: row["time"][:10] in ("2016-05-03", "2016-05-04")),
    ],
)
def test_filters(client: TestClient, counted: pd.DataFrame, asked: dict, kept: object) -> None:
    rows = client.get("/density", params={"level": "street", **WINDOW, **asked}).json()["rows"]
    chosen = counted[counted.apply(kept, axis=1)].dropna(subset="cell")
    assert sum(row["count"] for row in rows) == len(chosen)
    assert len(chosen) > 20


def test_a_box_keeps_what_meets_it(client: TestClient, facts: Tiny) -> None:
    (west, south), (east, north) = facts.at(0.5, 0.5), facts.at(2.5, 1.5)
    rows = client.get("/density", params={"level": "cell", **WINDOW, "bbox": f"{west},{south},{east},{north}"}).json()
    assert len(rows["rows"]) == 6


def test_geojson(client: TestClient, counted: pd.DataFrame) -> None:
    answer = client.get("/density", params={"level": "cell", **WINDOW, "f": "geojson"})
    assert answer.headers["content-type"] == "application/geo+json"
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert found["synthetic"] == ["reports"]
    for feature in found["features"]:
        assert feature["id"] == feature["properties"]["code"]
        for ring, *_ in feature["geometry"]["coordinates"]:
            turned = sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))
            assert ring[0] == ring[-1]
            assert turned > 0, "outer rings are anticlockwise (RFC 7946, 3.1.6)"
    frame = geopandas.read_file(io.BytesIO(answer.content))
    assert frame["count"].sum() == counted["cell"].notna().sum()
    assert frame.is_valid.all()


def test_csv_disarms_what_a_spreadsheet_would_run(client: TestClient) -> None:
    answer = client.get("/density", params={"level": "street", **WINDOW, "f": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-finegrid-synthetic"] == "reports"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["code"] for row in rows] == [street[0] for street in STREETS]
    assert rows[1]["name"] == "'=1+1"
    assert rows[3]["per_km2"] == ""
    assert list(rows[0]) == ["code", "name", "count", "area_km2", "per_km2", "per_km2_per_day", "note", "synthetic"]
    assert {row["synthetic"] for row in rows} == {"reports"}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/geo+json, */*", "application/geo+json"),
        ("text/html,*/*;q=0.8", "application/json"),
    ],
)
def test_the_accept_header_chooses_where_f_does_not(client: TestClient, accept: str, form: str) -> None:
    answer = client.get("/density", params={"level": "street", **WINDOW}, headers={"Accept": accept})
    assert answer.headers["content-type"] == form
    assert "Accept" in answer.headers["vary"].split(", ")
    answer = client.get("/density", params={"level": "street", **WINDOW, "f": "json"}, headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"


def test_roads(client: TestClient, facts: Tiny) -> None:
    answer = client.get("/roads/density", params=WINDOW).json()
    lines = geopandas.GeoDataFrame({"road": list(facts.roads)}, geometry=list(facts.roads.values()), crs=4326)
    rows = pd.DataFrame(facts.reports)
    points = geopandas.GeoDataFrame(
        rows, geometry=geopandas.points_from_xy(rows["lon"].astype(float), rows["lat"].astype(float)), crs=4326
    )
    near = points.to_crs(4547).sjoin_nearest(lines.to_crs(4547), max_distance=30)
    expected = near.groupby("id")["road"].min().value_counts()
    found = {row["code"]: row for row in answer["rows"]}
    assert list(found) == ["R1", "R2", "R3"]
    for code in found:
        assert found[code]["count"] == expected.get(code, 0)
    assert found["R1"]["count"] > 10
    assert found["R1"]["per_km"] == pytest.approx(found["R1"]["count"] / found["R1"]["length_m"] * 1000)
    shapes = client.get("/roads/density", params={**WINDOW, "f": "geojson"}).json()
    assert {one["geometry"]["type"] for one in shapes["features"]} == {"MultiLineString"}


def test_every_form_says_the_same(client: TestClient) -> None:
    asked = {"level": "cell", **WINDOW}
    plain = client.get("/density", params=asked).json()["rows"]
    shapes = client.get("/density", params={**asked, "f": "geojson"}).json()["features"]
    table = csv.DictReader(io.StringIO(client.get("/density", params={**asked, "f": "csv"}).text))
    assert [one["properties"] for one in shapes] == plain
    assert [(row["code"], int(row["count"])) for row in table] == [(row["code"], row["count"]) for row in plain]


def test_areas_categories_and_sources(client: TestClient) -> None:
    streets = client.get("/areas", params={"level": "street"}).json()["rows"]
    assert [(row["code"], row["parent_code"], row["cells"]) for row in streets] == [
        ("990101001", "990101", 16),
        ("990101002", "990101", 16),
        ("990102001", "990102", 16),
        ("990102002", "990102", 0),
    ]
    assert len(client.get("/areas").json()["rows"]) == 6
    assert len(client.get("/areas", params={"f": "geojson"}).json()["features"]) == 6
    assert client.get("/areas", params={"level": "community"}).status_code == 400
    codes = [(row["kind"], row["code"]) for row in client.get("/categories").json()["rows"]]
    assert codes == [("component", "0102"), ("event", "0102"), ("event", "0501"), ("event", "0505")]
    assert client.get("/sources").json()["rows"] == [
        {"name": "citizen", "kind": "citizen"},
        {"name": "patrol", "kind": "patrol"},
    ]


def test_reconciliation(client: TestClient, counted: pd.DataFrame) -> None:
    answer = client.get("/reconciliation").json()
    inside = int(counted["cell"].notna().sum())
    assert {name: answer[name] for name in ("read", "accepted", "duplicate", "rejected")} == {
        "read": 506,
        "accepted": 500,
        "duplicate": 2,
        "rejected": 4,
    }
    assert (answer["in_cells"], answer["outside"], answer["no_position"]) == (inside, 500 - inside, 0)
    assert answer["adds_up"] is True
    day = client.get("/reconciliation", params={"from": "2016-05-03", "to": "2016-05-04"}).json()
    assert day["accepted"] == int((counted["time"].str[:10] == "2016-05-03").sum())
    assert client.get("/reconciliation", params={"from": "2016-05-04", "to": "2016-05-04"}).status_code == 400
