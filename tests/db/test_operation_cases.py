"""Cases, indicators, double ten and listings of a special operation alone, counted again from what lies inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from sqlalchemy import Connection, text

from gis.case_reads import CaseQuery, list_cases
from gis.ground import load_ground
from gis.indicators import IndicatorQuery, indicators
from gis.listing_reads import ListingQuery, list_listings
from gis.listings import propose, record
from gis.operation_summary import operation_summary
from gis.operations import Inside, inside
from gis.response import COUNTED, ResponseQuery
from gis.rules.indicators import summed
from gis.rules.periods import parse_period
from gis.store.database import create_database_engine
from tests.case_histories import ZONE, History, make_histories
from tests.db.test_indicators import LONG_AFTER, counted
from tests.db.test_response import judged
from tests.db.test_response import rows_of as response_rows
from tests.town import build_town, slanted, some_rows, take_in, write_csv

EDGE = shapely.Polygon(slanted([1.3, 8.2, 7.4, 0.6], [0.8, 2.1, 9.3, 8.4]))
BEGINS, ENDS = datetime(2016, 5, 28, 15, tzinfo=ZONE), datetime(2016, 6, 19, 7, 30, tzinfo=ZONE)
ROWS = some_rows(900, seed=8)


@pytest.fixture(scope="module")
def town_with_cases(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Connection, list[History]]]:
    """The town with some hundred cases of every fate, and an operation; only read."""
    engine = create_database_engine(make_database(template_url))
    with engine.connect() as conn:
        build_town(conn)
        conn.execute(text("INSERT INTO persons (ref, name) VALUES ('P1', '甲'), ('P2', '乙')"))
        take_in(conn, write_csv(tmp_path_factory.mktemp("town") / "r.csv", ROWS), source_kind="patrol")
        conn.execute(
            text(
                "INSERT INTO special_operations (code, name, valid, geom) SELECT code, code,"
                " tstzrange(begins, :ends), ST_Multi(ST_GeomFromWKB(:wkb, 4326))"
                " FROM (VALUES ('OP', CAST(:begins AS timestamptz)), ('LATE', CAST(:late AS timestamptz)))"
                " AS two (code, begins)"
            ),
            {"begins": BEGINS, "late": BEGINS + timedelta(days=9), "ends": ENDS, "wkb": EDGE.wkb},
        )
        yield conn, make_histories(conn, 6, datetime(2016, 8, 1, tzinfo=UTC))
    engine.dispose()


POINTS = {row[0]: shapely.Point(float(row[1]), float(row[2])) for row in ROWS}


def of_place(histories: list[History]) -> list[History]:
    return [one for one in histories if EDGE.covers(POINTS[one.report["source_ref"]])]


def found_inside(histories: list[History], within: Inside) -> list[History]:
    return [one for one in of_place(histories) if within.from_at <= one.found_at < within.to_at]


def some_insides(conn: Connection) -> list[Inside]:
    """The whole operation, its first day, and some days of it."""
    days = [datetime(2016, month, day, tzinfo=ZONE).date() for month, day in ((5, 29), (6, 2), (6, 10))]
    return [inside(conn, "OP"), inside(conn, "OP", None, days[0]), inside(conn, "OP", days[1], days[2])]


def test_cases_inside(town_with_cases: tuple[Connection, list[History]]) -> None:
    conn, histories = town_with_cases
    for within in some_insides(conn):
        listed = list_cases(conn, CaseQuery(operation=within, limit=10_000))
        wanted = {one.id for one in found_inside(histories, within)}
        assert {row["id"] for row in listed} == wanted
        assert wanted
    closed = list_cases(conn, CaseQuery(("closed",), operation=some_insides(conn)[0], limit=10_000))
    assert {row["id"] for row in closed} == {
        one.id for one in found_inside(histories, some_insides(conn)[0]) if one.case.state == "closed"
    }


def test_the_summary_says_the_same(town_with_cases: tuple[Connection, list[History]]) -> None:
    conn, histories = town_with_cases
    at = datetime(2017, 1, 1, tzinfo=UTC)
    within = inside(conn, "OP")
    summary = operation_summary(conn, load_ground(conn), "OP", at)
    there = found_inside(histories, within)
    cases = [one.case for one in there]
    assert summary["cases"] == {
        "found": len(cases),
        "open": sum(case.ended_at is None for case in cases),
        "closed": sum(case.state == "closed" for case in cases),
        "on_time": sum(bool(case.on_time) for case in cases),
        "void": sum(case.state == "void" for case in cases),
    }
    (wanted,) = judged(conn, there, "city", at, (1, 2), (within.from_day, within.to_day)).values()
    assert {name: summary["response"][name] for name in COUNTED} == {name: wanted[name] for name in COUNTED}
    assert summary["patrols"]["passes"] == 0
    assert summary["patrols"]["coverage"] == 0  # nobody went there: not surveyed, and so not clean


def test_indicators_inside(town_with_cases: tuple[Connection, list[History]]) -> None:
    """What happened in the window to the cases inside, wherever in time these were found."""
    conn, histories = town_with_cases
    ground = load_ground(conn)
    for within in some_insides(conn):
        query = IndicatorQuery(within.from_day, within.to_day, operation=within)
        for level in ("city", "street", "category"):
            table = indicators(conn, ground, level, query, LONG_AFTER)
            found = summed(table.counts.values())
            assert found == summed(counted(one, within.from_at, within.to_at) for one in of_place(histories))
    assert found.filed > 0


def test_double_ten_inside(town_with_cases: tuple[Connection, list[History]]) -> None:
    conn, histories = town_with_cases
    at = datetime(2017, 1, 1, tzinfo=UTC)
    for within in some_insides(conn):
        days = (within.from_day, within.to_day)
        for level in ("city", "street", "person", "hour"):
            wanted = judged(conn, found_inside(histories, within), level, at, (1, 2), days)
            query = ResponseQuery(*days, operation=within)
            assert response_rows(conn, level, query, at).keys() == wanted.keys()
            assert response_rows(conn, level, query, at) == wanted


def test_listings_inside(town_with_cases: tuple[Connection, list[History]]) -> None:
    """A place that was on the list at some time of the operation, or was proposed for a period that it meets."""
    conn, _ = town_with_cases
    now = datetime(2016, 9, 1, tzinfo=UTC)
    early, meets, after = "2016-05-T3", "2016-06-T2", "2016-06-T3"
    ids = {}
    for period in (early, meets, after):
        proposal = parse_period(period)
        ids[period] = propose(conn, proposal, "office", datetime.combine(proposal.after, datetime.min.time(), UTC)).ids
    listed: dict[int, tuple[datetime, datetime | None]] = {}
    for number, one in enumerate(ids[early]):
        # Before the operation and on to it, before it only, into it, after it.
        begun = datetime(2016, 6, 25, 4, tzinfo=UTC) if number % 4 == 3 else datetime(2016, 6, 1, 4, tzinfo=UTC)
        end = {1: datetime(2016, 6, 3, 4, tzinfo=UTC), 2: datetime(2016, 6, 10, 4, tzinfo=UTC)}.get(number % 4)
        record(conn, one, "list", "office", now, begun)
        listed[one] = (begun, end)
        if end is not None:
            for hour, (move, actor) in enumerate((("rectify", "Li"), ("submit", "Li"), ("verify", "Wang")), 5):
                record(conn, one, move, actor, now, begun.replace(hour=hour))
            # The command would not let it go where new problems came; here only the time counts.
            conn.execute(
                text("UPDATE listings SET state = 'delisted', at = :end WHERE id = :id"), {"id": one, "end": end}
            )
    within = inside(conn, "LATE")
    points = {row["id"]: row for row in list_listings(conn, ListingQuery(), now.date())}
    wanted = set()
    for period, of_period in ids.items():
        first, last = parse_period(period).first, parse_period(period).after
        for one in of_period:
            there = EDGE.covers(shapely.Point(points[one]["lon"], points[one]["lat"]))
            if one in listed:
                begun, end = listed[one]
                in_time = begun < within.to_at and (end is None or end >= within.from_at)
            else:
                in_time = first < within.to_day and within.from_day < last
            if there and in_time:
                wanted.add(one)
    shown = {row["id"] for row in list_listings(conn, ListingQuery(operation=within), now.date())}
    assert shown == wanted
    assert wanted & set(listed)
    assert set(listed) - wanted
    assert not wanted & set(ids[after])
    assert wanted & set(ids[meets])
