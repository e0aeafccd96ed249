"""Places that go on the list by hand, and reading the list."""

from __future__ import annotations

import threading
from datetime import date

import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from gis.errors import Conflict, ParameterError
from gis.listing_by_hand import HandMade, list_by_hand
from gis.listing_reads import read_listing
from gis.rules.periods import parse_period
from gis.store.database import transaction
from tests.db.listed.conftest import NOW, PERIOD, at, rows, walk
from tests.town import slanted

# -- by hand -----------------------------------------------------------------------------------------------------------


def test_a_segment_by_hand(conn: Connection) -> None:
    conn.execute(
        text(
            "UPDATE listings SET state = 'delisted', verified_at = now(), hold_until = now(), verifier = 'x',"
            " submitted_on = now()"
        )
    )
    listing_id = list_by_hand(conn, HandMade("mayor", "a walk", "R000003", period=PERIOD, at=at(14)), NOW)
    listing = read_listing(conn, listing_id, date(2016, 6, 14))
    assert (listing["state"], listing["rank"], listing["proposal"]) == ("listed", None, None)
    by_rule = next(row for row in rows(conn) if row["code"] == "R000003" and row["id"] != listing_id)
    for name in ("reports", "weighted", "score", "length_m", "lon", "lat", "street_code", "responsible"):
        assert listing[name] == by_rule[name], name
    assert listing["history"][0]["reason"] == "a walk"
    with pytest.raises(Conflict, match=f"on the list already, as listing {listing_id}"):
        list_by_hand(conn, HandMade("mayor", "a walk", "R000003", at=at(14)), NOW)


def test_a_spot_by_hand_stands_for_what_is_within_reach(conn: Connection) -> None:
    conn.execute(text("DELETE FROM listing_reports"))
    conn.execute(text("UPDATE listings SET ground = 'SRID=4326;MULTIPOLYGON(((0 0, 0 1, 1 1, 0 0)))'"))
    lon, lat = map(float, slanted(4.3, 6.4))
    listing_id = list_by_hand(
        conn, HandMade("mayor", "a fire", lon=lon, lat=lat, datum="wgs84", period=PERIOD, at=at(14)), NOW
    )
    near = conn.execute(
        text(
            "SELECT count(*) FROM reports WHERE day >= '2016-06-01' AND day < '2016-06-11' AND ST_Distance("
            " ST_Transform(geom, 4547), ST_Transform(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 4547)) <= 50"
        ),
        {"lon": lon, "lat": lat},
    ).scalar_one()
    listing = read_listing(conn, listing_id, date(2016, 6, 14))
    assert near > 0
    assert listing["reports"] == len(listing["reports_shown"]) == near
    with pytest.raises(Conflict, match="on the list already"):
        list_by_hand(conn, HandMade("m", "again", lon=lon + 2e-4, lat=lat, datum="wgs84", at=at(14)), NOW)


@pytest.mark.parametrize(
    ("place", "parameter"),
    [
        ({"segment": "R999"}, "segment"),
        ({"segment": "R000001", "lon": 113.6, "lat": 34.7, "datum": "wgs84"}, "segment"),
        ({"lon": 113.6, "datum": "wgs84"}, "lat"),
        ({"lon": 113.605, "lat": 34.705}, "datum"),
        ({"lon": 12.0, "lat": 34.705, "datum": "wgs84"}, "lon"),
        ({"lon": 34.7, "lat": 113.6, "datum": "wgs84"}, "lat"),
        ({"segment": "R000003", "period": parse_period("2016-06")}, "period"),
        ({"segment": "R000003", "at": at(400)}, "at"),
        ({"segment": "R000003", "reason": " "}, "reason"),
    ],
)
def test_a_place_by_hand_that_is_none(conn: Connection, place: dict, parameter: str) -> None:
    with pytest.raises(ParameterError) as refused:
        list_by_hand(conn, HandMade(**{"actor": "mayor", "reason": "why", **place}), NOW)
    assert refused.value.parameter == parameter


def test_one_place_is_listed_once_by_two_at_the_same_moment(listed: Engine) -> None:
    with transaction(listed) as conn:
        conn.execute(
            text(
                "UPDATE listings SET state = 'delisted', verified_at = now(), hold_until = now(),"
                " verifier = 'x', submitted_on = now()"
            )
        )
    answers = []

    def send() -> None:
        try:
            with transaction(listed) as conn:
                answers.append(list_by_hand(conn, HandMade("m", "why", "R000003", at=at(14)), NOW))
        except Conflict:
            answers.append(None)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in answers) == 1


# -- reading -----------------------------------------------------------------------------------------------------------


def test_filters(conn: Connection) -> None:
    every = rows(conn)
    walk(conn, every[0]["id"], ("rectify", 13, "Li"))
    assert [row["id"] for row in rows(conn, state="rectifying")] == [every[0]["id"]]
    assert len(rows(conn, state="open")) == len(every)
    assert rows(conn, state="delisted") == []
    assert {row["kind"] for row in rows(conn, kind="spot")} == {"spot"}
    assert len(rows(conn, period=parse_period("2016-06"))) == len(rows(conn, period=PERIOD)) == len(every)
    assert rows(conn, period=PERIOD.following()) == []
    of_street = rows(conn, street="410101001")
    assert of_street
    assert {row["street_code"] for row in of_street} == {"410101001"}
    placed = [row for row in every if row["street_code"]]
    assert len(rows(conn, street="410101")) == len(placed)


def test_ground_holds_what_a_listing_stands_for(conn: Connection) -> None:
    for row in rows(conn):
        ground, point = conn.execute(
            text("SELECT ST_AsBinary(ground), ST_AsBinary(geom) FROM listings WHERE id = :id"), {"id": row["id"]}
        ).one()
        shape = shapely.from_wkb(bytes(ground))
        assert shapely.covers(shape, shapely.from_wkb(bytes(point)))
        reports = read_listing(conn, row["id"], date(2016, 6, 12))["reports_shown"]
        points = shapely.points([(one["lon"], one["lat"]) for one in reports])
        # A circle is drawn with 32 sides, a quarter of a metre inside it at most.
        assert (shapely.distance(shape, points) < 3e-6).all()
