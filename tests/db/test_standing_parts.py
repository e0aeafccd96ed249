"""What the media add to a standing, and what a month is made of."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gis.errors import Conflict
from gis.ground import load_ground
from gis.media import load_media
from gis.rules.periods import parse_period
from gis.standing_chain import verify_chain
from gis.standing_reads import opened, read_standing
from gis.standings import draft
from gis.store.database import transaction
from tests.api.conftest import facts, standing_engine, standing_url, tiny_url
from tests.db.test_standings import city, put_out
from tests.standing_city import NOW, T1, T2, T3

__all__ = ["city", "facts", "standing_engine", "standing_url", "tiny_url"]


def test_what_the_media_named_costs_twice_and_what_nobody_reported_costs_by_itself(
    city: Engine, tmp_path: Path
) -> None:
    with city.begin() as conn:
        named = conn.execute(
            text(
                "SELECT s.name, r.source_ref, a.code FROM reports r JOIN sources s ON s.id = r.source_id"
                " JOIN cells z ON z.id = r.cell_id JOIN areas a ON a.id = z.area_id WHERE r.day = '2016-05-02'"
                " AND s.kind <> 'media' AND NOT EXISTS (SELECT FROM case_reports b WHERE b.source_ref = r.source_ref)"
                " ORDER BY r.source_ref LIMIT 1"
            )
        ).one()
    put_out(city, T1)
    path = tmp_path / "media.csv"
    path.write_text(
        "ref,day,outlet,title,tone,incident,area_code,category,source,source_ref\n"
        f"m1,2016-05-03,news,a,exposure,one,,,{named.name},{named.source_ref}\n"
        f"m2,2016-05-04,news,b,exposure,two,{named.code},event:0102,,\n"
        f"m3,2016-05-05,paper,b,exposure,two,{named.code},event:0102,,\n"
        f"m4,2016-05-06,paper,c,positive,,{named.code},,,\n"
    )
    with city.begin() as conn:
        load_media(conn, path)
    put_out(city, T1, "the papers came late")
    with city.connect() as conn:
        before, after = (read_standing(conn, "street", parse_period(T1), number) for number in (1, 2))
        causes = [
            {one["source_ref"]: one for one in opened(each, named.code).causes if one["kind"] == "problem"}
            for each in (before, after)
        ]
        own = opened(after, named.code).causes
    first, second = (each[named.source_ref] for each in causes)
    assert (first["exposed"], second["exposed"]) == (False, True)
    assert second["points"] == 2 * first["points"]
    assert [(one["incident"], one["ref"], one["points"]) for one in own if one["kind"] == "media"] == [
        ("two", "m2", Decimal("0.2"))
    ]
    assert after.row(named.code)["deduction"] == before.row(named.code)["deduction"] + first["points"] + Decimal("0.2")


def test_a_month_pools_its_three_periods_by_points_per_km2_and_day(city: Engine) -> None:
    month = parse_period("2016-05")
    with pytest.raises(Conflict, match="2016-05-T1 was not published"), transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), month, "office", NOW)
    for name in (T1, T2, T3, "2016-05"):
        put_out(city, name)
    with city.connect() as conn:
        districts = {row["code"]: row for row in read_standing(conn, "district", month).rows}
        for code, row in districts.items():
            streets = [
                (one, period.days)
                for name in (T1, T2, T3)
                for period in [parse_period(name)]
                for one in read_standing(conn, "street", period).rows
                if one["code"].startswith(code)
            ]
            points = sum((one["deduction"] for one, _ in streets), Decimal(0))
            exposure = sum((one["area_km2"] * days for one, days in streets), Decimal(0))
            assert row["deduction"] == points
            assert abs(row["area_km2"] - exposure / month.days) <= Decimal("0.00000001")
            assert row["density"] == (points / exposure).quantize(Decimal("0.000001"))
        parts = opened(read_standing(conn, "district", month), "990101").causes
        assert {part["period"] for part in parts} == {T1, T2, T3}
        assert not any(link.problems for link in verify_chain(conn))
