"""GET /indicators: the published week from the database, the forms, what is refused, and how fast it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, text

from api.app import CONNECTIONS
from gis.case_opening import open_case
from gis.cases import Move, record
from gis.indicators import COLUMNS, COUNTED
from gis.rules.indicators import RATES
from gis.store.database import bump_version, create_database_engine, transaction
from tests.api.conftest import open_client
from tests.api.tiny import Tiny, fill
from tests.worked import published_week

WEEK = published_week()
ASKED = {"from": "2019-04-08", "to": "2019-04-15"}
LINES = {name: one["counts"] for name, one in WEEK.items()}
WITHOUT = LINES["without_four_chaoses"]
CHAOSES = {name: LINES["all"][name] - WITHOUT[name] for name in WITHOUT}
# A category of its own for each half: cars are one of the four chaoses, manhole covers are not.
HALVES = (("event:0505", CHAOSES, "k"), ("component:0102", WITHOUT, "o"))

REPORTS = text(
    """INSERT INTO reports (source_id, source_ref, category_id, import_id, reported_at, day, cell_id, geom)
    SELECT 1, :mark || n, :category, :import_id, at, CAST(at AT TIME ZONE 'Asia/Shanghai' AS date), c.id,
        ST_PointOnSurface(c.geom)
    FROM (
        SELECT n, CASE WHEN n <= :accepted THEN timestamptz '2019-04-07T16:00Z' + interval '6 days' * n / :accepted
            ELSE timestamptz '2019-03-01' END AS at
        FROM generate_series(1, :accepted + :overdue) AS n
    ) AS r
    JOIN cells AS c ON c.id = 1 + r.n % 40"""
)
# Of the accepted ones the first are filed, of these the first are dispatched, of these the first are closed, and so on;
# what is overdue was filed a month before. The rest of the filed is inside its limit.
CASES = text(
    """INSERT INTO cases (source_id, source_ref, category_id, geom, found_at, day, state, events, limit_unit, allowed,
        clock_since, due_at, reworks, extensions, accepted_at, filed_at, dispatched_at, ended_at, on_time, last_at)
    SELECT 1, r.source_ref, r.category_id, r.geom, r.reported_at, r.day,
        CASE WHEN n <= :closed THEN 'closed' WHEN n > :accepted THEN 'filed' WHEN n <= :dispatched THEN 'dispatched'
            WHEN n <= :filed THEN 'filed' ELSE 'accepted' END,
        9, 'calendar_days', '30 days',
        CASE WHEN (n > :closed AND n <= :filed) OR n > :accepted THEN r.reported_at END,
        CASE WHEN (n > :closed AND n <= :filed) OR n > :accepted THEN r.reported_at + interval '30 days' END,
        CAST(n <= :rework AS int), CAST(n <= :extended AS int),
        r.reported_at + interval '2 min',
        CASE WHEN n <= :filed OR n > :accepted THEN r.reported_at + interval '3 min' END,
        CASE WHEN n <= :dispatched THEN r.reported_at + interval '4 min' END,
        CASE WHEN n <= :closed THEN r.reported_at + interval '8 min' END,
        CASE WHEN n <= :closed THEN n <= :on_time END, r.reported_at + interval '8 min'
    FROM reports AS r, LATERAL CAST(substr(r.source_ref, 2) AS int) AS n
    WHERE r.source_ref LIKE :mark || '%'"""
)
EVENTS = text(
    """INSERT INTO case_events (case_id, number, move, state, at, actor, due_at)
    SELECT c.id, e.number, e.move, e.state, c.found_at + make_interval(mins => e.number), 'bulk',
        CASE WHEN e.number BETWEEN 3 AND 7 THEN c.found_at + interval '30 days' END
    FROM cases AS c, LATERAL CAST(substr(c.source_ref, 2) AS int) AS n, LATERAL (VALUES
        (0, 'open', 'reported', true),
        (1, 'verify', 'verified', true),
        (2, 'accept', 'accepted', true),
        (3, 'file', 'filed', n <= :filed OR n > :accepted),
        (4, 'dispatch', 'dispatched', n <= :dispatched),
        (5, 'extend', 'dispatched', n <= :extended),
        (6, 'rework', 'dispatched', n <= :rework),
        (8, 'close', 'closed', n <= :closed)
    ) AS e (number, move, state, happened)
    WHERE e.happened AND c.source_ref LIKE :mark || '%'"""
)


def fill_week(conn: Connection) -> None:
    """Cases whose counts are those of the published week, all 60,000 of them."""
    conn.execute(text("SET LOCAL session_replication_role = replica"))  # foreign keys would be most of the work
    import_id = conn.execute(
        text("INSERT INTO imports (file_name, file_sha256, crs) VALUES ('week', '', 'wgs84') RETURNING id")
    ).scalar_one()
    categories = dict(conn.execute(text("SELECT kind || ':' || code, id FROM categories")).all())
    for category, counts, mark in HALVES:
        numbers = {**counts, "overdue": counts["due"] - counts["closed"], "mark": mark}
        conn.execute(REPORTS, {**numbers, "category": categories[category], "import_id": import_id})
        conn.execute(CASES, numbers)
        conn.execute(EVENTS, numbers)
    bump_version(conn, "reports", "cases")


@pytest.fixture(scope="module")
def week(template_url: str, make_database: Callable[..., str], facts: Tiny) -> Iterator[TestClient]:
    """Asks the tiny city with Zhengzhou's week in it."""
    engine = create_database_engine(make_database(template_url), pool_size=CONNECTIONS)
    with transaction(engine) as conn:
        fill(conn, facts)
        fill_week(conn)
    with engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    with open_client(engine) as client:
        yield client
    engine.dispose()


def ask(client: TestClient, level: str, **more: str) -> dict:
    answer = client.get("/indicators", params={"level": level, **ASKED, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("line", "more"), [("all", {}), ("without_four_chaoses", {"exclude": "four_chaos"})], ids=lambda one: str(one)
)
def test_the_published_week_comes_out_to_the_last_digit(week: TestClient, line: str, more: dict) -> None:
    (row,) = ask(week, "city", **more)["rows"]
    published = WEEK[line]
    assert {name: row[name] for name in COUNTED} == published["counts"]
    assert {name: row[name] for name in published["rates"]} == {
        name: float(rate) for name, rate in published["rates"].items()
    }
    assert row["governance_rate"] is None


@pytest.mark.parametrize("level", ["district", "street", "cell", "category"])
def test_every_level_adds_up_to_the_city(week: TestClient, level: str) -> None:
    answer = ask(week, level)
    assert len(answer["rows"]) == {"district": 2, "street": 4, "cell": 40, "category": 2}[level]
    assert {name: sum(row[name] for row in answer["rows"]) for name in COUNTED} == LINES["all"]
    assert {name: answer["total"][name] for name in COUNTED} == LINES["all"]
    assert answer["elsewhere"]["due"] == 0
    assert answer["as_of"] == "2019-04-14T16:00:00+00:00"


def test_an_empty_street_has_zeros_and_null_rates(week: TestClient) -> None:
    row = ask(week, "street")["rows"][-1]
    assert (row["code"], row["due"]) == ("990102002", 0)
    assert {row[name] for name in RATES} == {None}


def test_filters_by_category_and_street(week: TestClient) -> None:
    (row,) = ask(week, "category", category="chaos:parking")["rows"]
    assert row["code"] == "event:0505"
    assert {name: row[name] for name in COUNTED} == CHAOSES
    some = ask(week, "cell", street="990101001")
    assert len(some["rows"]) == 16
    assert some["total"] == {name: row[name] for row in ask(week, "street")["rows"][:1] for name in some["total"]}


def test_a_period_stands_for_its_days(week: TestClient) -> None:
    whole = week.get("/indicators", params={"level": "city", "period": "2019-04-T2"}).json()
    assert (whole["from"], whole["to"]) == ("2019-04-11", "2019-04-21")
    days = {"level": "city", "from": "2019-04-11", "to": "2019-04-21"}
    assert whole == week.get("/indicators", params=days).json()


def test_csv_and_geojson(week: TestClient) -> None:
    rows = list(
        csv.DictReader(io.StringIO(week.get("/indicators", params={"level": "street", **ASKED, "f": "csv"}).text))
    )
    assert list(rows[0]) == [*COLUMNS, "synthetic"]
    assert rows[-1]["filing_rate"] == ""
    drawn = ask(week, "street", f="geojson")["features"]
    assert [one["id"] for one in drawn] == [row["code"] for row in ask(week, "street")["rows"]]
    assert all(one["geometry"]["type"] == "MultiPolygon" for one in drawn)
    assert [one["properties"]["due"] for one in drawn] == [row["due"] for row in ask(week, "street")["rows"]]
    answer = week.get(
        "/indicators", params={"level": "department", **ASKED}, headers={"Accept": "application/geo+json"}
    )
    assert (answer.status_code, answer.json()["parameter"]) == (400, "f")


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"level": "house", **ASKED}, "level"),
        ({"level": "community", **ASKED}, "level"),  # the tiny city passes communities over
        ({"level": "city"}, "from"),
        ({"level": "city", "from": "2019-04-08"}, "to"),
        ({"level": "city", "from": "2019-04-08", "to": "2019-04-08"}, "to"),
        ({"level": "city", "period": "2019-04-T4"}, "period"),
        ({"level": "city", "period": "2019-13"}, "period"),
        ({"level": "city", "period": "2019-04", "from": "2019-04-01"}, "period"),
        ({"level": "city", **ASKED, "exclude": "all"}, "exclude"),
        ({"level": "city", **ASKED, "department": "nobody"}, "department"),
        ({"level": "city", **ASKED, "street": "nowhere"}, "street"),
        ({"level": "city", **ASKED, "category": "nothing"}, "category"),
        ({"level": "city", **ASKED, "levle": "x"}, "levle"),
    ],
)
def test_what_is_wrong_is_named(week: TestClient, wrong: dict, parameter: str) -> None:
    answer = week.get("/indicators", params=wrong)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter), answer.text


def test_the_first_and_the_last_day_there_are(week: TestClient) -> None:
    for days in ({"from": "0001-01-01", "to": "0001-01-02"}, {"from": "0001-01-01", "to": "9999-12-31"}):
        assert week.get("/indicators", params={"level": "city", **days}).status_code == 200


def test_an_answer_about_a_window_that_is_over_is_kept_until_cases_change(own_client: TestClient, own_engine) -> None:
    asked = {"level": "street", "from": "2016-05-01", "to": "2016-06-01"}
    first = own_client.get("/indicators", params=asked)
    tag = {"If-None-Match": first.headers["etag"]}
    assert own_client.get("/indicators", params=asked, headers=tag).status_code == 304
    assert own_client.get("/indicators", params={**asked, "f": "csv"}, headers=tag).status_code == 200
    opened = datetime(2016, 5, 30, tzinfo=UTC)
    with transaction(own_engine) as conn:
        case_id, _ = open_case(conn, "patrol", _a_ref(conn, "patrol"), "centre", datetime.now(UTC), opened)
        for number, move in enumerate(("verify", "accept")):
            record(conn, case_id, Move(move, "centre", opened + timedelta(minutes=number)), datetime.now(UTC))
    again = own_client.get("/indicators", params=asked, headers=tag)
    assert again.status_code == 200
    assert (first.json()["total"]["accepted"], again.json()["total"]["accepted"]) == (0, 1)


def test_an_answer_about_a_window_that_goes_on_is_not_kept(own_client: TestClient) -> None:
    today = datetime.now(UTC).date()
    asked = {"level": "street", "from": str(today - timedelta(days=9)), "to": str(today + timedelta(days=2))}
    answer = own_client.get("/indicators", params=asked)
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert abs(datetime.fromisoformat(answer.json()["as_of"]) - datetime.now(UTC)) < timedelta(minutes=1)


def _a_ref(conn: Connection, source: str) -> str:
    named = "SELECT r.source_ref FROM reports r JOIN sources s ON s.id = r.source_id WHERE s.name = :source ORDER BY 1"
    return str(conn.execute(text(named + " LIMIT 1"), {"source": source}).scalar_one())
