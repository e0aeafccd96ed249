"""City as data: what a city.toml may say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gis.city import City, city_from_toml
from gis.errors import CityError, CrsError, FileError

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
GOOD = """
slug = "rome"
name = "罗马"
time_zone = "Europe/Rome"
metric_crs = "EPSG:32633"

[[levels]]
level = "district"
digits = 2

[[levels]]
level = "cell"
digits = 3
"""


def city(**changes: Any) -> City:
    facts: dict[str, Any] = {
        "slug": "rome",
        "code": "",
        "name": "罗马",
        "name_en": "Rome",
        "time_zone": "Europe/Rome",
        "metric_crs": "EPSG:32633",
        "levels": (("district", 2), ("cell", 3)),
    }
    return City(**{**facts, **changes})


def test_sample_cities() -> None:
    boston, zhengzhou = (city_from_toml(FIXTURES / name / "city.toml") for name in ("boston", "zhengzhou"))
    assert boston.area_levels == ("district",)
    assert boston.time_zone == "America/New_York"
    assert boston.demo_window == (date(2015, 6, 1), date(2015, 7, 1))
    assert zhengzhou.area_levels == ("district", "street", "community")
    assert len(zhengzhou.code) + sum(digits for _, digits in zhengzhou.levels) == 15


def test_what_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text(GOOD, encoding="utf-8")
    found = city_from_toml(path)
    assert (found.code, found.name_en, found.provenance, found.demo_window) == ("", "罗马", {}, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace('slug = "rome"\n', ""), "the key 'slug' is missing"),
        (GOOD.replace("digits = 3", ""), "the key 'digits' is missing"),
        (GOOD.replace("digits = 3", "digits = 'three'"), "three"),
        (GOOD + "[demo]\nfrom = '2016-13-01'\nto = '2016-06-01'\n", "month"),
        ("slug = ", "cannot be read as TOML"),
    ],
)
def test_unusable_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "city.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        city_from_toml(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"city\.toml: cannot be read"):
        city_from_toml(tmp_path / "city.toml")


@pytest.mark.parametrize("slug", ["", "Rome", "1st", "a b", "rome;drop", "é", "a" * 42])
def test_slugs_that_name_no_database(slug: str) -> None:
    with pytest.raises(CityError, match="slug"):
        city(slug=slug)


@pytest.mark.parametrize("zone", ["", "Beijing", "../etc/passwd", "UTC+8"])
def test_time_zones_are_iana_names(zone: str) -> None:
    with pytest.raises(CityError, match="not an IANA time zone such as Asia/Shanghai"):
        city(time_zone=zone)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "gcj02", "EPSG:2249", "nonsense"])
def test_distances_need_metres(crs: str) -> None:
    with pytest.raises(CrsError):
        city(metric_crs=crs)


@pytest.mark.parametrize(
    "levels",
    [
        (),
        (("district", 2),),
        (("cell", 3), ("district", 2)),
        (("street", 3), ("district", 2), ("cell", 3)),
        (("ward", 2), ("cell", 3)),
        (("district", 2), ("district", 2), ("cell", 3)),
        (("district", 0), ("cell", 3)),
        (("district", 2), ("cell", 10)),
    ],
)
def test_levels_in_order_with_digits(levels: tuple[tuple[str, int], ...]) -> None:
    with pytest.raises(CityError, match="levels"):
        city(levels=levels)


def test_a_level_passed_over() -> None:
    assert city(levels=(("district", 2), ("community", 3), ("cell", 3))).digits("community") == 3
    with pytest.raises(CityError, match="Rome has no level 'street'; it has district, cell"):
        city().digits("street")
