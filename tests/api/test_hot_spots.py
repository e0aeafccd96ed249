"""GET /hotspots, its collection and `finegrid hotspots`: facts from the database, verdicts in every form."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import Result
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis.geometry.datum import metric_transformer
from gis.hot_spots import enough_permutations
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.rules.policy import POLICIES
from tests.api.tiny import CITY, Tiny, write_reports
from tests.conftest import json_of

WINDOW = {"from": "2016-05-01", "to": "2016-05-21"}
PATH = "/hotspots"


def ask(client: TestClient, level: str = "cell", **more: object) -> dict:
    answer = client.get(PATH, params={"level": level, **WINDOW, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def centres(facts: Tiny) -> np.ndarray:
    to_metric = metric_transformer(CITY.metric_crs)
    return np.array([to_metric.transform(shape.centroid.x, shape.centroid.y) for shape in facts.cells.values()])


def add_reports(engine: Engine, facts: Tiny, folder: Path, places: list[tuple[float, float]], each: int) -> None:
    """So many more reports at each place, in steps from the corner."""
    rows = []
    for number, (x, y) in enumerate(places):
        lon, lat = facts.at(x, y)
        rows += [
            {
                **facts.reports[0],
                "id": f"M{number}-{one}",
                "lon": str(lon),
                "lat": str(lat),
                "time": "2016-05-08 10:00:00",
            }
            for one in range(each)
        ]
    path = write_reports(folder / "more.csv", rows)
    with engine.begin() as conn:
        import_reports(conn, ImportOrder(ReportFile(path, {"reported_at": "time"}), "patrol", crs="wgs84"))


def test_scores_of_cells_by_the_plain_formula(client: TestClient, facts: Tiny) -> None:
    answer = ask(client)
    density = client.get("/density", params={"level": "cell", **WINDOW}).json()["rows"]
    rates = np.array([row["per_km2"] for row in density])
    at, n = centres(facts), len(density)
    for place, row in enumerate(answer["rows"]):
        assert [row[name] for name in ("code", "count", "per_km2")] == [
            density[place][name] for name in ("code", "count", "per_km2")
        ]
        near = np.hypot(*(at - at[place]).T) <= 250.0
        w = near.sum()
        assert row["neighbours"] == w - 1
        z = (rates[near].sum() - w * rates.mean()) / (rates.std() * np.sqrt((n * w - w * w) / (n - 1)))
        assert row["z"] == pytest.approx(z)
        assert row["q"] >= row["p_sim"] > 0


def test_scattered_reports_make_no_hot_spot(client: TestClient) -> None:
    answer = ask(client)
    assert answer["total"] == {"hot": 0, "cold": 0, "not_significant": 48, "not_tested": 0}
    assert {row["verdict_zh"] for row in answer["rows"]} == {"不显著"}
    assert answer["verdict"].startswith("not significant: at none of 48 places")
    assert "不显著" in answer["verdict_zh"]


def test_a_street_without_cells_is_not_tested(client: TestClient) -> None:
    answer = ask(client, "street")
    last = answer["rows"][-1]
    assert (last["code"], last["verdict"], last["z"], last["q"]) == ("990102002", None, None, None)
    assert "no cells" in last["note"]
    assert answer["total"]["not_tested"] == 1
    # Streets side by side: the one in the middle touches both others.
    assert [row["neighbours"] for row in answer["rows"]] == [1, 2, 1, 0]


def test_a_planted_cluster_is_hot_and_never_stale(
    own_client: TestClient, own_engine: Engine, facts: Tiny, tmp_path: Path
) -> None:
    assert ask(own_client)["total"]["hot"] == 0
    corner = [(x + 0.5, y + 0.5) for x in range(3) for y in range(2)]
    add_reports(own_engine, facts, tmp_path, corner, 40)
    answer = ask(own_client)
    hot = {row["code"] for row in answer["rows"] if row["verdict"] == "hot"}
    planted = {
        code
        for code, shape in facts.cells.items()
        if any(shape.contains(shapely.Point(*facts.at(x, y))) for x, y in corner)
    }
    assert planted <= hot
    assert all(code.startswith("990101001") for code in hot)
    assert answer["total"]["hot"] == len(hot)
    assert f"{len(hot)} hot and" in answer["verdict"]
    # Of another category there is no cluster.
    assert (
        ask(own_client, category="event:0501" if facts.reports[0]["category"] != "0501" else "event:0102")["total"][
            "hot"
        ]
        == 0
    )


def test_the_seed_decides_and_is_named(client: TestClient) -> None:
    one, same, other = (ask(client, seed=seed, permutations=999) for seed in (4, 4, 5))
    assert one == same
    assert one["seed"] == 4
    assert one["permutations"] == 999
    assert [row["z"] for row in one["rows"]] == [row["z"] for row in other["rows"]]
    assert [row["p_sim"] for row in one["rows"]] != [row["p_sim"] for row in other["rows"]]
    assert one["facts_sha256"] == other["facts_sha256"]
    assert one["facts_sha256"] != ask(client, category="chaos:parking")["facts_sha256"]


@pytest.mark.parametrize(
    ("places", "together", "expected"),
    [(1, 1, 999), (25, 1, 999), (26, 1, 9999), (200, 6, 9999), (17_770, 20, 99_999), (99_856, 21, 999_999)],
)
def test_so_many_permutations_that_one_hot_spot_can_stand_out(places: int, together: float, expected: int) -> None:
    policy = POLICIES[0]
    assert enough_permutations(places, together, policy) == expected
    assert 2 / (expected + 1) <= policy.hotspot_fdr * together / places
    assert expected == 999 or 2 / ((expected + 1) / 10) > policy.hotspot_fdr * together / places


def test_forms(client: TestClient) -> None:
    answer = ask(client, "street")
    drawn = ask(client, "street", f="geojson")
    assert [one["properties"] for one in drawn["features"]] == answer["rows"]
    assert all(one["geometry"]["type"] == "MultiPolygon" for one in drawn["features"])
    text = client.get(PATH, params={"level": "street", **WINDOW, "f": "csv"}).text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["verdict"] for line in lines] == [row["verdict"] or "" for row in answer["rows"]]


def test_the_collection_has_the_same_verdicts(client: TestClient) -> None:
    items = client.get("/collections/hotspots/items", params={**WINDOW, "limit": 1000, "f": "json"}).json()
    rows = {row["code"]: row for row in ask(client)["rows"]}
    assert {one["id"] for one in items["features"]} == set(rows)
    for one in items["features"]:
        assert one["properties"] == {
            name: pytest.approx(value) if isinstance(value, float) else value for name, value in rows[one["id"]].items()
        }
    streets = client.get("/collections/hotspots/items", params={**WINDOW, "level": "street", "f": "json"}).json()
    assert [one["id"] for one in streets["features"]] == [row["code"] for row in ask(client, "street")["rows"]]
    some = client.get("/collections/hotspots/items", params={"filter": "verdict = 'hot'", "f": "json"}).json()
    assert some["features"] == []
    refused = client.get("/collections/hotspots/items", params={"level": "community", "f": "json"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"level": "house"}, "level"),
        ({"level": "community"}, "level"),
        ({}, "level"),
        ({"level": "cell", "permutations": "98"}, "permutations"),
        ({"level": "cell", "permutations": "1000000"}, "permutations"),
        ({"level": "cell", "seed": "-1"}, "seed"),
        ({"level": "cell", "seed": "99999999999999999999"}, "seed"),
        ({"level": "cell", "category": "nothing"}, "category"),
        ({"level": "cell", "to": "2016-05-21"}, "from"),
        ({"level": "cell", "from": "2016-05-21", "to": "2016-05-01"}, "to"),
        ({"level": "cell", "bbox": "1,2,3,4"}, "bbox"),
    ],
)
def test_what_cannot_be_is_refused(client: TestClient, params: dict[str, str], parameter: str) -> None:
    answer = client.get(PATH, params=params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == parameter


def test_days_without_reports(client: TestClient) -> None:
    answer = ask(client, **{"from": "2010-01-01", "to": "2010-01-02"})
    assert answer["total"]["not_significant"] == 48
    assert {(row["z"], row["p_sim"], row["q"]) for row in answer["rows"]} == {(None, 1.0, 1.0)}


def test_the_command_answers_the_same(finegrid: Callable[..., Result], client: TestClient, own_engine: Engine) -> None:
    url = own_engine.url.render_as_string(hide_password=False)
    words = ("hotspots", "--from", "2016-05-01", "--to", "2016-05-21")
    assert json_of(finegrid(*words, "--level", "cell", "--seed", "3", "--json", DATABASE_URL=url)) == ask(
        client, seed=3
    )
    shown = finegrid(*words, "--level", "street", DATABASE_URL=url)
    assert "not significant: at none of 3 places" in shown.stderr
    assert "990101001" not in shown.stdout
    assert "990101001" in finegrid(*words, "--level", "street", "--all", DATABASE_URL=url).stdout
    assert finegrid(*words, "--level", "community", DATABASE_URL=url).exit_code == 1
    assert '"FeatureCollection"' in finegrid(*words, "--format", "geojson", DATABASE_URL=url).stdout
