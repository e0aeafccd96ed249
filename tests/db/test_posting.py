"""Proposals of posts from PostGIS: cities with communities, cities of districts only, retired streets, the policy."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gis.city import City, define_city
from gis.ground import load_ground
from gis.posting import propose
from gis.proposal import PostingQuery
from gis.rules.policy import POLICIES
from tests.api.tiny import CATEGORIES, CITY, fill, tiny_facts
from tests.town import take_in, write_csv

QUERY = PostingQuery(date(2016, 5, 1), date(2016, 6, 1), on=date(2016, 5, 5))


def add_categories(conn: Connection) -> None:
    conn.execute(
        text(
            "INSERT INTO categories (standard_ref, kind, code, name, name_en, chaos)"
            " VALUES ('t', :kind, :code, :name, :name_en, :chaos)"
        ),
        [dict(zip(("kind", "code", "name", "name_en", "chaos"), row, strict=True)) for row in CATEGORIES],
    )


def report_at(conn: Connection, folder: Path, points: list[tuple[float, float]]) -> None:
    rows = [(f"p{n}", repr(lon), repr(lat), "2016-05-08T10:00", "0501") for n, (lon, lat) in enumerate(points)]
    take_in(conn, write_csv(folder / "points.csv", rows))


def test_what_happens_in_communities_counts_for_their_street(
    conn: Connection, small_city: City, tmp_path: Path
) -> None:
    add_categories(conn)
    conn.execute(
        text(
            "INSERT INTO cells (code, area_id, tier, surveyed, geom)"
            " SELECT code || '001', id, CASE code WHEN '410102001001' THEN 'key' ELSE 'general' END, true, geom"
            " FROM areas WHERE level = 'community'"
        )
    )
    conn.execute(
        text(
            "INSERT INTO coordinators (ref, name, area_id, tier, on_post) SELECT code, code, id, 'key', '[2016-01-01,)'"
            " FROM areas WHERE code IN ('410102001001', '410102001')"
        )
    )
    points = [(113.605, 34.705)] * 9 + [(113.615, 34.705)] * 5 + [(113.625, 34.705)] * 2 + [(113.635, 34.705)] * 4
    report_at(conn, tmp_path, points)
    found = propose(conn, load_ground(conn), dataclasses.replace(QUERY, people=80))
    assert {(row.row.code, row.post.tier): (row.problems, row.post.on_post) for row in found.rows} == {
        ("410102001", "key"): (9, 2),
        ("410102001", "general"): (5, 0),
        ("410102002", "general"): (6, 0),
    }
    assert {row.post.district for row in found.rows} == {"410102"}
    assert found.feasible
    assert sum(row.proposed for row in found.rows) == 80


def test_a_city_of_districts_only(conn: Connection, tmp_path: Path) -> None:
    define_city(conn, dataclasses.replace(CITY, slug="flat", levels=(("district", 2), ("cell", 3))))
    add_categories(conn)
    for number, west in enumerate((113.6, 113.601), start=1):
        square = f"ST_Multi(ST_MakeEnvelope({west}, 34.7, {west + 0.001}, 34.701, 4326))"
        conn.execute(
            text(f"INSERT INTO areas (level, code, name, geom) VALUES ('district', '99010{number}', 'D', {square})")
        )
        conn.execute(
            text(
                f"INSERT INTO cells (code, area_id, surveyed, geom) SELECT code || '001', id, true, {square}"
                f" FROM areas WHERE code = '99010{number}'"
            )
        )
    report_at(conn, tmp_path, [(113.6005, 34.7005)] * 3 + [(113.6015, 34.7005)] * 9)
    found = propose(conn, load_ground(conn), dataclasses.replace(QUERY, people=8))
    assert found.level == "district"
    assert [(row.row.code, row.problems, row.proposed) for row in found.rows] == [("990101", 3, 2), ("990102", 9, 6)]
    short = propose(conn, load_ground(conn), dataclasses.replace(QUERY, people=1))
    assert [one["missing"] for one in short.breaks_by_district()] == [1]


def test_people_of_a_retired_street_are_posted_elsewhere(conn: Connection) -> None:
    fill(conn, tiny_facts())
    conn.execute(text("UPDATE areas SET retired_at = now() WHERE code = '990102002'"))
    found = propose(conn, load_ground(conn), QUERY)
    last = found.rows[-1]
    assert (last.row.code, last.post.on_post, last.proposed) == ("990102002", 1, 0)
    assert last.post.district is None
    assert "there is nothing to look after" in last.reason
    assert found.people == 4


def test_what_a_move_must_gain_is_the_policys(
    conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn, tiny_facts())
    report_at(conn, tmp_path, [(113.6005, 34.7005)] * 30)

    def leavers() -> int:
        found = propose(conn, load_ground(conn), dataclasses.replace(QUERY, people=200))
        return sum(one.people for one in found.moves if one.from_post)

    assert leavers() == 1  # who stood where there are no cells
    dear = dataclasses.replace(POLICIES[0], posting_move_gain=1000.0)
    monkeypatch.setattr("gis.posting.city_policy", lambda *_: dear)
    assert leavers() == 0
