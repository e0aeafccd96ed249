"""Media reports and survey results: loaded strictly, counted once per incident, shown beside the problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text

from gis.errors import RowsRefused
from gis.ground import load_ground
from gis.media import exposures, load_media
from gis.media_reads import media_by_area, media_rows
from gis.rules.periods import parse_period
from gis.satisfaction import load_satisfaction, survey_results
from gis.series import SeriesQuery, series
from tests.api.tiny import Tiny
from tests.conftest import json_of

HEADER = "ref,day,outlet,title,tone,incident,area_code,category,source,source_ref"
Writer = Callable[..., Path]


@pytest.fixture
def tiny(own_engine: Engine) -> Iterator[Connection]:
    with own_engine.connect() as conn:
        yield conn


def printed(conn: Connection, write_csv: Writer, *lines: str) -> None:
    load_media(conn, write_csv("media.csv", HEADER, *lines))


def test_an_incident_deducts_once_where_it_was_first(tiny: Connection, write_csv: Writer) -> None:
    printed(
        tiny,
        write_csv,
        "m1,2016-05-03,大河报,垃圾成堆,exposure,dump,990101,,,",  # the district alone
        "m2,2016-05-03,东方今报,垃圾成堆,exposure,dump,,,,",
        "m3,2016-05-09,郑州晚报,还是垃圾,exposure,dump,990101001,event:0102,,",
        "m4,2016-05-05,大河报,整治见效,positive,,990101001,,,",
        "m5,2016-05-14,大河报,又见垃圾,exposure,dump,990101001,,,",
        "m6,2016-05-14,大河报,占道,exposure,stalls,990102001,,,",
        "m7,2016-08-01,大河报,仍是垃圾,exposure,dump,,,,",
    )
    (one,) = exposures(tiny, parse_period("2016-05-T1"))
    # What the first report does not say is taken from later ones of the period.
    assert (one.incident, one.ref, one.day, one.outlet) == ("dump", "m1", date(2016, 5, 3), "大河报")
    assert (one.street_code, one.district_code, one.category) == ("990101001", "990101", "event:0102")
    assert [one.ref for one in exposures(tiny, parse_period("2016-05-T2"))] == ["m6"]
    assert [one.ref for one in exposures(tiny, parse_period("2016-05"))] == ["m1", "m6"]
    (again,) = exposures(tiny, parse_period("2016-08-T1"))
    assert (again.ref, again.street_code) == ("m7", "990101001")
    ground = load_ground(tiny)
    rows = {row["ref"]: row["counts"] for row in media_rows(tiny, ground, None, None)}
    assert rows == {"m1": True, "m2": False, "m3": False, "m4": None, "m5": False, "m6": True, "m7": True}
    assert {row["code"]: row["exposures"] for row in media_by_area(tiny, ground, "district", None, None)} == {
        "990101": 1,
        "990102": 1,
    }
    assert media_by_area(tiny, ground, "city", None, None)[0]["exposures"] == 3


def test_a_later_period_does_not_change_an_earlier_one(tiny: Connection, write_csv: Writer) -> None:
    printed(tiny, write_csv, "m1,2016-05-03,a,b,exposure,x,990101,,,")
    before = exposures(tiny, parse_period("2016-05-T1"))
    printed(tiny, write_csv, "m2,2016-05-11,a,b,exposure,x,990101001,event:0102,,")
    assert exposures(tiny, parse_period("2016-05-T1")) == before
    assert (before[0].street_code, before[0].category) == (None, None)


def test_days_and_refs_decide_not_the_order_of_rows(tiny: Connection, write_csv: Writer) -> None:
    lines = [f"m{n},2016-05-0{1 + n % 3},a,b,exposure,i{n % 2},990101001,,," for n in range(6)]
    printed(tiny, write_csv, *lines)
    found = exposures(tiny, parse_period("2016-05-T1"))
    tiny.execute(text("DELETE FROM media_reports"))
    printed(tiny, write_csv, *reversed(lines))
    assert exposures(tiny, parse_period("2016-05-T1")) == found
    assert [one.ref for one in found] == ["m0", "m3"]


def test_place_and_category_of_the_linked_report(tiny: Connection, facts: Tiny, write_csv: Writer) -> None:
    linked = tiny.execute(
        text(
            "SELECT r.source_ref, c.code, k.kind || ':' || k.code AS category FROM reports r"
            " JOIN cells c ON c.id = r.cell_id JOIN categories k ON k.id = r.category_id ORDER BY 1 LIMIT 1"
        )
    ).one()
    printed(tiny, write_csv, f"m1,2016-05-03,a,b,exposure,x,,,patrol,{linked.source_ref}")
    (one,) = exposures(tiny, parse_period("2016-05-T1"))
    assert (one.source, one.source_ref, one.category) == ("patrol", linked.source_ref, linked.category)
    assert (one.street_code, one.district_code) == (linked.code[:9], linked.code[:6])


def test_loading_twice_changes_nothing_and_a_correction_is_taken(tiny: Connection, write_csv: Writer) -> None:
    path = write_csv("media.csv", HEADER, "m1,2016-05-03,a,b,exposure,x,,,,", "m2,2016-05-03,a,b,positive,,,,,")
    first = load_media(tiny, path)
    again = load_media(tiny, path)
    assert (first.added, again.added, again.changed, again.unchanged) == (2, 0, 0, 2)
    corrected = load_media(tiny, write_csv("c.csv", HEADER, "m1,2016-05-04,a,b,exposure,x,,,,"))
    assert (corrected.added, corrected.changed) == (0, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("m1,2016-05-03,a,b,exposure,,,,,", "needs an incident"),
        ("m1,2016-05-03,a,b,neutral,,,,,", "none of positive, exposure"),
        ("m1,20160503,a,b,positive,,,,,", "no ISO day"),
        ("m1,2016-02-30,a,b,positive,,,,,", "no ISO day"),
        (",2016-05-03,,b,positive,,,,,", "no ref and no outlet"),
        ("m1,2016-05-03,a,b,positive,,999,,,", "not known"),
        ("m1,2016-05-03,a,b,positive,,,0999,,", "not in the dictionary"),
        ("m1,2016-05-03,a,b,positive,,,,patrol,", "source without the other"),
        ("m1,2016-05-03,a,b,positive,,,,patrol,nobody", "has no report"),
        ("m9,2016-05-03,a,b,exposure,x,990102,,,", "lies in 990101001 by the media report m0"),
        ("m9,2016-05-03,a,b,exposure,x,990102001,,,", "lies in 990101001 by the media report m0"),
    ],
)
def test_a_wrong_row_refuses_the_file_and_is_named(tiny: Connection, write_csv: Writer, line: str, said: str) -> None:
    printed(tiny, write_csv, "m0,2016-05-03,a,b,exposure,x,990101001,,,")
    good = "m8,2016-05-03,a,b,positive,,,,,"
    with pytest.raises(RowsRefused, match=said) as refused:
        printed(tiny, write_csv, good, line)
    assert refused.value.problems[0].row == 2
    assert tiny.execute(text("SELECT count(*) FROM media_reports")).scalar() == 1


def test_survey_results(tiny: Connection, write_csv: Writer) -> None:
    header = "survey,day,area_code,respondents,satisfied_share,score"
    path = write_csv("s.csv", header, "q2,2016-05-10,,1200,0.81,", "q2,2016-05-10,990101,300,0.7,77.5")
    assert load_satisfaction(tiny, path).added == 2
    assert load_satisfaction(tiny, path).unchanged == 2
    assert [(one.level, one.area_code) for one in survey_results(tiny, None, None)] == [
        ("city", None),
        ("district", "990101"),
    ]
    assert [one.level for one in survey_results(tiny, None, None, "district")] == ["district"]
    assert survey_results(tiny, date(2016, 5, 11), None) == []
    for line, said in (
        ("q,2016-05-10,,0,0.5,", "respondents '0'"),
        ("q,2016-05-10,,10,1.5,", "satisfied_share '1.5'"),
        ("q,2016-05-10,,10,nan,", "satisfied_share 'nan'"),
        ("q,2016-05-10,,10,,", "neither"),
        ("q,2016-05-10,,1e3,0.5,", "respondents '1e3'"),
    ):
        with pytest.raises(RowsRefused, match=said):
            load_satisfaction(tiny, write_csv("bad.csv", header, line))


def test_series_beside_each_other(tiny: Connection, write_csv: Writer) -> None:
    printed(
        tiny,
        write_csv,
        "m1,2016-05-03,a,b,exposure,x,990101001,,,",
        "m2,2016-05-12,a,b,exposure,x,990101001,,,",
        "m3,2016-05-12,a,b,positive,,990101,,,",
        "m4,2016-05-12,a,b,positive,,,,,",
    )
    header = "survey,day,area_code,respondents,satisfied_share"
    load_satisfaction(
        tiny,
        write_csv("s.csv", header, "a,2016-05-15,990101,100,0.5", "b,2016-05-16,990101,300,0.9", "c,2016-05-15,,9,1"),
    )
    ground = load_ground(tiny)
    first, after = date(2016, 5, 5), date(2016, 5, 12)
    district = series(tiny, ground, SeriesQuery("district", "990101", first, after)).rows
    assert [row["period"] for row in district] == ["2016-05-T1", "2016-05-T2"]
    # A second way: counted from the reports themselves.
    counted = dict(
        tiny.execute(
            text(
                "SELECT (extract(day FROM day)::int - 1) / 10, count(*) FROM reports r JOIN cells c ON c.id = r.cell_id"
                " WHERE c.code LIKE '990101%' GROUP BY 1"
            )
        ).all()
    )
    assert [row["problems"] for row in district] == [counted[0], counted[1]]
    assert [(row["exposures"], row["positive"]) for row in district] == [(1, 0), (0, 1)]
    assert [row["satisfied_share"] for row in district] == [None, pytest.approx(0.8)]
    assert [row["respondents"] for row in district] == [0, 400]
    city = series(tiny, ground, SeriesQuery("city", None, first, after)).rows
    assert [(row["exposures"], row["positive"]) for row in city] == [(1, 0), (0, 2)]
    assert city[1]["satisfied_share"] == 1
    (month,) = series(tiny, ground, SeriesQuery("city", None, first, after, "month")).rows
    assert month["problems"] == sum(row["problems"] for row in city)
    assert month["problems_per_day"] == month["problems"] / 31


def test_memory_is_that_of_the_policy(tiny: Connection, write_csv: Writer) -> None:
    days = [date(2016, 5, 1) + timedelta(n) for n in (0, 89, 90)]
    printed(tiny, write_csv, *(f"m{n},{day},a,b,exposure,x,,,," for n, day in enumerate(days)))
    found = [one.ref for name in ("2016-05", "2016-06", "2016-07") for one in exposures(tiny, parse_period(name))]
    assert found == ["m0", "m2"]


# -- over HTTP and on the command line ---------------------------------------------------------------------------------


def test_over_http(own_engine: Engine, own_client: TestClient, write_csv: Writer) -> None:
    before = own_client.get("/media")
    assert before.json()["rows"] == []
    with own_engine.begin() as conn:
        printed(conn, write_csv, "m1,2016-05-03,a,=b,exposure,x,990101001,,,", "m2,2016-05-04,a,b,exposure,x,,,,")
        header = "survey,day,area_code,respondents,satisfied_share"
        load_satisfaction(conn, write_csv("s.csv", header, "a,2016-05-15,990101,100,0.5"))
    assert own_client.get("/media", headers={"If-None-Match": before.headers["ETag"]}).status_code == 200
    window = {"from": "2016-05-01", "to": "2016-06-01"}
    rows = own_client.get("/media", params={**window, "tone": "exposure"}).json()["rows"]
    assert [(row["ref"], row["counts"], row["area_name"]) for row in rows] == [
        ("m1", True, "东街"),
        ("m2", False, None),
    ]
    streets = own_client.get("/media", params={**window, "level": "street"}).json()["rows"]
    assert {row["code"]: (row["reports"], row["exposures"]) for row in streets}["990101001"] == (1, 1)
    assert (
        own_client.get("/media", params={"f": "csv"}).text.splitlines()[1].startswith("m1,2016-05-03,a,'=b,,exposure")
    )
    (result,) = own_client.get("/satisfaction", params=window).json()["rows"]
    assert result["share_low"] == pytest.approx(0.4038, abs=1e-4)
    found = own_client.get("/series", params={**window, "level": "district", "code": "990101"}).json()
    assert [row["exposures"] for row in found["rows"]] == [1, 0, 0]
    assert [row["satisfied_share"] for row in found["rows"]] == [None, 0.5, None]
    geojson = own_client.get("/series", params={**window, "level": "city"}, headers={"Accept": "application/geo+json"})
    assert geojson.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/media", {"tone": "neutral"}, "tone"),
        ("/media", {"tone": "positive", "level": "city"}, "tone"),
        ("/media", {"level": "village"}, "level"),
        ("/media", {"from": "2016-05-02", "to": "2016-05-02"}, "to"),
        ("/media", {"f": "geojson"}, "f"),
        ("/satisfaction", {"level": "cell"}, "level"),
        ("/series", {"level": "city", "from": "2016-05-01"}, "to"),
        ("/series", {"level": "cell", "from": "2016-05-01", "to": "2016-06-01"}, "level"),
        ("/series", {"level": "street", "from": "2016-05-01", "to": "2016-06-01"}, "code"),
        ("/series", {"level": "street", "code": "990101", "from": "2016-05-01", "to": "2016-06-01"}, "code"),
        ("/series", {"level": "city", "code": "1", "from": "2016-05-01", "to": "2016-06-01"}, "code"),
        ("/series", {"level": "city", "from": "2016-05-01", "to": "2016-06-01", "by": "week"}, "by"),
        ("/series", {"level": "city", "from": "2016-06-01", "to": "2016-05-01"}, "to"),
        ("/series", {"level": "city", "from": "0001-01-01", "to": "9999-01-01"}, "to"),
        ("/series", {"level": "city", "from": "9999-12-30", "to": "9999-12-31"}, "to"),
        ("/series", {"level": "city", "from": "2016-05-01", "to": "2016-06-01", "category": "nothing"}, "category"),
    ],
)
def test_wrong_questions_are_explained(client: TestClient, path: str, params: dict[str, str], parameter: str) -> None:
    answer = client.get(path, params=params)
    assert answer.status_code == 400
    assert parameter in answer.json()["detail"]


def test_on_the_command_line(own_engine: Engine, finegrid: Callable[..., Result], write_csv: Writer) -> None:
    url = own_engine.url.render_as_string(hide_password=False)
    path = write_csv("media.csv", HEADER, "m1,2016-05-03,大河报,b,exposure,x,990101001,,,")
    assert json_of(finegrid("load", "media", path, "--json", DATABASE_URL=url))["added"] == 1
    survey = write_csv("s.csv", "survey,day,respondents,score", "q,2016-05-03,7,81.5")
    assert json_of(finegrid("load", "satisfaction", survey, "--json", DATABASE_URL=url))["added"] == 1
    assert json_of(finegrid("media", "--json", DATABASE_URL=url))["rows"][0]["counts"] is True
    assert "东街" in finegrid("media", DATABASE_URL=url).output
    assert json_of(finegrid("satisfaction", "--json", DATABASE_URL=url))["rows"][0]["score"] == 81.5
    window = ("--from", "2016-05-01", "--to", "2016-05-21")
    rows = json_of(finegrid("series", "--level", "city", *window, "--json", DATABASE_URL=url))["rows"]
    assert [(row["exposures"], row["score"]) for row in rows] == [(1, 81.5), (0, None)]
    refused = finegrid("load", "media", write_csv("bad.csv", HEADER, "m2,x,a,b,positive,,,,,"), DATABASE_URL=url)
    assert refused.exit_code == 1
    assert "row 1" in refused.output
