"""Survey of roads over HTTP: files and single passes in, coverage and what is missing out."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.road_areas import place_segments
from tests.api.tiny import Tiny
from tests.tile_reading import features_of, home

# Tiny's window is 1 to 20 May 2016, so T2 is what is meant where nothing is said.
ROWS = "segment,time,surveyor\nR1,2016-05-12 08:00:00,A\nR2,2016-05-03 08:00:00,A\nR9,2016-05-03 08:00:00,A\n"


@pytest.fixture
def survey(own_client: TestClient, own_engine: Engine, key: dict[str, str]) -> TestClient:
    with own_engine.begin() as conn:
        place_segments(conn)
    own_client.headers.update(key)
    return own_client


def send(client: TestClient, name: str, content: str | bytes, **fields: str):
    return client.post("/patrols", files={"file": (name, content)}, data=fields)


def test_a_file_of_rows_and_its_rejects(survey: TestClient) -> None:
    answer = send(survey, "passes.csv", ROWS)
    assert answer.status_code == 201
    summary = answer.json()
    assert summary["kind"] == "rows"
    assert [summary[name] for name in ("read", "accepted", "duplicate", "rejected", "passes", "segments")] == [
        3,
        2,
        0,
        1,
        2,
        2,
    ]
    assert answer.headers["Location"] == f"/patrols/{summary['import_id']}"
    rejects = survey.get(summary["rejects_file"])
    assert rejects.text.splitlines() == [
        "row,reason,original",
        "3,'R9' is not a road segment of this city,\"R9,2016-05-03 08:00:00,A\"",
    ]
    again = send(survey, "passes.csv", ROWS).json()
    assert (again["accepted"], again["duplicate"], again["rejected"]) == (0, 2, 1)
    (newest, first) = survey.get("/patrols").json()["rows"]
    assert (newest["duplicate"], first["accepted"], first["file_name"]) == (2, 2, "passes.csv")
    one = survey.get(f"/patrols/{first['import_id']}").json()
    assert one["first_rejects"][0]["row"] == 3
    assert survey.get("/patrols?limit=1").json()["next"] == f"/patrols?before={newest['import_id']}&limit=1"


def test_a_track(survey: TestClient, facts: Tiny) -> None:
    line = facts.roads["R1"]
    places = [line.interpolate(share, normalized=True).coords[0] for share in (at / 60 for at in range(61))]
    times = [f"2016-05-12T08:{at // 60:02d}:{at % 60:02d}" for at in range(61)]
    feature = {
        "type": "Feature",
        "properties": {"coordTimes": times},
        "geometry": {"type": "LineString", "coordinates": places},
    }
    refused = send(survey, "a.geojson", json.dumps(feature), surveyor="A")
    assert (refused.status_code, "crs" in refused.json()["detail"], "--crs" in refused.json()["detail"]) == (
        400,
        True,
        False,
    )
    summary = send(survey, "a.geojson", json.dumps(feature), surveyor="A", crs="wgs84").json()
    assert (summary["kind"], summary["tracks"], summary["passes"], summary["accepted"]) == ("tracks", 1, 1, 61)
    rows = {row["code"]: row for row in survey.get("/coverage?level=segment").json()["rows"]}
    assert rows["R1"] == {
        "code": "R1",
        "name": "R1",
        "length_m": rows["R1"]["length_m"],
        "surveyed_m": rows["R1"]["length_m"],
        "coverage": 1.0,
        "surveyed": True,
    }
    assert (rows["R2"]["coverage"], rows["R2"]["surveyed"]) == (0.0, False)


def test_one_pass(survey: TestClient) -> None:
    body = {"segment": "R2", "time": "2016-05-12T08:00:00+08:00", "surveyor": "A"}
    first, second = survey.post("/patrols", json=body), survey.post("/patrols", json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["accepted"] == 1
    assert second.json() | {"import_id": 0} == first.json() | {
        "import_id": 0,
        "accepted": 0,
        "duplicate": 1,
        "passes": 0,
        "segments": 0,
    }
    assert survey.get(second.headers["Location"]).json()["duplicate"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"segment": "R9", "time": "2016-05-12", "surveyor": "A"}, "'R9' is not a road segment"),
        ({"segment": "R1", "time": "2016-05-32", "surveyor": "A"}, "unreadable time"),
        ({"segment": "R1", "time": "2099-05-12", "surveyor": "A"}, "lies in the future"),
        ({"segment": "R1", "time": "2016-05-12", "surveyor": " "}, "no surveyor"),
        ({"segment": "R1", "time": "2016-05-12"}, "surveyor: is missing"),
        ({"segment": 1, "time": "2016-05-12", "surveyor": "A"}, "segment: "),
        ({"segment": "R1", "time": "2016-05-12", "surveyor": "A", "to": 1}, "to: there is no such field"),
        ({"segment": "R\x001", "time": "2016-05-12", "surveyor": "A"}, "is not a road segment"),
        ({"segment": "R1", "time": "2016-05-12\x00", "surveyor": "A"}, "unreadable time"),
        ({"segment": "R1", "time": "2016-05-12", "surveyor": "A\x00"}, "null character"),
        ([], "body"),
    ],
)
def test_a_pass_that_cannot_go_in(survey: TestClient, body: object, said: str) -> None:
    answer = survey.post("/patrols", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert survey.get("/patrols").json()["rows"] == []


@pytest.mark.parametrize(
    ("name", "content", "fields", "said"),
    [
        ("a.gpkg", "x", {}, "ends in none of .csv"),
        ("a.gpx", "no", {}, "does not begin like a .gpx"),
        ("a.gpx", "<!DOCTYPE gpx [<!ENTITY a 'b'>]><gpx/>", {}, "document type or entities"),
        ("a.gpx", "\ufeff<gpx><wpt lat='1' lon='2'/></gpx>", {}, "a.gpx: it holds no track"),
        ("a.geojson", "{", {"crs": "wgs84"}, "not JSON"),
        (
            "a.geojson",
            '{"type": "FeatureCollection", "features": ' + "[" * 5000 + "]" * 5000 + "}",
            {"crs": "wgs84"},
            "a.geojson",
        ),
        ("a.csv", ROWS, {"what": "x"}, "what: there is no such field"),
        ("a.csv", ROWS, {"encoding": "x"}, "encoding: "),
        ("a.csv", ROWS, {"map": "time"}, "map: "),
        ("a.csv", ROWS, {"map": "when=time"}, "map: there is no field when"),
        ("a.csv", "lon,lat,time\n113.6,34.7,2016-05-01\n", {"crs": "beijing54"}, "local"),
        ("a.parquet", b"PAR1xxxx", {}, "a.parquet"),
    ],
)
def test_a_file_that_cannot_be_used(
    survey: TestClient, name: str, content: str | bytes, fields: dict, said: str
) -> None:
    answer = send(survey, name, content, **fields)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]


def test_writing_needs_the_key_and_a_form(own_client: TestClient, key: dict[str, str]) -> None:
    assert own_client.post("/patrols", json={}).status_code == 401
    answer = own_client.post("/patrols", content="x", headers={**key, "Content-Type": "text/csv"})
    assert (answer.status_code, "multipart/form-data" in answer.json()["detail"]) == (400, True)


def test_coverage_of_streets(survey: TestClient, own_engine: Engine) -> None:
    """R1 runs 4 steps in 东街 and 2 in =1+1, so all of it counts for 东街; R3 lies outside all areas."""
    send(survey, "passes.csv", ROWS)
    with own_engine.begin() as conn:
        length = {
            row.code: float(row.length_m) for row in conn.execute(text("SELECT code, length_m FROM road_segments"))
        }
    answer = survey.get("/coverage?period=2016-05-T2&level=street").json()
    assert (answer["level"], answer["period"], answer["from"], answer["to"]) == (
        "street",
        "2016-05-T2",
        "2016-05-11",
        "2016-05-21",
    )
    assert answer["rule"]["coverage_needed"] == 0.95
    rows = {row["code"]: row for row in answer["rows"]}
    assert rows["990101001"] == {
        "code": "990101001",
        "name": "东街",
        "segments": 1,
        "surveyed_segments": 1,
        "length_m": length["R1"],
        "surveyed_m": length["R1"],
        "coverage": 1.0,
        "enough": True,
    }
    assert (rows["990101002"]["coverage"], rows["990101002"]["enough"]) == (0.0, False)
    assert (rows["990102002"]["length_m"], rows["990102002"]["coverage"], rows["990102002"]["enough"]) == (
        0.0,
        None,
        None,
    )
    assert answer["without_area"] == {
        "segments": 1,
        "surveyed_segments": 0,
        "length_m": length["R3"],
        "surveyed_m": 0.0,
        "coverage": 0.0,
        "enough": False,
    }
    assert answer["total"]["length_m"] == pytest.approx(sum(length.values()))
    assert survey.get("/coverage").json()["rows"] == answer["rows"]
    month = survey.get("/coverage?period=2016-05&level=district").json()["rows"]
    assert [row["coverage"] for row in month] == [1.0, None]
    lines = survey.get("/coverage?level=street&f=csv").text.splitlines()
    assert lines[0] == "code,name,segments,surveyed_segments,length_m,surveyed_m,coverage,enough,synthetic"
    assert lines[2].startswith("990101002,'=1+1,1,0,")
    shapes = survey.get("/coverage?level=street&f=geojson").json()
    assert shapes["features"][0]["geometry"]["type"] == "MultiPolygon"
    assert shapes["features"][0]["properties"]["coverage"] == 1.0
    assert survey.get("/coverage?level=class&f=geojson").json()["features"][0]["geometry"] is None


def test_what_is_missing(survey: TestClient, facts: Tiny) -> None:
    send(survey, "passes.csv", ROWS)
    lon, lat = facts.at(100, 0)
    answer = survey.get(f"/coverage/missing?lon={lon}&lat={lat}").json()
    assert [row["code"] for row in answer["rows"]] == ["R3", "R2"]
    nearest, other = answer["rows"]
    assert (nearest["distance_m"], nearest["street_code"], nearest["last_surveyed_at"], nearest["surveyed"]) == (
        0.0,
        None,
        None,
        False,
    )
    assert other["distance_m"] == pytest.approx(92.5 * 91.5, rel=0.01)
    assert other["last_surveyed_at"] == "2016-05-03T08:00:00+08:00"
    assert [row["code"] for row in survey.get("/coverage/missing?period=2016-06-T1").json()["rows"]] == [
        "R1",
        "R2",
        "R3",
    ]
    assert [row["code"] for row in survey.get("/coverage/missing?street=990101&period=2016-06-T1").json()["rows"]] == [
        "R1",
        "R2",
    ]
    assert survey.get("/coverage/missing?class=ring").json()["rows"] == []
    assert survey.get("/coverage/missing?limit=1").json()["rows"][0]["code"] == "R2"
    shapes = survey.get("/coverage/missing?f=geojson").json()["features"]
    assert {shape["geometry"]["type"] for shape in shapes} == {"MultiLineString"}
    lines = survey.get("/coverage/missing?f=csv").text.splitlines()
    assert lines[0].startswith(
        "code,name,class,street_code,street_name,length_m,surveyed_m,coverage,surveyed,last_surveyed_at,distance_m"
    )


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/coverage?level=cell", "level"),
        ("/coverage?level=community", "level"),
        ("/coverage?period=2016-13-T1", "period"),
        ("/coverage?period=2016-05-T4", "period"),
        ("/coverage?period=0000-01-T1", "period"),
        ("/coverage?street=1", "street"),
        ("/coverage/missing?lon=113", "lat"),
        ("/coverage/missing?lat=34", "lon"),
        ("/coverage/missing?lon=nan&lat=34", "lon"),
        ("/coverage/missing?lon=34&lat=113", "lat"),
        ("/coverage/missing?datum=wgs84", "datum"),
        ("/coverage/missing?street=1", "street"),
        ("/coverage/missing?class=x", "class"),
        ("/coverage/missing?group=x", "group"),
        ("/coverage/missing?limit=0", "limit"),
        ("/patrols?before=0", "before"),
    ],
)
def test_wrong_parameters(client: TestClient, path: str, parameter: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert parameter in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/coverage?period=9999-12-T3",
        "/coverage?period=0001-01-T1",
        "/coverage?period=9999-12",
        "/coverage/missing?lon=-180&lat=-90",
    ],
)
def test_the_ends_of_time_and_space(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (200, 400)


def test_what_is_not_there(client: TestClient) -> None:
    assert client.get("/patrols/7").status_code == 404
    assert client.get("/patrols/7/rejects").status_code == 404
    assert client.get("/patrols/99999999999999999999").status_code in (400, 404)


def test_no_answer_is_stale(survey: TestClient) -> None:
    first = survey.get("/coverage?level=city")
    tag = first.headers["ETag"]
    assert survey.get("/coverage?level=city", headers={"If-None-Match": tag}).status_code == 304
    survey.post("/patrols", json={"segment": "R1", "time": "2016-05-12", "surveyor": "A"})
    second = survey.get("/coverage?level=city", headers={"If-None-Match": tag})
    assert second.status_code == 200
    assert second.json()["total"]["surveyed_m"] > first.json()["total"]["surveyed_m"]


def test_the_collection_shows_unsurveyed_roads(survey: TestClient) -> None:
    send(survey, "passes.csv", ROWS)
    items = survey.get("/collections/coverage/items?limit=10").json()["features"]
    shown = {item["id"]: item["properties"] for item in items}
    assert {code: one["surveyed"] for code, one in shown.items()} == {"R1": True, "R2": False, "R3": False}
    assert (shown["R1"]["coverage"], shown["R1"]["last_surveyed_at"][:10]) == (1.0, "2016-05-12")
    assert (shown["R2"]["coverage"], shown["R2"]["surveyed_m"], shown["R2"]["last_surveyed_at"]) == (0.0, 0.0, None)
    assert shown["R1"]["street_code"] == "990101001"
    other = survey.get("/collections/coverage/items?period=2016-05-T1&filter=surveyed=true").json()["features"]
    assert [item["id"] for item in other] == ["R2"]
    assert survey.get("/collections/coverage/items/R3").json()["properties"]["street_code"] is None
    assert survey.get("/collections/coverage/items?period=x").status_code == 400


def test_tiles_are_of_the_period_that_was_asked_for(survey: TestClient) -> None:
    send(survey, "passes.csv", ROWS)
    x, y = home(16)
    for period, surveyed in (("2016-05-T2", True), ("2016-05-T1", False), ("2016-05", True)):
        tile = survey.get(f"/tiles/coverage/16/{x}/{y}.mvt?period={period}")
        shown = {one["code"]: one["surveyed"] for one, _ in features_of(tile.content, "coverage")}
        assert shown["R1"] is surveyed, period
    assert survey.get(f"/tiles/coverage/16/{x}/{y}.mvt?period=x").status_code == 400
    assert survey.get("/tiles/coverage.json?period=2016-05-T1").status_code == 200
