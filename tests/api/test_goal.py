"""GET /goal and the command: the fall of each chaos per area, against the reports themselves."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from sqlalchemy import text

from gis.rules.goal import NO_AREA, fall_of
from gis.rules.policy import POLICIES
from gis.store.database import create_database_engine
from tests.conftest import json_of

ASKED = {
    "level": "street",
    "from": "2016-05-11",
    "to": "2016-05-21",
    "base_from": "2016-05-01",
    "base_to": "2016-05-08",
}
COUNTED = text(
    "SELECT a.code, coalesce(k.chaos, '-'), r.day >= '2016-05-11', count(*) FROM reports r"
    " JOIN cells c ON c.id = r.cell_id JOIN areas a ON a.id = c.area_id"
    " JOIN categories k ON k.id = r.category_id JOIN sources s ON s.id = r.source_id"
    " WHERE (r.day >= '2016-05-11' AND r.day < '2016-05-21' OR r.day < '2016-05-08') AND s.name = ANY(:names)"
    " GROUP BY 1, 2, 3"
)


@pytest.mark.parametrize("names", [["patrol", "citizen"], ["patrol"]])
def test_each_chaos_of_each_street(client: TestClient, tiny_url: str, names: list[str]) -> None:
    asked = ASKED if len(names) == 2 else ASKED | {"source": "patrol"}
    answer = client.get("/goal", params=asked).json()
    engine = create_database_engine(tiny_url)
    with engine.connect() as conn:
        held = {tuple(row)[:3]: row[3] for row in conn.execute(COUNTED, {"names": names})}
    engine.dispose()
    assert answer["days"] == 10
    assert answer["base_days"] == 7
    assert len(answer["rows"]) == 4 * 5
    some = 0
    for row in answer["rows"]:
        chaoses = ["parking", "trading", "rubbish", "posters"] if row["category"] == "any" else [row["category"]]
        now, base = (sum(held.get((row["code"], chaos, later), 0) for chaos in chaoses) for later in (True, False))
        assert (row["count"], row["base_count"]) == (now, base)
        km2 = Decimal(str(row["area_km2"]))
        expected = fall_of(now, base, km2 * 10, km2 * 7, POLICIES[0])
        assert row["reached"] == expected.reached
        assert row["fall"] == (None if expected.fall is None else float(expected.fall))
        if row["code"] == "990102002":
            assert row["note"] == NO_AREA
        elif base:
            assert row["fall"] == pytest.approx(1 - (now / 10) / (base / 7), abs=5e-5)
            some += 1
    assert some > 10
    for row in answer["total"]:
        of = [one for one in answer["rows"] if one["category"] == row["category"]]
        assert row["count"] == sum(one["count"] for one in of)
        assert row["base_count"] == sum(one["base_count"] for one in of)
        assert row["area_km2"] == pytest.approx(sum(one["area_km2"] for one in of))


def test_districts_are_the_sum_of_their_streets(client: TestClient) -> None:
    streets = client.get("/goal", params={**ASKED, "category": "any"}).json()["rows"]
    for row in client.get("/goal", params={**ASKED, "level": "district", "category": "any"}).json()["rows"]:
        assert row["count"] == sum(one["count"] for one in streets if one["code"].startswith(row["code"]))


def test_forms(client: TestClient) -> None:
    shapes = client.get("/goal", params={**ASKED, "f": "geojson", "category": "parking"}).json()
    assert shapes["features"][0]["id"] == "990101001-parking"
    assert shapes["features"][0]["geometry"]["type"] == "MultiPolygon"
    rows = list(csv.DictReader(io.StringIO(client.get("/goal", params={**ASKED, "f": "csv"}).text)))
    assert [row["category"] for row in rows[:5]] == ["parking", "trading", "rubbish", "posters", "any"]
    assert rows[0]["synthetic"] == "reports"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"base_to": "2016-05-12"}, "base_to: the base period ends at from=2016-05-11 or before"),
        ({"base_to": "2016-05-01"}, "base_to: must be after base_from"),
        ({"to": "2016-05-11"}, "to: must be after from"),
        ({"category": "chaos:parking"}, "category: the goal is about the four chaoses"),
        ({"level": "cell"}, "level: Tiny has the levels district, street"),
        ({"source": "nobody"}, "source: there is no source"),
        ({"base_from": "then"}, "base_from"),
    ],
)
def test_what_cannot_be_compared(client: TestClient, wrong: dict[str, str], said: str) -> None:
    answer = client.get("/goal", params=ASKED | wrong)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


def test_the_command(
    finegrid: Callable[..., Result], tiny_url: str, make_database: Callable[..., str], client: TestClient
) -> None:
    url = make_database(tiny_url)
    words = ["goal", "--level", "street", "--from", "2016-05-11", "--to", "2016-05-21"]
    words += ["--base-from", "2016-05-01", "--base-to", "2016-05-08"]
    assert json_of(finegrid(*words, "--json", DATABASE_URL=url)) == client.get("/goal", params=ASKED).json()
    shown = finegrid(*words, "--category", "any", DATABASE_URL=url)
    assert "990101001" in shown.stdout
    assert "city, any: " in shown.stderr
    assert finegrid(*words[:-1], "2016-05-12", DATABASE_URL=url).exit_code == 1
    assert json_of(finegrid(*words, "--format", "geojson", DATABASE_URL=url))["features"][0]["geometry"]


def test_a_dictionary_without_a_chaos(client: TestClient) -> None:
    rows = client.get("/goal", params={**ASKED, "category": "posters"}).json()["rows"]
    assert all(row["count"] == row["base_count"] == 0 and row["fall"] is None for row in rows)
