"""Double ten counted by the database, and judged again case by case by the rule."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from gis.ground import load_ground
from gis.response import COUNTED, NOTHING, ResponseQuery, response
from gis.response_live import LiveQuery, response_live
from gis.rules.response import Response, step
from gis.store.database import create_database_engine
from tests.case_histories import ZONE, History, make_histories
from tests.town import build_town, some_rows, take_in, write_csv

LIMIT = 600
MONTH = (date(2016, 6, 1), date(2016, 7, 1))
CHAOSES = ("event:0501", "event:0505", "event:0102")


@pytest.fixture(scope="module")
def town_with_cases(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Connection, list[History]]]:
    """The town with some hundred cases of every fate and two persons on duty; only read."""
    engine = create_database_engine(make_database(template_url))
    with engine.connect() as conn:
        build_town(conn)
        conn.execute(text("INSERT INTO persons (ref, name, phone) VALUES ('P1', '甲', '1'), ('P2', '乙', NULL)"))
        take_in(conn, write_csv(tmp_path_factory.mktemp("town") / "r.csv", some_rows(900, seed=4)))
        yield conn, make_histories(conn, 6, datetime(2016, 8, 1, tzinfo=UTC))
    engine.dispose()


def names(conn: Connection, table: str, column: str) -> dict[int, str]:
    return dict(conn.execute(text(f"SELECT id, {column} FROM {table}")).all())


def facts(history: History, chaos: bool) -> Response:
    case = history.case
    return Response(
        case.found_at,
        chaos,
        case.arrived_at,
        case.failed_at,
        case.enforced_at,
        case.ended_at,
        case.state == "void",
        case.merged_into is not None,
    )


def nearest_rank(seconds: list[float], share: float) -> float | None:
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1] if seconds else None


def judged(
    conn: Connection, histories: list[History], level: str, at: datetime, steps: tuple[int, ...], window=MONTH
) -> dict:
    """Counts by code of the row, by the rule."""
    cells, persons = names(conn, "cells", "code"), names(conn, "persons", "ref")
    kinds = names(conn, "categories", "kind || ':' || code")
    counts: dict = defaultdict(Counter)
    seconds: dict = defaultdict(list)
    for one in histories:
        if not window[0] <= one.report["day"] < window[1] or one.found_at > at:
            continue
        for number in steps:
            found = step(facts(one, kinds[one.report["category_id"]] in CHAOSES), number, at, LIMIT)
            cell = cells.get(one.report["cell_id"])
            begun = one.found_at if number == 1 else found.begun_at
            key = {
                "city": "4101",
                "street": cell and cell[:9],
                "cell": cell,
                "person": persons.get(one.person_id),
                "hour": begun and f"{begun.astimezone(ZONE):%H}",
            }[level]
            counts[key][found.verdict] += 1
            if found.seconds is not None:
                seconds[key].append(found.seconds)
    return {
        key: {name: sums[name] for name in COUNTED}
        | {"median_s": nearest_rank(seconds[key], 0.5), "p95_s": nearest_rank(seconds[key], 0.95)}
        for key, sums in counts.items()
    }


def rows_of(conn: Connection, level: str, query: ResponseQuery, at: datetime) -> dict:
    table = response(conn, load_ground(conn), level, query, at)
    found = {one.code: table.counts[one.key] for one in table.members if one.key in table.counts}
    if None in table.counts:
        found[None] = table.counts[None]
    assert len(found) == len(table.counts)
    for row in table.rows():
        of = row["on_time"] + row["late"] + row["missing"]
        assert row["rate"] == (row["on_time"] / of if of else None)
    return found


MOMENTS = [
    datetime(2016, 6, 10, 4, tzinfo=UTC),
    datetime(2016, 6, 20, 4, 7, tzinfo=UTC),
    datetime(2017, 1, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("steps", [(1,), (2,), (1, 2)])
@pytest.mark.parametrize("at", MOMENTS, ids=str)
def test_sql_judges_as_the_rule_does(town_with_cases, steps: tuple[int, ...], at: datetime) -> None:
    conn, histories = town_with_cases
    for level in ("city", "street", "cell", "person", "hour"):
        wanted = judged(conn, histories, level, at, steps)
        found = rows_of(conn, level, ResponseQuery(*MONTH, steps), at)
        assert found.keys() == wanted.keys()
        for key, counts in wanted.items():
            assert found[key] == pytest.approx(counts), (level, key)


def test_the_histories_hold_what_they_should(town_with_cases) -> None:
    """A comparison of zeros would prove nothing; and some steps take the limit to the second."""
    conn, histories = town_with_cases
    for number in (1, 2):
        total = judged(conn, histories, "city", MOMENTS[-1], (number,))["4101"]
        assert min(total[name] for name in ("on_time", "late", "not_required", "missing")) >= 5, total
    exact = [one.case for one in histories if one.case.arrived_at == one.found_at + timedelta(seconds=LIMIT)]
    assert len(exact) >= 5
    assert any(one.case.state == "void" and one.case.merged_into is None for one in histories)


def test_filters(town_with_cases) -> None:
    conn, histories = town_with_cases
    at, cells = MOMENTS[-1], names(conn, "cells", "code")
    kinds = names(conn, "categories", "kind || ':' || code")
    cars = [one for one in histories if kinds[one.report["category_id"]] == "event:0505"]
    query = ResponseQuery(*MONTH, categories=("0505",))
    assert (
        rows_of(conn, "street", query, at)["410101001"]["late"]
        == (judged(conn, cars, "street", at, (1, 2))["410101001"]["late"])
    )
    west = [one for one in histories if (cells.get(one.report["cell_id"]) or "").startswith("410101001")]
    query = ResponseQuery(*MONTH, street="410101001")
    assert {name: sum(row[name] for row in rows_of(conn, "person", query, at).values()) for name in COUNTED} == {
        name: judged(conn, west, "city", at, (1, 2))["4101"][name] for name in COUNTED
    }


def test_all_areas_and_hours_are_listed_others_where_something_is(town_with_cases) -> None:
    conn, _ = town_with_cases
    nothing = ResponseQuery(date(2001, 1, 1), date(2001, 1, 2))
    for level, rows in (("street", 2), ("hour", 24), ("city", 1), ("cell", 0), ("person", 0)):
        table = response(conn, load_ground(conn), level, nothing, MOMENTS[0])
        listed = list(table.rows())
        assert len(listed) == rows
        assert all(row["rate"] is None and row["median_s"] is None for row in listed)
        assert table.total == dict.fromkeys(COUNTED, 0) | {"rate": None}
    assert NOTHING["on_time"] == 0


# -- live --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("within_s", [60, 300, 600, 3600])
def test_the_live_list_is_what_the_rule_finds_pending_or_just_missed(town_with_cases, within_s: int) -> None:
    conn, histories = town_with_cases
    ground = load_ground(conn)
    kinds, cells = names(conn, "categories", "kind || ':' || code"), names(conn, "cells", "code")
    persons = names(conn, "persons", "ref")
    seen = 0
    instants = [one.found_at + timedelta(seconds=s) for one in histories[::30] for s in (0, 1, 299, 600, 601, 800)]
    for at in instants:
        wanted = []
        for one in histories:
            if one.found_at > at or (one.case.ended_at is not None and one.case.ended_at <= at):
                continue
            for number in (1, 2):
                found = step(facts(one, kinds[one.report["category_id"]] in CHAOSES), number, at, LIMIT)
                left = found.due_at and (found.due_at - at).total_seconds()
                if found.verdict in ("pending", "missing") and abs(left) <= within_s:
                    wanted.append((one.id, number, found.verdict, left, cells.get(one.report["cell_id"])))
        rows = response_live(conn, ground, LiveQuery(within_s), at)
        said = [tuple(row[name] for name in ("case_id", "step", "verdict", "seconds_left", "cell")) for row in rows]
        assert sorted(said) == sorted(wanted)
        left = [row["seconds_left"] for row in rows]
        assert [one for one in left if one >= 0] == sorted(one for one in left if one >= 0)
        assert left == [one for one in left if one >= 0] + sorted((one for one in left if one < 0), reverse=True)
        for row in rows:
            person = persons.get(histories[row["case_id"] - 1].person_id)
            assert (row["responsible"] or {"ref": None})["ref"] == person
        seen += len(rows)
    assert seen > 20


def test_the_live_list_can_be_narrowed(town_with_cases) -> None:
    conn, histories = town_with_cases
    ground = load_ground(conn)
    streets, categories = set(), set()
    for one in histories[::5]:
        at = one.found_at + timedelta(seconds=30)
        every = response_live(conn, ground, LiveQuery(3600), at)
        some = response_live(conn, ground, LiveQuery(3600, ("0505",), "410101001"), at)
        assert some == [row for row in every if (row["street_code"], row["category"]) == ("410101001", "event:0505")]
        streets |= {row["street_code"] for row in every}
        categories |= {row["category"] for row in some}
    assert streets == {"410101001", "410101002", None}
    assert categories == {"event:0505"}
