"""`make demo`: the whole Zhengzhou sample loaded as anybody loads it, and its standings of three months."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, text

from fixtures import demo
from fixtures.synth_patrols import MONTHS
from fixtures.synth_standings import ORDER, REVISED
from gis.case_reads import read_case, replayed
from gis.cli import frame
from gis.settings import settings
from gis.standing_chain import verify_chain
from gis.standing_reads import Standing, list_standings, read_standing
from gis.standing_words import explain
from gis.store.database import create_database_engine

TEN_DAYS = [period for period in ORDER if period.is_ten_days]


def counted() -> dict[str, int]:
    """How many rows there are of what the demo plays; cases of today aside, which a new day has of its own."""
    with frame.city_transaction(read_only=True) as conn:
        return {
            table: int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
            for table in ("standings", "standing_rows", "listings", "listing_events", "dust_draws", "dust_results")
        }


@pytest.fixture(scope="module")
def loaded(template_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """Zhengzhou, loaded by the functions of `make demo`, twice."""
    url = make_database(template_url)
    before = dict(os.environ)
    os.environ["FINEGRID_DATABASE_URL"] = url
    settings.cache_clear()
    frame.open_engine.cache_clear()
    try:
        demo.load_city("zhengzhou")
        before_again = counted()
        demo.play({"country": "CN", "from_year": 2015})
        assert counted() == before_again
    finally:
        frame.open_engine().dispose()
        frame.open_engine.cache_clear()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()
    engine = create_database_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def city(loaded: Engine) -> Iterator[Connection]:
    """Zhengzhou; what a test changes is rolled back."""
    with loaded.connect() as conn:
        yield conn


@pytest.fixture
def published(city: Connection) -> dict[str, Standing]:
    return {one.name: read_standing(city, "street" if one.is_ten_days else "district", one) for one in ORDER}


def test_three_months_are_published_and_hold(city: Connection) -> None:
    found = list_standings(city)
    assert all(one["state"] == "published" for one in found)
    assert all(one["drafted_at"] <= one["published_at"] for one in found)
    counted = Counter((one["level"], one["period"]) for one in found)
    assert counted == {("street" if one.is_ten_days else "district", one.name): 1 + (one == REVISED) for one in ORDER}
    assert len(TEN_DAYS) == 9
    assert len(MONTHS) == 3
    chain = list(verify_chain(city))
    assert len(chain) == len(ORDER) + 1
    assert [link.problems for link in chain] == [[]] * len(chain)


def test_money_moves_and_cancels_and_some_rows_are_provisional(published: dict[str, Standing]) -> None:
    for name, standing in published.items():
        money = standing.head()["money"]
        assert money["balance_yuan"] == 0, name
        assert money["rewards_yuan"] > 0, name
        ranked = [row for row in standing.rows if row["rank"] is not None]
        assert len(ranked) == (37 if standing.record.level == "street" else 5)
        assert all(row["reward_yuan"] == 0 for row in ranked if row["provisional"])
    short = {
        one.name: [row["code"] for row in published[one.name].rows if row["rank"] is not None and row["provisional"]]
        for one in TEN_DAYS
    }
    assert all(2 <= len(codes) <= 5 for codes in short.values()), short
    assert len({tuple(codes) for codes in short.values()}) == len(TEN_DAYS)
    assert all(published[one.name].head()["money"]["rewards_yuan"] == 1_100_000 for one in TEN_DAYS)
    coverage = [row["coverage"] for one in TEN_DAYS for row in published[one.name].rows if row["rank"] is not None]
    assert all(share >= Decimal("0.96") or share < Decimal("0.95") for share in coverage)


def test_every_cause_is_seen_and_scores_tell_streets_apart(published: dict[str, Standing]) -> None:
    seen: set[str] = set()
    for one in TEN_DAYS:
        rows = [row for row in published[one.name].rows if row["rank"] is not None]
        kinds = {kind for row in rows for kind, points in row["parts"].items() if Decimal(points)}
        assert kinds >= {"problem", "double_ten", "dust"}, one.name
        seen |= kinds
        scores = [row["score"] for row in rows]
        assert len(set(scores)) > 30
        assert min(scores) > 0
    # Governance: too few cases needed enforcement anywhere to be a rate.
    assert seen >= {"problem", "double_ten", "listing", "dust"}
    times = {
        int(number)
        for number in published["2016-06-T3"].facts().numbers("problems", "before").tolist()
    }  # fmt: skip
    assert times >= set(range(9))


def test_a_revision_says_what_was_wrong_and_moves_money(city: Connection, published: dict[str, Standing]) -> None:
    first, second = (read_standing(city, "street", REVISED, revision) for revision in (1, 2))
    assert second.record.revision == published[REVISED.name].record.revision == 2
    assert first.record.reason is None
    changed = {row["code"] for row in second.record.difference}
    assert len(changed) == 2
    assert all(row["before"]["reward_yuan"] != row["after"]["reward_yuan"] for row in second.record.difference)
    (case_id,) = [int(word) for word in second.record.reason.split("(case ")[1].split() if word.isdecimal()]
    case = read_case(city, case_id)
    assert case["state"] == "void"
    assert second.record.reason.startswith(f"案件 {case_id} ")
    # It was so before the period was judged, and recorded after it was published.
    assert case["ended_at"] < second.record.as_of
    void = city.execute(
        text("SELECT recorded_at FROM case_events WHERE case_id = :id AND move = 'void'"), {"id": case_id}
    )
    assert first.record.published_at < void.scalar_one()


def test_sentences_for_everybody(city: Connection, published: dict[str, Standing]) -> None:
    for name in ("2016-05-T2", "2016-06"):
        for row in published[name].rows:
            said = explain(city, published[name], row["code"])
            assert said, row["code"]
            assert row["code"] in said[0]


def test_cases_of_three_months_are_what_their_histories_give(city: Connection) -> None:
    ids = list(city.execute(text("SELECT id FROM cases ORDER BY id")).scalars())
    assert len(ids) > 2500
    assert all(stored == again for stored, again in (replayed(city, case_id) for case_id in ids[::20]))
    tasks = city.execute(text("SELECT state, count(*) FROM case_tasks GROUP BY 1")).all()
    assert dict(tasks)["done"] > 50
    for period in TEN_DAYS:
        row = city.execute(
            text(
                "SELECT count(*) AS cases, count(*) FILTER (WHERE arrived_at IS NULL AND state <> 'void') AS missing,"
                " count(*) FILTER (WHERE arrived_at > found_at + interval '600 s') AS late"
                " FROM cases WHERE day >= :first AND day < :after"
            ),
            {"first": period.first, "after": period.after},
        ).one()
        assert row.cases > 200, period
        assert row.missing > 5, period
        assert row.late > 5, period
