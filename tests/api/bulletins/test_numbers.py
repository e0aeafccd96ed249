"""A bulletin says what /standings, /listings and /density say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from api.app import CONNECTIONS
from gis.bulletins.chaoses import CHAOSES, ChaosChange
from gis.city import read_city
from gis.ground import load_ground
from gis.listing_by_hand import HandMade, list_by_hand
from gis.rules.periods import parse_period
from gis.standing_reads import COLUMNS
from gis.standings import draft, publish
from gis.store.database import create_database_engine
from tests.api.bulletins.asking import DRAFT, NOW, PUBLISHED, bulletin_of, page_of
from tests.api.conftest import open_client
from tests.under_way import put_under_way


@pytest.mark.parametrize("period", [PUBLISHED, DRAFT])
def test_rows_and_money_are_those_of_the_standing(town: TestClient, period: str) -> None:
    found = bulletin_of(town, period)
    standing = town.get("/standings", params={"period": period}).json()
    assert [{name: row[name] for name in COLUMNS} for row in found["rows"]] == [
        {name: row[name] for name in COLUMNS} for row in standing["rows"]
    ]
    for name in ("facts_sha256", "sha256", "policy_effective", "state", "revision", "money"):
        assert found[name] == standing[name]
    assert found["money"]["balance_yuan"] == sum(row["reward_yuan"] for row in found["rows"]) == 0
    assert found["synthetic"] == ["reports"]


def test_changes_are_the_difference_to_the_standing_before(town: TestClient) -> None:
    found = bulletin_of(town, PUBLISHED)
    before = {row["code"]: row for row in town.get("/standings", params={"period": "2016-05-T1"}).json()["rows"]}
    assert found["before"]["period"] == "2016-05-T1"
    moved = 0
    for row in found["rows"]:
        was = before[row["code"]]
        assert row["rank_before"] == was["rank"]
        assert row["deduction_change"] == pytest.approx(row["deduction"] - was["deduction"])
        if row["rank"] is None:
            assert (row["rank_change"], row["change"]) == (None, "unranked")
            continue
        assert row["rank_change"] == was["rank"] - row["rank"]
        assert (
            row["change"] == {0: "same", 1: "better", -1: "worse"}[(row["rank_change"] > 0) - (row["rank_change"] < 0)]
        )
        moved += row["deduction_change"] != 0
    assert moved
    first = bulletin_of(town, "2016-05-T1")
    assert first["before"] is None
    assert {row["change"] for row in first["rows"]} == {None, "unranked"}


def test_worst_places_are_those_of_the_stored_proposal(town: TestClient) -> None:
    found = bulletin_of(town, "2016-05-T1")["worst"]
    assert found["proposed_at"]
    listed = town.get("/listings", params={"period": "2016-05-T1"}).json()["rows"]
    kept = ("kind", "rank", "code", "name", "street_code", "reports", "score", "lon", "lat")
    named = {(row["kind"], row["rank"]): row for row in (*found["segments"], *found["spots"])}
    assert named
    by_number = {row["id"]: row for row in listed}
    for row in named.values():
        one = by_number[row["listing"]]
        assert {name: row[name] for name in kept[:-2]} == {name: one[name] for name in kept[:-2]}
        assert sum(row["by_chaos"].values()) == row["reports"]


def test_without_a_proposal_they_are_worked_out_and_it_is_said(town: TestClient) -> None:
    found = bulletin_of(town, PUBLISHED)["worst"]
    assert found["proposed_at"] is None
    worked = town.get("/listings/worst", params={"period": PUBLISHED}).json()["rows"]
    kept = ("kind", "rank", "code", "name", "street_code", "reports", "score", "lon", "lat", "weighted")
    assert [{name: row[name] for name in kept} for row in (*found["segments"], *found["spots"])] == [
        {name: row[name] for name in kept} for row in worked if row["kind"] != "shared"
    ]
    assert "现有上报" in page_of(town, PUBLISHED)
    assert "存档的拟挂牌名单" in page_of(town, "2016-05-T1")


def test_overdue_listings_are_those_that_were_deducted(town: TestClient) -> None:
    found = bulletin_of(town, DRAFT)
    deducted = {}
    for row in found["rows"]:
        opened = town.get(f"/standings/street/{DRAFT}/{row['code']}").json()
        causes = [cause for cause in opened["rows"] if cause["kind"] == "listing"]
        deducted |= {one["listing"]: (row["code"], one["days"], one["points"]) for one in causes}
    assert deducted
    assert {one["listing"]: (one["street_code"], one["days"], one["points"]) for one in found["overdue"]} == deducted
    listings = {row["id"]: row for row in town.get("/listings").json()["rows"]}
    for one in found["overdue"]:
        assert (one["kind"], one["name"], one["listed_for"]) == tuple(
            listings[one["listing"]][name] for name in ("kind", "name", "period")
        )


@pytest.mark.parametrize(("period", "now", "then"), [(PUBLISHED, (11, 21), (1, 11)), (DRAFT, (21, 32), (11, 21))])
def test_the_four_chaoses_are_those_of_density(town: TestClient, period: str, now: tuple, then: tuple) -> None:
    found = {one["code"]: one for one in bulletin_of(town, period)["four_chaoses"]}

    def counted(days: tuple[int, int], chaos: str) -> dict[str, int]:
        last = f"2016-05-{days[1]:02}" if days[1] < 32 else "2016-06-01"
        asked = {"level": "district", "from": f"2016-05-{days[0]:02}", "to": last, "category": f"chaos:{chaos}"}
        return {row["code"]: row["count"] for row in town.get("/density", params=asked).json()["rows"]}

    here, before = counted(now, "any"), counted(then, "any")
    districts = [code for code in here if code in found]
    assert set(found) == {None, *districts}
    for code in districts:
        assert (found[code]["count"], found[code]["count_before"]) == (here[code], before[code])
        rates = here[code] / (now[1] - now[0]), before[code] / (then[1] - then[0])
        assert found[code]["change"] == (pytest.approx(rates[0] / rates[1] - 1) if rates[1] else None)
    assert found[None]["count"] == sum(here.values())
    assert found[None]["parking"] == sum(counted(now, "parking").values())


def test_a_correction_names_its_reason_and_leaves_the_first_revision_as_it_was(town: TestClient) -> None:
    first, second = page_of(town, PUBLISHED, "en", revision=1), page_of(town, PUBLISHED, "en", revision=2)
    assert "a case was void" in second
    assert "a case was void" not in first
    assert second == page_of(town, PUBLISHED, "en").replace("?lang", "?revision=2&amp;lang")


def test_a_later_correction_of_the_period_before_changes_no_bulletin(
    tiny_url: str, make_database: Callable[..., str]
) -> None:
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with engine.begin() as conn:
        put_under_way(conn)
    with open_client(engine) as client:
        before = page_of(client, PUBLISHED)
        with engine.begin() as conn:
            period = parse_period("2016-05-T1")
            draft(conn, load_ground(conn), period, "office", NOW, "wrong again")
            publish(conn, read_city(conn), period, "office", NOW)
        assert bulletin_of(client, "2016-05-T1")["revision"] == 2
        assert page_of(client, PUBLISHED) == before
    engine.dispose()


def test_the_change_of_chaoses_is_per_day() -> None:
    none = dict.fromkeys(CHAOSES, 0)
    one = ChaosChange("1", "a", none | {"parking": 22, "trading": 11}, none | {"parking": 10, "rubbish": 20}, 11, 10)
    assert (one.count, one.count_before) == (33, 30)
    assert one.change == 0
    assert one.change_of("parking") == pytest.approx(1)
    assert one.change_of("rubbish") == -1
    assert one.change_of("trading") is None


def test_a_month_pools_its_ten_day_standings(tiny_url: str, make_database: Callable[..., str]) -> None:
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with engine.begin() as conn:
        # Due on 8 May: over its deadline in all three.
        place = HandMade(
            "mayor", "a walk", lon=113.6005, lat=34.7005, datum="wgs84", at=datetime(2016, 4, 28, tzinfo=UTC)
        )
        early = list_by_hand(conn, place, NOW)
        put_under_way(conn)
        for name in (DRAFT, "2016-05"):
            draft(conn, load_ground(conn), parse_period(name), "office", NOW)
            publish(conn, read_city(conn), parse_period(name), "office", NOW)
    with open_client(engine) as client:
        month = bulletin_of(client, "2016-05")
        parts = [bulletin_of(client, f"2016-05-T{number}") for number in (1, 2, 3)]
        assert "2016 年 5 月 · 区县月排名" in page_of(client, "2016-05")
        english = page_of(client, "2016-05", "en")
        assert "points/km²·day" in english.lower()
        assert "Score = max(0, 100 - 1 × 10 × density)" in english
    engine.dispose()
    assert month["level"] == "district"
    assert {row["code"] for row in month["rows"]} == {"990101", "990102"}
    for row in month["rows"]:
        # As the method says.
        assert row["score"] == pytest.approx(max(0, 100 - 10 * row["density"]), abs=0.005)
    for name in ("problems", "deduction"):
        assert month["summary"][name] == pytest.approx(sum(part["summary"][name] for part in parts))
    days = {}
    for one in (row for part in parts for row in part["overdue"]):
        days[one["listing"]] = days.get(one["listing"], 0) + one["days"]
    assert [one["listing"] for part in parts for one in part["overdue"]].count(early) == 3
    assert {one["listing"]: one["days"] for one in month["overdue"]} == days
    assert month["four_chaoses"][0]["count"] == sum(part["four_chaoses"][0]["count"] for part in parts)
