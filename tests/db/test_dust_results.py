"""Weighing results: in whole or not at all, kept as they were written, and what they make of each road."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import shapely
from sqlalchemy import Connection, text

from fixtures.synth_dust import play_dust
from gis import dust
from gis.city import City
from gis.draw_file import sha256
from gis.draw_reads import draw_points, list_draws, verify_draw
from gis.draws import make_draw, reveal_draw
from gis.dust import dust_facts, weighed_roads
from gis.dust_result_rows import Weighing
from gis.dust_results import add_result, import_results
from gis.errors import FileError, InputError, RowsRefused
from gis.roads import load_roads
from gis.rules.periods import parse_period
from gis.rules.policy import policy_on
from gis.store.database import versions

PERIOD = parse_period("2016-06-T1")
SEED = "ab" * 32
NOW = datetime(2016, 6, 20, tzinfo=UTC)
HEADER = "point,g_per_m2,weighed_on,weighed_by"


@pytest.fixture
def drawn(conn: Connection, small_city: City, write_geojson: Callable[..., Path]) -> Connection:
    """Six roads in two streets and outside, all drawn for 2016-06-T1, revealed on 2 June."""
    rows = [
        (shapely.LineString([(x, 34.702), (x, 34.706)]), {"code": code, "class": road_class, "name": f"{code}路"})
        for code, road_class, x in (
            ("A", "ring", 113.605),
            ("B", "trunk", 113.608),
            ("C", "main", 113.612),
            ("D", "branch", 113.625),
            ("E", "back_street", 113.635),
            ("F", "main", 113.66),
        )
    ]
    load_roads(conn, write_geojson("roads.geojson", *rows), "wgs84")
    make_draw(conn, PERIOD, sha256(SEED), "office", datetime(2016, 5, 20, tzinfo=UTC))
    reveal_draw(conn, PERIOD, SEED, "office", datetime(2016, 6, 2, tzinfo=UTC))
    return conn


def number_of(conn: Connection, code: str) -> int:
    return next(row["number"] for row in weighed_roads(conn, PERIOD) if row["code"] == code)


def weigh(conn: Connection, code: str, *grams: str) -> None:
    """Results of the first points of a road, one by one."""
    number = number_of(conn, code)
    for point, value in enumerate(grams, 1):
        add_result(conn, Weighing(f"2016-06-T1-{number:03}-{point}", value, "2016-06-03", "team 1"), NOW)


def refused(conn: Connection, path: Path, **options) -> str:
    before = versions(conn)
    with pytest.raises(RowsRefused) as caught:
        import_results(conn, path, NOW, **options)
    assert versions(conn) == before
    assert conn.execute(text("SELECT count(*) FROM dust_results")).scalar() == 0
    return str(caught.value)


def test_the_sheet_of_points_is_the_form_that_is_filled_in(drawn: Connection, write_csv: Callable[..., Path]) -> None:
    points = draw_points(drawn, PERIOD)
    lines = ["point,name,g_per_m2,weighed_on,weighed_by"]
    lines += [f"{row['point']},{row['name']},{6 + at % 3}.5,2016-06-05,team 2" for at, row in enumerate(points[:25])]
    lines += [f"{row['point']},{row['name']},,," for row in points[25:]]
    path = write_csv("form.csv", *lines)
    before = versions(drawn)["dust"]
    summary = import_results(drawn, path, NOW)
    assert (summary.read, summary.added, summary.empty, summary.unchanged) == (30, 25, 5, 0)
    assert versions(drawn)["dust"] == before + 1
    again = import_results(drawn, path, NOW)
    assert (again.added, again.unchanged, again.empty, again.corrected) == (0, 25, 5, 0)
    assert versions(drawn)["dust"] == before + 1
    assert list_draws(drawn)[0]["weighed_points"] == 25
    stored = draw_points(drawn, PERIOD)
    assert stored[1]["g_per_m2"] == Decimal("7.5")
    assert stored[1]["weighed_by"] == "team 2"
    assert stored[29]["g_per_m2"] is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("X,6,2016-06-03,t", "the point 'X' is none; 2016-06-T1-017-3 is"),
        (",6,2016-06-03,t", "the point '' is none"),
        ("2016-06-T2-001-1,6,2016-06-12,t", "there is no dust draw for 2016-06-T2"),
        ("2016-06-T1-007-1,6,2016-06-03,t", "has no point 2016-06-T1-007-1"),
        ("2016-06-T1-001-6,6,2016-06-03,t", "has no point 2016-06-T1-001-6"),
        ("2016-06-T1-001-1,-6,2016-06-03,t", "the weight '-6' is none"),
        ("2016-06-T1-001-1,6.1234,2016-06-03,t", "the weight '6.1234' is none"),
        ("2016-06-T1-001-1,1e2,2016-06-03,t", "the weight '1e2' is none"),
        ("2016-06-T1-001-1,６,2016-06-03,t", "the weight '６' is none"),
        ("2016-06-T1-001-1,NaN,2016-06-03,t", "the weight 'NaN' is none"),
        ("2016-06-T1-001-1,6,2016-06-31,t", "weighed_on '2016-06-31' is no day"),
        ("2016-06-T1-001-1,6,,t", "weighed_on '' is no day"),
        ("2016-06-T1-001-1,6,2016-06-01,t", "known from 2016-06-02 on"),
        ("2016-06-T1-001-1,6,2016-06-11,t", "2016-06-11 is no longer of it"),
        ("2016-06-T1-001-1,6,2016-06-03,", "weighed_by is empty"),
    ],
)
def test_a_row_that_cannot_go_in_is_named(
    drawn: Connection, write_csv: Callable[..., Path], row: str, said: str
) -> None:
    found = refused(drawn, write_csv("results.csv", HEADER, "2016-06-T1-002-1,6,2016-06-03,t", row))
    assert "row 2" in found
    assert said in found


def test_a_result_of_tomorrow_is_refused(drawn: Connection) -> None:
    one = Weighing("2016-06-T1-001-1", "6", "2016-06-05", "t")
    with pytest.raises(InputError, match="lies in the future"):
        add_result(drawn, one, datetime(2016, 6, 4, 15, 59, tzinfo=UTC))
    assert add_result(drawn, one, datetime(2016, 6, 4, 16, tzinfo=UTC)).added == 1


def test_a_point_twice_in_a_file_is_refused(drawn: Connection, write_csv: Callable[..., Path]) -> None:
    rows = ["2016-06-T1-001-1,6,2016-06-03,t", "2016-06-T1-1-1,7,2016-06-03,t"]
    assert "stands in the file more than once" in refused(drawn, write_csv("results.csv", HEADER, *rows))


def test_before_the_reveal_nobody_can_have_weighed(drawn: Connection, write_csv: Callable[..., Path]) -> None:
    make_draw(drawn, PERIOD.following(), sha256(SEED), "office", datetime(2016, 5, 20, tzinfo=UTC))
    path = write_csv("results.csv", HEADER, "2016-06-T2-001-1,6,2016-06-12,t")
    assert "is not revealed" in refused(drawn, path)


def test_a_correction_needs_a_reason_and_keeps_what_was_written(
    drawn: Connection, write_csv: Callable[..., Path]
) -> None:
    first = Weighing("2016-06-T1-001-1", "61.5", "2016-06-03", "team 1")
    assert add_result(drawn, first, NOW).added == 1
    assert add_result(drawn, replace(first, g_per_m2="61.500"), NOW).unchanged == 1
    with pytest.raises(InputError, match=r"stored is 61.500 g/m2 of 2016-06-03 by team 1; a correction needs a reason"):
        add_result(drawn, replace(first, g_per_m2="6.15"), NOW)
    done = add_result(drawn, replace(first, g_per_m2="6.15", reason="a point too far"), NOW)
    assert (done.added, done.corrected) == (0, 1)
    path = write_csv("results.csv", HEADER, "2016-06-T1-001-1,6.2,2016-06-03,team 1", "2016-06-T1-001-2,7,2016-06-03,x")
    summary = import_results(drawn, path, NOW, reason="scale was off")
    assert (summary.added, summary.corrected) == (1, 1)
    rows = drawn.execute(
        text("SELECT point, revision, g_per_m2, reason, file_name FROM dust_results ORDER BY point, revision")
    ).all()
    assert [tuple(row) for row in rows] == [
        (1, 1, Decimal("61.500"), None, None),
        (1, 2, Decimal("6.150"), "a point too far", None),
        (1, 3, Decimal("6.200"), "scale was off", "results.csv"),
        (2, 1, Decimal("7.000"), None, "results.csv"),
    ]
    assert draw_points(drawn, PERIOD)[0]["g_per_m2"] == Decimal("6.2")


# -- silt load ---------------------------------------------------------------------------------------------------------


def silt_file(drawn: Connection, write_csv: Callable[..., Path], header: str = HEADER, last: str = "") -> Path:
    points = draw_points(drawn, PERIOD)[:12]
    lines = [f"{row['point']},0.{3 + at % 6},2016-06-03,t{last}" for at, row in enumerate(points)]
    return write_csv("silt.csv", header, *lines)


def test_a_file_of_silt_load_is_refused_unless_somebody_vouches(
    drawn: Connection, write_csv: Callable[..., Path]
) -> None:
    path = silt_file(drawn, write_csv)
    with pytest.raises(FileError, match=r"not above 0\.8 g/m2.*another quantity.*--swept"):
        import_results(drawn, path, NOW)
    assert import_results(drawn, path, NOW, swept=True).added == 12


def test_a_unit_or_a_column_that_says_silt_load_is_refused_always(
    drawn: Connection, write_csv: Callable[..., Path]
) -> None:
    path = silt_file(drawn, write_csv, HEADER.replace("g_per_m2", "积尘负荷"))
    with pytest.raises(FileError, match="the column '积尘负荷' is no g_per_m2: silt load"):
        import_results(drawn, path, NOW, {"g_per_m2": "积尘负荷"}, swept=True)
    found = refused(drawn, silt_file(drawn, write_csv, f"{HEADER},unit", ",g/m2 silt load"), swept=True)
    assert "the unit 'g/m2 silt load' is not g/m2: silt load" in found
    assert "the unit 'mg' is not g/m2: results are in g/m2" in refused(
        drawn, silt_file(drawn, write_csv, f"{HEADER},unit", ",mg"), swept=True
    )
    assert import_results(drawn, silt_file(drawn, write_csv, f"{HEADER},unit", ",克/平方米"), NOW, swept=True).added


def test_one_low_result_is_taken_with_a_warning(drawn: Connection) -> None:
    done = add_result(drawn, Weighing("2016-06-T1-001-1", "0.5", "2016-06-03", "t"), NOW)
    assert (done.added, len(done.warnings)) == (1, 1)
    assert add_result(drawn, Weighing("2016-06-T1-001-2", "0.9", "2016-06-03", "t"), NOW).warnings == []


# -- what a standing reads ---------------------------------------------------------------------------------------------


def test_facts_are_the_mean_the_limit_and_the_points_of_each_road(drawn: Connection) -> None:
    weigh(drawn, "A", "5", "5", "5", "5", "5.004")
    weigh(drawn, "B", "5", "5", "5", "5", "5.002")
    weigh(drawn, "C", "30", "30", "30")
    weigh(drawn, "D", "10", "11", "12", "13")
    weigh(drawn, "E", "99", "99")
    weigh(drawn, "F", "8.1", "8.1", "8.1", "8.1", "8.1")
    facts = {one.segment_code: one for one in dust_facts(drawn, PERIOD)}
    shown = {
        code: (one.street_code, one.mean_g_per_m2, one.limit_g_per_m2, one.samples, one.points)
        for code, one in facts.items()
    }
    assert shown == {
        "A": ("410102001", Decimal("5.001"), 5, 5, Decimal("0.5")),
        "B": ("410102001", Decimal("5.000"), 5, 5, 0),  # 5.0004 is 5.000 at the precision that counts
        "C": ("410102001", 30, 8, 3, 5),
        "D": ("410102002", Decimal("11.5"), 10, 4, 1),
        "F": (None, Decimal("8.1"), 8, 5, Decimal("0.5")),
    }
    assert facts["A"].road_name == "A路"
    assert facts["A"].road_class == "ring"
    assert [one.segment_code for one in dust_facts(drawn, parse_period("2016-06"))] == list(facts)
    assert dust_facts(drawn, PERIOD.following()) == []
    # E has two results of five: no value, and no points, but it is shown.
    rows = {row["code"]: row for row in weighed_roads(drawn, PERIOD)}
    assert (rows["E"]["samples"], rows["E"]["mean_g_per_m2"], rows["E"]["deduction"]) == (2, None, None)


def test_facts_as_plain_sql_has_them(drawn: Connection) -> None:
    for at, code in enumerate("ABCDEF"):
        weigh(drawn, code, *[f"{4 + 3 * at}.{point}{at}7" for point in range(3 + at % 3)])
    expected = {
        row.code: (Fraction(row.total), row.n)
        for row in drawn.execute(
            text(
                "SELECT r.code, sum(w.g_per_m2) AS total, count(*) AS n FROM dust_results w JOIN dust_roads r"
                " ON r.draw_id = w.draw_id AND r.number = w.road GROUP BY r.code"
            )
        )
    }
    facts = dust_facts(drawn, PERIOD)
    assert len(facts) == 6
    for one in facts:
        total, samples = expected[one.segment_code]
        assert one.samples == samples
        assert abs(Fraction(one.mean_g_per_m2) - total / samples) <= Fraction(1, 2000)


def test_limits_are_those_of_the_periods_first_day(drawn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    weigh(drawn, "C", "7", "7", "7")
    asked = []

    def tighter(conn: Connection, day):
        asked.append(day)
        return replace(policy_on(day), dust_limit_main_g_per_m2=6.0)

    assert dust_facts(drawn, PERIOD)[0].points == 0
    monkeypatch.setattr(dust, "city_policy", tighter)
    assert dust_facts(drawn, PERIOD)[0].points == Decimal("0.5")
    assert asked == [PERIOD.first]


def test_a_city_without_streets_gives_districts(drawn: Connection) -> None:
    weigh(drawn, "A", "9", "9", "9")
    drawn.execute(text("UPDATE road_segments SET area_id = (SELECT id FROM areas WHERE level = 'district')"))
    assert dust_facts(drawn, PERIOD)[0].street_code == "410102"


def test_the_sample_city_draws_weighs_and_can_be_repeated(
    conn: Connection, small_city: City, write_geojson: Callable[..., Path]
) -> None:
    rows = [
        (shapely.LineString([(113.601 + at / 2500, 34.702), (113.601 + at / 2500, 34.706)]), {"class": road_class})
        for at, road_class in enumerate(["main", "branch", "back_street"] * 30)
    ]
    load_roads(conn, write_geojson("roads.geojson", *rows), "wgs84")
    assert play_dust(conn) == 12
    assert play_dust(conn) == 0
    for shown in list_draws(conn):
        period = parse_period(shown["period"])
        assert verify_draw(conn, period) == []
        assert 0.9 * shown["drawn_points"] < shown["weighed_points"] < shown["drawn_points"]
        facts = dust_facts(conn, period)
        assert 0 < sum(one.points > 0 for one in facts) < len(facts)
        assert (
            shown["committed_at"].date() < shown["first_day"] <= shown["revealed_at"].astimezone(small_city.zone).date()
        )
