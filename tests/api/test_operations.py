"""Special operations over HTTP: what lies inside, counted again with shapely."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import shapely
from fastapi.testclient import TestClient

from gis.settings import settings
from tests.api.conftest import KEY
from tests.api.tiny import Tiny, rectangle

ZONE = ZoneInfo("Asia/Shanghai")
# Four and a half by three cells, its edges on those of cells and through points; from an evening to a morning.
SHAPE = rectangle(2.5, 0, 7, 3)
BEGINS, ENDS = datetime(2016, 5, 4, 18, tzinfo=ZONE), datetime(2016, 5, 12, 6, tzinfo=ZONE)
WINDOW = {"from": "2016-05-01", "to": "2016-05-21"}
FORUM = {
    "code": "FORUM",
    "name": "论坛保障",
    "name_en": "Forum",
    "valid_from": "2016-05-04T18:00",
    "valid_to": "2016-05-12T06:00:00+08:00",
    "datum": "wgs84",
    "geometry": orjson.loads(shapely.to_geojson(SHAPE)),
}


@pytest.fixture(scope="module")
def proclaimed(client_of_the_module: TestClient) -> TestClient:
    """A tiny city in which FORUM is proclaimed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINEGRID_API_KEY", KEY)
        settings.cache_clear()
        sent = client_of_the_module.post("/operations", json=FORUM, headers={"X-API-Key": KEY})
        assert sent.status_code == 201, sent.text
        assert sent.headers["location"] == "/operations/FORUM"
    settings.cache_clear()
    return client_of_the_module


def inside(facts: Tiny, begins: datetime = BEGINS, ends: datetime = ENDS) -> dict[str, dict[str, str]]:
    """Id -> report, of those whose point the polygon covers and whose instant the window holds."""
    found = {}
    for one in facts.reports:
        at = datetime.fromisoformat(one["time"]).replace(tzinfo=ZONE)
        if begins <= at < ends and SHAPE.covers(shapely.Point(float(one["lon"]), float(one["lat"]))):
            found[one["id"]] = one
    return found


def test_points_on_the_edge_are_among_them(facts: Tiny) -> None:
    """Else the tests below would not see whether the edge belongs to it."""
    on_edge = [
        one
        for one in inside(facts).values()
        if SHAPE.boundary.covers(shapely.Point(float(one["lon"]), float(one["lat"])))
    ]
    assert len(on_edge) >= 2
    assert len(inside(facts)) > 15


def test_reports_inside(proclaimed: TestClient, facts: Tiny) -> None:
    rows = proclaimed.get("/reports", params={"operation": "FORUM", "limit": 1000}).json()["rows"]
    assert {row["source_ref"] for row in rows} == set(inside(facts))
    day = {"operation": "FORUM", "from": "2016-05-04", "to": "2016-05-05"}
    rows = proclaimed.get("/reports", params=day).json()["rows"]
    assert {row["source_ref"] for row in rows} == set(inside(facts, BEGINS, datetime(2016, 5, 5, tzinfo=ZONE)))


def test_pages_of_reports_inside_are_all_of_them(proclaimed: TestClient, facts: Tiny) -> None:
    path, seen = "/reports?operation=FORUM&limit=7", []
    while path:
        page = proclaimed.get(path).json()
        seen += [row["source_ref"] for row in page["rows"]]
        path = page.get("next")
    assert sorted(seen) == sorted(inside(facts))


def test_density_inside(proclaimed: TestClient, facts: Tiny) -> None:
    answer = proclaimed.get("/density", params={"level": "cell", "operation": "FORUM"}).json()
    assert answer["operation"] == {
        "code": "FORUM",
        "name": "论坛保障",
        "from": "2016-05-04T10:00:00+00:00",
        "to": "2016-05-11T22:00:00+00:00",
    }
    assert answer["days"] == 7.5
    rows = {row["code"]: row for row in answer["rows"]}
    counted: Counter[str] = Counter()
    for one in inside(facts).values():
        point = shapely.Point(float(one["lon"]), float(one["lat"]))
        counted[min(code for code, cell in facts.cells.items() if cell.covers(point))] += 1
    assert {code: row["count"] for code, row in rows.items() if row["count"]} == counted
    every = proclaimed.get("/density", params={**WINDOW, "level": "cell"}).json()["rows"]
    whole = {row["code"]: row["area_km2"] for row in every}

    for code, cell in facts.cells.items():
        share = cell.intersection(SHAPE).area / cell.area
        if share:
            assert rows[code]["area_km2"] == pytest.approx(whole[code] * share, rel=1e-5)
            assert rows[code]["per_km2"] == pytest.approx(rows[code]["count"] / rows[code]["area_km2"])
            assert rows[code]["per_km2_per_day"] == pytest.approx(rows[code]["per_km2"] / 7.5)
        elif code in rows:  # a report on the edge belongs to a cell that only touches it
            assert rows[code]["count"] > 0
            assert rows[code]["per_km2"] is None
            assert "no cells" in rows[code]["note"]
    streets = proclaimed.get("/density", params={"level": "street", "operation": "FORUM"}).json()["rows"]
    assert {row["code"] for row in streets} == {code[:9] for code in rows}
    assert sum(row["count"] for row in streets) == counted.total()
    assert sum(row["area_km2"] for row in streets) == pytest.approx(sum(row["area_km2"] for row in rows.values()))


def test_filters_hold_inside_too(proclaimed: TestClient, facts: Tiny) -> None:
    asked = {"level": "district", "operation": "FORUM", "category": "chaos:parking"}
    rows = proclaimed.get("/density", params=asked).json()["rows"]
    cells = shapely.union_all(list(facts.cells.values()))
    parked = [one for one in inside(facts).values() if one["category"] == "0505"]
    placed = [one for one in parked if cells.covers(shapely.Point(float(one["lon"]), float(one["lat"])))]
    assert sum(row["count"] for row in rows) == len(placed) > 0
    shapes = proclaimed.get("/density", params={**asked, "f": "geojson"}).json()
    assert shapes["features"][0]["geometry"]["type"] == "MultiPolygon"


def test_roads_inside(proclaimed: TestClient) -> None:
    rows = proclaimed.get("/roads/density", params={"operation": "FORUM"}).json()["rows"]
    assert [row["code"] for row in rows] == ["R1"]  # along row 1.5 from column 0 to 6; 3.5 columns of it inside
    whole = proclaimed.get("/roads/density", params=WINDOW).json()["rows"][0]["length_m"]
    assert rows[0]["length_m"] == pytest.approx(whole * 3.5 / 6, rel=1e-6)
    listed = proclaimed.get("/reports", params={"operation": "FORUM", "limit": 1000}).json()["rows"]
    assert rows[0]["count"] == sum(row["segment"] == "R1" for row in listed) > 0


def test_summary(proclaimed: TestClient, facts: Tiny) -> None:
    answer = proclaimed.get("/operations/FORUM").json()
    during = inside(facts)
    before = inside(facts, BEGINS - (ENDS - BEGINS), BEGINS)
    reports = answer["reports"]
    assert (answer["hours"], reports["count"], reports["before"]) == (180, len(during), len(before))
    assert reports["per_km2"] == pytest.approx(len(during) / answer["area_km2"])
    assert reports["per_km2_per_day"] == pytest.approx(reports["per_km2"] / 7.5)
    assert reports["change"] == pytest.approx(len(during) / len(before) - 1)
    assert {row["category"]: row["count"] for row in answer["by_category"] if row["count"]} == Counter(
        f"event:{one['category']}" for one in during.values()
    )
    assert {row["category"]: row["before"] for row in answer["by_category"] if row["before"]} == Counter(
        f"event:{one['category']}" for one in before.values()
    )
    assert {row["source_kind"]: row["count"] for row in answer["by_source_kind"]} == Counter(
        one["source"] for one in during.values()
    )
    assert {(row["category"], row["source_kind"]): row["count"] for row in answer["rows"] if row["count"]} == Counter(
        (f"event:{one['category']}", one["source"]) for one in during.values()
    )
    assert sum(row["count"] for row in answer["rows"]) == len(during)


def test_listed_in_every_form(proclaimed: TestClient) -> None:
    (row,) = proclaimed.get("/operations").json()["rows"]
    assert (row["code"], row["valid_from"]) == ("FORUM", "2016-05-04T10:00:00+00:00")
    (one,) = proclaimed.get("/operations", params={"f": "geojson"}).json()["features"]
    assert shapely.from_geojson(orjson.dumps(one["geometry"])).equals_exact(shapely.MultiPolygon([SHAPE]), 1e-7) or (
        shapely.from_geojson(orjson.dumps(one["geometry"])).symmetric_difference(SHAPE).area < 1e-12
    )
    items = proclaimed.get("/collections/operations/items").json()["features"]
    assert [item["id"] for item in items] == ["FORUM"]
    asked = {"datetime": "2016-05-12T00:00:00Z/.."}
    assert proclaimed.get("/collections/operations/items", params=asked).json()["features"] == []


def test_the_heat_map_of_an_operation(proclaimed: TestClient, facts: Tiny) -> None:
    page = proclaimed.get("/maps/heatmap", params={"operation": "FORUM", "lang": "zh"})
    assert page.status_code == 200
    assert "<title>小城 论坛保障</title>" in page.text
    begin = page.text.index('id="fg-facts">') + len('id="fg-facts">')
    held = orjson.loads(page.text[begin : page.text.index("</script>", begin)])
    assert (held["operation"]["zh"], held["operation"]["en"]) == ("论坛保障", "Forum")
    assert (held["operation"]["from"], held["operation"]["to"]) == ("2016-05-04 18:00", "2016-05-12 06:00")
    assert held["window"] == {"from": "2016-05-04", "to": "2016-05-13", "days": 9}
    assert held["staffing"] is None


def test_a_new_window_is_seen_at_once(own_client: TestClient, key: dict[str, str], facts: Tiny) -> None:
    """Each answer that keeps to an operation hangs on its version."""
    asked = {"level": "cell", "operation": "FORUM"}
    assert own_client.get("/density", params=asked).status_code == 400
    assert own_client.post("/operations", json=FORUM, headers=key).status_code == 201
    first = own_client.get("/density", params=asked)
    assert first.status_code == 200
    assert own_client.get("/density", params=asked, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    other = {**FORUM, "code": "OTHER"}
    assert own_client.post("/operations", json=other, headers=key).status_code == 201
    assert own_client.get("/density", params=asked, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_sent_again(proclaimed: TestClient, key: dict[str, str]) -> None:
    assert proclaimed.post("/operations", json=FORUM, headers=key).status_code == 200
    assert proclaimed.post("/operations", json={**FORUM, "name": "x"}, headers=key).status_code == 409
    assert proclaimed.post("/operations", json=FORUM).status_code == 401


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"geometry": {"type": "Point", "coordinates": [113.6, 34.7]}}, "geometry"),
        ({"geometry": []}, "geometry"),
        ({"code": ""}, "code"),
        ({"code": 5}, "code"),
        ({"datum": "xian80"}, None),
        ({"valid_to": "2016-05-04"}, None),
        ({"who": "me"}, "who"),
        ({"name": "\0"}, "name"),
    ],
)
def test_wrong_operations(
    proclaimed: TestClient, key: dict[str, str], change: dict[str, Any], parameter: str | None
) -> None:
    refused = proclaimed.post("/operations", json={**FORUM, "code": "NEW", **change}, headers=key)
    assert refused.status_code == 400
    assert refused.json().get("parameter") == parameter


@pytest.mark.parametrize(
    ("path", "asked", "parameter"),
    [
        ("/density", {"level": "cell", "operation": "NONE"}, "operation"),
        ("/density", {"level": "cell", "operation": "FORUM", "from": "2016-05-01"}, "from"),
        ("/roads/density", {"operation": "FORUM", "to": "2016-05-14"}, "to"),
        ("/reports", {"operation": "FORUM", "from": "2016-05-10", "to": "2016-05-09"}, "to"),
        ("/reports", {"from": "2016-05-10"}, "to"),
        ("/density", {"level": "cell"}, "from"),
        ("/maps/heatmap", {"operation": "nope"}, "operation"),
    ],
)
def test_wrong_questions(proclaimed: TestClient, path: str, asked: dict[str, str], parameter: str) -> None:
    answer = proclaimed.get(path, params=asked)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter


def test_an_operation_that_is_not(proclaimed: TestClient) -> None:
    assert proclaimed.get("/operations/NONE").status_code == 404


def test_an_operation_beside_the_city_answers_with_nothing(own_client: TestClient, key: dict[str, str]) -> None:
    """No cell, no road, no report, no case: empty rows and nulls, never an error."""
    beside = orjson.loads(shapely.to_geojson(rectangle(20, 0, 22, 2)))
    sent = own_client.post("/operations", json={**FORUM, "code": "BESIDE", "geometry": beside}, headers=key)
    assert sent.status_code == 201
    for path, asked in (
        ("/density", {"level": "cell"}),
        ("/density", {"level": "district"}),
        ("/density", {"level": "cell", "f": "geojson"}),
        ("/roads/density", {}),
        ("/reports", {}),
        ("/cases", {}),
        ("/listings", {}),
        ("/coverage", {"level": "segment"}),
        ("/coverage", {"level": "group"}),
    ):
        answer = own_client.get(path, params={**asked, "operation": "BESIDE"})
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json()["features" if asked.get("f") else "rows"] == [], path
    for path, asked in (("/indicators", {"level": "city"}), ("/response", {"level": "city"}), ("/maps/heatmap", {})):
        assert own_client.get(path, params={**asked, "operation": "BESIDE"}).status_code == 200, path
    summary = own_client.get("/operations/BESIDE").json()
    assert (summary["reports"]["count"], summary["reports"]["change"]) == (0, None)
    assert summary["patrols"]["coverage"] is None
    assert summary["response"]["rate"] is None


@pytest.mark.parametrize("path", ["/cases", "/indicators", "/response", "/coverage", "/listings"])
def test_every_question_knows_which_operations_there_are(proclaimed: TestClient, path: str) -> None:
    level = {} if path in ("/cases", "/listings") else {"level": "city"}
    refused = proclaimed.get(path, params={"operation": "NONE", **level})
    assert (refused.status_code, refused.json()["parameter"]) == (400, "operation")
    assert "there are FORUM" in refused.json()["detail"]


def test_a_period_does_not_go_with_an_operation_of_coverage(proclaimed: TestClient) -> None:
    refused = proclaimed.get("/coverage", params={"operation": "FORUM", "period": "2016-05-T1"})
    assert (refused.status_code, refused.json()["parameter"]) == (400, "period")


def test_answers_name_the_operation(proclaimed: TestClient) -> None:
    for path in ("/indicators", "/response", "/coverage"):
        answer = proclaimed.get(path, params={"operation": "FORUM", "level": "city"}).json()
        assert (answer["operation"]["code"], answer["operation"]["from"]) == ("FORUM", "2016-05-04T10:00:00+00:00")
        assert (answer["from"], answer["to"]) == ("2016-05-04", "2016-05-13")
