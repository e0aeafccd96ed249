"""GET /staffing: the 30 / 20 / 10 rule, explained."""

from __future__ import annotations

import csv
import io
import math
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from tests.api.tiny import Tiny

ON = {"on": "2016-05-05"}


def test_every_tier_of_every_street(client: TestClient, facts: Tiny) -> None:
    answer = client.get("/staffing", params={"level": "street", **ON}).json()
    rows = {(row["code"], row["tier"]): row for row in answer["rows"]}
    assert list(rows) == [
        ("990101001", "key"),
        ("990101001", "secondary"),
        ("990101002", "general"),
        ("990102001", "key"),
        ("990102002", "general"),
    ]
    cells = {row["code"]: row for row in client.get("/areas", params={"level": "street"}).json()["rows"]}
    for (code, tier), per_km2 in zip(list(rows)[:4], (30, 20, 10, 30), strict=True):
        share = 0.5 if code == "990101001" else 1.0
        row = rows[code, tier]
        assert row["area_km2"] == pytest.approx(cells[code]["cells_km2"] * share, rel=1e-3)
        assert row["required"] == math.ceil(Decimal(str(row["area_km2"])) * per_km2)
        assert row["gap"] == row["on_post"] - row["required"]
        named = row["explanation"]["cell_codes"]
        assert expand(named, facts) == {one for one, of in facts.tiers.items() if one[:9] == code and of == tier}
        assert row["explanation"]["cells"] == len(expand(named, facts))
        assert f"x {per_km2}/km2" in row["explanation"]["worked_out"]
    assert rows["990101001", "key"]["on_post"] == 2
    assert answer["rule"]["per_km2"] == {"key": 30, "secondary": 20, "general": 10}
    assert answer["total"]["on_post"] == 4
    assert answer["total"]["required"] == sum(row["required"] or 0 for row in rows.values())


def expand(ranges: list[str], facts: Tiny) -> set[str]:
    """Codes that ranges stand for."""
    found = set()
    for one in ranges:
        first, _, last = one.partition("-")
        found |= {code for code in facts.cells if first <= code <= (last or first)}
    return found


def test_without_cells_nothing_is_required(client: TestClient) -> None:
    row = client.get("/staffing", params={"level": "street", **ON}).json()["rows"][-1]
    assert (row["required"], row["on_post"], row["gap"]) == (None, 1, None)
    assert "no cells" in row["explanation"]["worked_out"]


def test_people_count_from_their_first_day_to_before_their_last(client: TestClient) -> None:
    def key_posts(day: str) -> int:
        rows = client.get("/staffing", params={"level": "street", "on": day}).json()["rows"]
        return sum(row["on_post"] for row in rows if row["tier"] == "key")

    assert [key_posts(day) for day in ("2015-12-31", "2016-01-01", "2016-05-09", "2016-05-10")] == [0, 2, 2, 1]


def test_districts_are_the_sum_of_their_streets(client: TestClient) -> None:
    streets = client.get("/staffing", params={"level": "street", **ON}).json()
    districts = client.get("/staffing", params={"level": "district", **ON}).json()
    assert districts["total"] == streets["total"]
    for row in districts["rows"]:
        of = [one for one in streets["rows"] if one["code"][:6] == row["code"] and one["tier"] == row["tier"]]
        assert row["area_km2"] == pytest.approx(sum(one["area_km2"] for one in of))
        assert row["required"] == (sum(one["required"] or 0 for one in of) if row["area_km2"] else None)
        assert row["explanation"]["streets"] == [one["code"] for one in of]


def test_geojson_draws_each_area_once(client: TestClient) -> None:
    found = client.get("/staffing", params={"level": "street", **ON, "f": "geojson"}).json()["features"]
    assert [one["id"] for one in found] == ["990101001", "990101002", "990102001", "990102002"]
    first = found[0]["properties"]
    assert first["required"] == sum(tier["required"] for tier in first["tiers"])
    assert first["gap"] == first["on_post"] - first["required"]
    assert found[-1]["properties"]["required"] is None


def test_csv_explains_in_words(client: TestClient) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/staffing", params={**ON, "f": "csv"}).text)))
    assert list(rows[0]) == [
        "code",
        "name",
        "tier",
        "area_km2",
        "required",
        "on_post",
        "gap",
        "explanation",
        "synthetic",
    ]
    assert rows[0]["explanation"].startswith("8 key cells: ")
    assert rows[0]["gap"] == "-1"


def test_a_level_that_staffing_has_not(client: TestClient) -> None:
    answer = client.get("/staffing", params={"level": "cell"})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "level"
