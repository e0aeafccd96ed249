"""What is under way in the tiny city: cases, listed places, special operations, facilities, measures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

from gis.case_opening import open_cases
from gis.case_reads import CaseQuery, list_cases, reports_without_case
from gis.cases import Move
from gis.cases import record as record_case
from gis.city import read_city
from gis.draw_file import sha256
from gis.draws import make_draw, reveal_draw
from gis.dust_result_rows import Weighing
from gis.dust_results import add_result
from gis.ground import load_ground
from gis.listing_by_hand import HandMade, list_by_hand
from gis.listings import propose, record
from gis.patrol_one import add_pass
from gis.rules.periods import parse_period
from gis.standings import draft
from gis.standings import publish as publish_standing
from gis.store.database import bump_version

AWKWARD = 'it\'s "100 %" of_all\ta\nline \\ 第1号 ŝ'
SEED = "d057" * 16
FORUM = (
    "MULTIPOLYGON (((113.6015 34.701, 113.606 34.7005, 113.6065 34.7035, 113.602 34.7032, 113.6015 34.701),"
    " (113.603 34.7015, 113.603 34.7025, 113.604 34.7025, 113.603 34.7015)),"
    " ((113.61 34.701, 113.611 34.701, 113.611 34.702, 113.61 34.701)))"
)
CORNER = "POLYGON ((113.614 34.7, 113.6145 34.7, 113.6145 34.7005, 113.614 34.7))"
TOWN = "POLYGON ((113.599 34.699, 113.617 34.699, 113.617 34.705, 113.599 34.705, 113.599 34.699))"


def put_under_way(conn: Connection) -> None:
    """All of it."""
    open_some_cases(conn)
    list_some_places(conn)
    proclaim_operations(conn)
    build_some(conn)
    draw_and_weigh(conn)
    publish_some_standings(conn)
    add_pass(conn, "R1", "2016-05-03T08:00:00", "patrol car 7", datetime(2016, 5, 4, tzinfo=UTC))


def build_some(conn: Connection) -> None:
    """Facilities and measures: points, lines and polygons, some of them gone, some without cost or capacity."""
    for code, name, capacity, valid, wkt in (
        ("P1", AWKWARD, 40, "[2016-01-01,)", "POINT (113.602 34.702)"),
        ("P2", "厕所", None, "[2016-03-01,2016-05-11)", "POINT (113.609 34.7035)"),
    ):
        conn.execute(
            text(
                "INSERT INTO facilities (code, kind, name, capacity, valid, geom)"
                " VALUES (:code, 'parking_place', :name, :capacity, CAST(:valid AS daterange),"
                " ST_GeomFromText(:wkt, 4326))"
            ),
            {"code": code, "name": name, "capacity": capacity, "valid": valid, "wkt": wkt},
        )
    for ref, name, cost, valid, wkt in (
        ("M1", AWKWARD, 86_000, "[2016-05-11,)", "MULTILINESTRING ((113.601 34.7015, 113.605 34.7015))"),
        ("M2", "绿地", None, "[2016-04-01,2016-05-21)", CORNER.replace("POLYGON ", "MULTIPOLYGON (") + ")"),
        ("M3", "桩", 900, "[2016-05-01,)", "POINT (113.604 34.703)"),
    ):
        conn.execute(
            text(
                "INSERT INTO measures (ref, kind, name, cost_yuan, valid, begun, geom) VALUES (:ref, 'barrier', :name,"
                " :cost, CAST(:valid AS daterange), lower(CAST(:valid AS daterange)) - 5, ST_GeomFromText(:wkt, 4326))"
            ),
            {"ref": ref, "name": name, "cost": cost, "valid": valid, "wkt": wkt},
        )
    bump_version(conn, "facilities", "measures")


def draw_and_weigh(conn: Connection) -> None:
    """Two dust draws: one revealed, some of its points weighed, one only committed."""
    for month, revealed in ((5, True), (6, False)):
        period = parse_period(f"2016-{month:02}-T1")
        make_draw(conn, period, sha256(SEED), "office", datetime(2016, 4, 20, tzinfo=UTC))
        if revealed:
            reveal_draw(conn, period, SEED, "office", datetime(2016, 5, 1, tzinfo=UTC))
    for point, grams in enumerate(("9.5", "12", "10.125", "11"), 1):
        one = Weighing(f"2016-05-T1-001-{point}", grams, f"2016-05-0{point}", AWKWARD.replace("\t", "").split("\n")[0])
        add_result(conn, one, datetime(2016, 5, 20, tzinfo=UTC))


def proclaim_operations(conn: Connection) -> None:
    """Special operations: one with a hole and a second part, one without an English name, one long ago."""
    for code, name, name_en, valid, wkt in (
        ("FORUM", AWKWARD, "Forum", "[2016-05-04T10:00Z,2016-05-11T22:00Z)", FORUM),
        ("HAZE", "应急", None, "[2016-05-08T16:00Z,2016-05-09T16:00Z)", TOWN),
        ("OLD", "旧事", "Old", "[2010-01-01T00:00Z,2010-01-02T00:00Z)", CORNER),
    ):
        conn.execute(
            text(
                "INSERT INTO special_operations (code, name, name_en, valid, geom) VALUES (:code, :name, :name_en,"
                " CAST(:valid AS tstzrange), ST_Multi(ST_GeomFromText(:wkt, 4326)))"
            ),
            {"code": code, "name": name, "name_en": name_en, "valid": valid, "wkt": wkt},
        )
    bump_version(conn, "operations")


def publish_some_standings(conn: Connection) -> None:
    """Two ten-day periods, one of them corrected."""
    city, ground = read_city(conn), load_ground(conn)
    now = datetime(2016, 7, 1, tzinfo=UTC)
    for name, reason in (("2016-05-T1", None), ("2016-05-T2", None), ("2016-05-T2", "a case was void")):
        period = parse_period(name)
        draft(conn, ground, period, "office", now, reason)
        publish_standing(conn, city, period, "office", now)


def list_some_places(conn: Connection) -> None:
    """Listings in several states: proposed, dismissed, on the list, one of them by hand, one delisted."""
    ids = propose(conn, parse_period("2016-05-T1"), "office", datetime(2016, 5, 12, tzinfo=UTC)).ids
    now = datetime(2016, 7, 1, tzinfo=UTC)
    way = (("list", "office"), ("rectify", "Li"), ("submit", "Li"), ("verify", "Wang"), ("delist", "office"))
    record(conn, ids[-1], "dismiss", "office", now, now, "no place of its own")
    for number, one in enumerate(ids[:-1]):
        for step, (move, actor) in enumerate(way[: (number * 2) % 6]):
            day = 13 + step if step < 4 else 29
            record(conn, one, move, actor, now, datetime(2016, 5, day, tzinfo=UTC))
    place = HandMade("mayor", "a walk", lon=113.6105, lat=34.7025, datum="wgs84", at=datetime(2016, 5, 12, tzinfo=UTC))
    list_by_hand(conn, place, now)


def open_some_cases(conn: Connection) -> None:
    """Cases in several states: a few closed, one void, the others on their way."""
    conn.execute(text("INSERT INTO departments (code, name) VALUES ('CG', '城管局')"))
    now = datetime(2016, 6, 1, tzinfo=UTC)
    open_cases(conn, reports_without_case(conn, date(2016, 5, 1), date(2016, 5, 8)), "centre", now)
    way = ("verify", "accept", "file", "dispatch", "handle", "check", "close")
    for row in list_cases(conn, CaseQuery()):
        if row["id"] % 9 == 0:
            for minutes, move in ((9, "arrive"), (11, "fail"), (19, "enforce")):
                record_case(conn, row["id"], Move(move, "P", row["found_at"] + timedelta(minutes=minutes)), now)
        for step in range(row["id"] % (len(way) + 1)):
            at = now - timedelta(minutes=30 - step)
            record_case(conn, row["id"], Move(way[step], "centre", at, department="CG" if step == 3 else None), now)
