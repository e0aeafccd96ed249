"""`finegrid locate`, `imports` and `reports` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import json_of

AREAS = """{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"level":"district","code":"410101","name":"东区"},
 "geometry":{"type":"Polygon","coordinates":[[[113.60,34.70],[113.61,34.70],[113.61,34.71],[113.60,34.71],[113.60,34.70]]]}}]}"""
CITY = """slug = "tiny"
code = "4101"
name = "小城"
time_zone = "Asia/Shanghai"
metric_crs = "EPSG:4547"
levels = [{level = "district", digits = 2}, {level = "cell", digits = 3}]
"""
CATEGORIES = "standard_ref,kind,code,name,name_en,domain,chaos\nt,event,0505,机动车乱停放,cars,parking,parking\n"
REPORTS = (
    "ref,lon,lat,reported_at,category\nA1,113.6051,34.7051,2016-05-01 08:00:00,0505\nA2,,,2016-05-01 08:00:00,0505\n"
)


@pytest.fixture
def tiny(finegrid, tmp_path: Path):
    """A city of one district, cut and with one report, made by the commands themselves."""
    for name, content in {"city.toml": CITY, "a.geojson": AREAS, "c.csv": CATEGORIES, "r.csv": REPORTS}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for words in (
        ["city", "define", tmp_path / "city.toml"],
        ["load", "areas", tmp_path / "a.geojson", "--crs", "wgs84"],
        ["load", "categories", tmp_path / "c.csv"],
        ["grid", "make"],
        [
            "import",
            "reports",
            tmp_path / "r.csv",
            "--source",
            "patrol",
            "--crs",
            "wgs84",
            "--rejects",
            tmp_path / "bad.csv",
        ],
    ):
        assert finegrid(*words).exit_code == 0
    return finegrid


def test_locate_answers_a_point_and_a_file_alike(tiny, tmp_path: Path) -> None:
    one = json_of(tiny("locate", "113.6051", "34.7051", "--json"))
    assert one["district"] == {"code": "410101", "name": "东区", "responsible": None}
    assert one["code"].startswith("410101")
    (tmp_path / "p.csv").write_text("lon,lat\n113.6051,34.7051\n0,0\n")
    many = json_of(tiny("locate", "--file", tmp_path / "p.csv", "--json"))
    assert many["answers"] == [one, None]
    table = tiny("locate", "--file", tmp_path / "p.csv").stdout.splitlines()
    assert table[1].split(",")[2] == one["code"]
    assert table[2] == "0.0,0.0" + "," * 9


def test_locate_outside_and_without_a_point(tiny) -> None:
    outside = tiny("locate", "0", "0")
    assert outside.exit_code == 1
    assert "no cell covers" in outside.stderr
    assert tiny("locate").exit_code == 2


def test_imports_lists_and_gives_rejects_back(tiny, tmp_path: Path) -> None:
    listed = json_of(tiny("imports", "--json"))["rows"]
    assert [(row["read"], row["accepted"], row["rejected"]) for row in listed] == [(2, 1, 1)]
    number = str(listed[0]["import_id"])
    assert tiny("imports", number, "--rejects", tmp_path / "back.csv").exit_code == 0
    assert "no coordinate" in (tmp_path / "back.csv").read_text()
    assert tiny("imports", "--rejects", tmp_path / "back.csv").exit_code == 2
    assert tiny("imports", "999").exit_code == 1


def test_reports_lists_with_cell(tiny) -> None:
    rows = json_of(tiny("reports", "--from", "2016-05-01", "--to", "2016-05-02", "--json"))["rows"]
    assert [row["source_ref"] for row in rows] == ["A1"]
    assert rows[0]["cell"] == json_of(tiny("locate", "113.6051", "34.7051", "--json"))["code"]
    assert "no report" in tiny("reports", "--from", "2017-05-01", "--to", "2017-05-02").stdout
