"""GET /staffing/proposal and `finegrid staffing propose`: facts from the database, answers in every form."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis.rules.posting import Post
from tests.api.tiny import Tiny
from tests.conftest import json_of
from tests.posting_ways import one_by_one, rank_of

ON = {"on": "2016-05-05"}
WINDOW = {"from": "2016-05-01", "to": "2016-05-21"}
PATH = "/staffing/proposal"


def ask(client: TestClient, **more: object) -> dict:
    answer = client.get(PATH, params={**ON, **WINDOW, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_everybody_on_post_is_posted_where_nothing_else_is_said(client: TestClient) -> None:
    answer = ask(client)
    staffing = client.get("/staffing", params=ON).json()
    assert answer["people"] == staffing["total"]["on_post"] == sum(row["proposed"] for row in answer["rows"])
    posted = {(row["code"], row["tier"]): row for row in staffing["rows"]}
    for row in answer["rows"]:
        other = posted[row["code"], row["tier"]]
        assert [row[name] for name in ("area_km2", "required", "on_post")] == [
            other[name] for name in ("area_km2", "required", "on_post")
        ]
        assert row["change"] == row["proposed"] - row["on_post"]
        assert row["missing"] == max(0, (row["required"] or 0) - row["proposed"])
        assert row["reason"]
        assert row["reason_zh"]


def test_problems_are_those_of_the_cells_of_each_tier(client: TestClient, facts: Tiny) -> None:
    cells = client.get("/density", params={"level": "cell", **WINDOW}).json()["rows"]
    counted: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = cell["code"][:9], facts.tiers[cell["code"]]
        counted[key] = counted.get(key, 0) + cell["count"]
    rows = ask(client)["rows"]
    assert {(row["code"], row["tier"]): row["problems"] for row in rows if row["required"]} == counted
    assert sum(counted.values()) > 300


@pytest.mark.parametrize("people", [1, 5, 9, 40, 1000])
def test_the_proposal_is_as_good_as_one_by_one(client: TestClient, people: int) -> None:
    answer = ask(client, people=people)
    rows = answer["rows"]
    posts = [Post(row["code"], row["tier"], row["required"] or 0, row["problems"], row["on_post"]) for row in rows]
    other = one_by_one(posts, people, {}, 0.1)
    ours, theirs = (rank_of(posts, counts, 0, 0.1) for counts in ([row["proposed"] for row in rows], other))
    assert ours[:3] == theirs[:3]
    assert ours[4] == pytest.approx(theirs[4], rel=1e-6)
    required = sum(post.required for post in posts)
    assert answer["feasible"] == (people >= required)
    assert sum(answer["total"]["missing"].values()) == max(0, required - people)
    assert answer["total"]["proposed"] == people


def test_infeasible_says_which_minimum_breaks_and_by_how_many(client: TestClient) -> None:
    required = sum(row["required"] or 0 for row in ask(client)["rows"])
    answer = ask(client, people=required - 2)
    assert not answer["feasible"]
    assert sum(one["missing"] for one in answer["breaks"]) == 2
    assert {one["tier"] for one in answer["breaks"]} == {"general"}
    for one in answer["breaks"]:
        assert one["proposed"] == one["required"] - one["missing"]
    assert sum(one["missing"] for one in answer["breaks_by_district"]) == 2
    assert [one["code"] for one in answer["breaks_by_district"]] == ["990101"]
    assert f"{required - 2} people for minima of {required}" in answer["verdict"]
    assert "2 in general areas" in answer["verdict"]
    assert "一般区域缺 2 人" in answer["verdict_zh"]


def test_caps_hold_and_say_what_they_break(client: TestClient) -> None:
    answer = ask(client, people=30, cap=["990101001=2", "990102001=0"])
    by_street: dict[str, int] = {}
    for row in answer["rows"]:
        by_street[row["code"]] = by_street.get(row["code"], 0) + row["proposed"]
    assert by_street["990101001"] == 2
    assert by_street["990102001"] == 0
    assert sum(by_street.values()) == 30
    assert {one["code"] for one in answer["breaks"]} == {"990101001", "990102001"}
    assert any("capped at 2" in row["reason"] for row in answer["rows"])
    every = [f"{code}=1" for code in by_street]
    answer = ask(client, people=30, cap=every)
    assert answer["total"]["without_post"] == 30 - answer["total"]["proposed"] == 26
    assert "26 people have no post because of the caps" in answer["verdict"]


def test_moves_add_up(client: TestClient) -> None:
    answer = ask(client, people=12)
    change: dict[tuple[str, str], int] = {}
    for move in answer["moves"]:
        for end, sign in (("from", -1), ("to", 1)):
            if place := move[end]:
                key = place["code"], place["tier"]
                change[key] = change.get(key, 0) + sign * move["people"]
    assert change == {(row["code"], row["tier"]): row["change"] for row in answer["rows"] if row["change"]}


def test_only_some_problems(client: TestClient) -> None:
    some = ask(client, category="chaos:parking")
    assert 0 < some["total"]["problems"] < ask(client)["total"]["problems"]


def test_without_problems_people_are_shared_as_the_rule_asks(client: TestClient) -> None:
    answer = ask(client, people=40, **{"from": "2010-01-01", "to": "2010-01-02"})
    assert answer["total"]["problems"] == 0
    required = {(row["code"], row["tier"]): row["required"] or 0 for row in answer["rows"]}
    for row in answer["rows"]:
        share = 40 * required[row["code"], row["tier"]] / sum(required.values())
        assert row["proposed"] == pytest.approx(share, abs=1)


def test_the_window_that_the_city_opens_with(client: TestClient) -> None:
    answer = client.get(PATH, params=ON).json()
    assert (answer["from"], answer["to"]) == ("2016-05-01", "2016-05-21")


def test_geojson_and_csv(client: TestClient) -> None:
    answer = ask(client, people=20)
    drawn = ask(client, people=20, f="geojson")
    assert [one["id"] for one in drawn["features"]] == sorted({row["code"] for row in answer["rows"]})
    assert drawn["verdict"] == answer["verdict"]
    for one in drawn["features"]:
        facts = one["properties"]
        assert facts["proposed"] == sum(tier["proposed"] for tier in facts["tiers"])
        assert one["geometry"]["type"] == "MultiPolygon"
    lines = list(csv.DictReader(io.StringIO(client.get(PATH, params={**ON, **WINDOW, "f": "csv"}).text)))
    assert [line["reason_zh"] for line in lines] == [row["reason_zh"] for row in ask(client)["rows"]]


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"people": "0"}, "people"),
        ({"people": "many"}, "people"),
        ({"people": "100001"}, "people"),
        ({"cap": "990101001"}, "cap"),
        ({"cap": "nowhere=3"}, "cap"),
        ({"cap": "990101001=-3"}, "cap"),
        ({"cap": "990101001=200000"}, "cap"),
        ({"from": "2016-05-01", "to": "2016-05-01"}, "to"),
        ({"from": "2016-05-01"}, "to"),
        ({"category": "nothing"}, "category"),
        ({"capp": "1"}, "capp"),
    ],
)
def test_what_cannot_be_is_refused(client: TestClient, params: dict[str, str], parameter: str) -> None:
    answer = client.get(PATH, params=params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == parameter


def test_the_command_answers_the_same(finegrid: Callable[..., Result], client: TestClient, own_engine: Engine) -> None:
    url = own_engine.url.render_as_string(hide_password=False)
    words = ("staffing", "propose", "--on", "2016-05-05", "--from", "2016-05-01", "--to", "2016-05-21")
    found = json_of(finegrid(*words, "--people", "20", "--cap", "990101001=9", "--json", DATABASE_URL=url))
    expected = ask(client, people=20, cap="990101001=9")
    assert found == expected
    shown = finegrid(*words, "--people", "3", DATABASE_URL=url)
    assert shown.exit_code == 0
    assert "infeasible: 3 people for minima of" in shown.stderr
    assert "reason" not in shown.stdout
    assert finegrid(*words, "--cap", "x", DATABASE_URL=url).exit_code == 1
    drawn = finegrid(*words, "--format", "geojson", DATABASE_URL=url)
    assert '"FeatureCollection"' in drawn.stdout


def test_the_older_command_stays_as_it_was(finegrid: Callable[..., Result], own_engine: Engine) -> None:
    url = own_engine.url.render_as_string(hide_password=False)
    found = json_of(finegrid("staffing", "--on", "2016-05-05", "--json", DATABASE_URL=url))
    assert found["total"]["on_post"] == 4
    assert set(found) >= {"level", "on", "rule", "total", "rows"}
