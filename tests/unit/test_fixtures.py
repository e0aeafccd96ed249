"""The shipped sample cities are complete, consistent, attributed and reproducible."""

import csv
import json
import tomllib
from collections import Counter
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
import shapely

import fixtures
from fixtures.build_boston import ROAD_CLASSES
from fixtures.build_zhengzhou import _generator, _segment_feature, _write_csv
from fixtures.geojson import write_features
from fixtures.synth_areas import TO_METRIC, project
from fixtures.synth_measures import draw_facilities, draw_measures, media_rows, satisfaction_rows
from fixtures.synth_patrols import PERIODS, draw_patrols
from fixtures.synth_people import place_points, responsible_rows
from fixtures.synth_reports import HABITS
from fixtures.synth_roads import SPECIAL_GROUP, build_roads
from gis.geometry.datum import gcj02_to_wgs84

LAYERS = {"areas", "cells", "roads", "tiers", "coordinators", "responsibles", "categories", "reports"}
KINDS = {"patrol", "supervision_centre", "citizen", "media", "leader_note", "sensor"}
DOMAINS = {
    "municipal_facilities",
    "appearance_sanitation",
    "parking",
    "greenery",
    "construction_sites",
    "dog_keeping",
    "other",
}


@cache
def config(slug):
    return tomllib.loads((fixtures.folder(slug) / "city.toml").read_text(encoding="utf-8"))


@cache
def features(slug, name):
    parsed = json.loads((fixtures.folder(slug) / name).read_text(encoding="utf-8"))["features"]
    return [feature["properties"] for feature in parsed], np.array(
        [shapely.geometry.shape(feature["geometry"]) for feature in parsed], dtype=object
    )


@cache
def rows(slug, name):
    with (fixtures.folder(slug) / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def reports(slug, name, columns):
    return pd.read_csv(fixtures.folder(slug) / name, dtype=str, usecols=list(columns), keep_default_na=False)


def level(slug, wanted):
    properties, grounds = features(slug, "areas.geojson")
    chosen = [rank for rank, row in enumerate(properties) if row["level"] == wanted]
    return [properties[rank] for rank in chosen], grounds[chosen]


def test_an_unknown_city_is_named_with_the_known_ones():
    with pytest.raises(KeyError, match="zhengzhou, boston"):
        fixtures.folder("atlantis")


@pytest.mark.parametrize("slug", fixtures.CITIES)
def test_city_file_says_all_that_loaders_need(slug):
    city = config(slug)
    assert city["slug"] == slug
    assert city["name"]
    assert city["name_en"]
    more = {"cases", "patrols"} & city.keys()
    more |= {"listings", "dust"} if "cases" in city else set()  # all are played
    evidence = {"measures.geojson": "measures", "facilities.geojson": "facilities"}
    evidence |= {"media.csv": "media", "satisfaction.csv": "satisfaction"}
    more |= {layer for name, layer in evidence.items() if (fixtures.folder(slug) / name).exists()}
    more |= {"operations"} if (fixtures.folder(slug) / "operations.geojson").exists() else set()
    assert set(city["provenance"]) == LAYERS | more
    for entry in city["provenance"].values():
        assert isinstance(entry["synthetic"], bool)
        assert entry["text"]
        assert entry["text_zh"]
    names = [entry["level"] for entry in city["levels"]]
    assert names == [name for name in ("district", "street", "community", "cell") if name in names]
    assert city["grid"]["within"] == names[-2]
    assert date.fromisoformat(city["demo"]["from"]) < date.fromisoformat(city["demo"]["to"])
    for entry in city["reports"]:
        assert (fixtures.folder(slug) / entry["file"]).is_file()
        assert entry["source_kind"] in KINDS
        assert set(entry["map"]) == {"source_ref", "lon", "lat", "reported_at", "category"}
    assert len({entry["source"] for entry in city["reports"]}) == len(city["reports"])


def test_zhengzhou_codes_have_fifteen_digits_and_boston_is_all_real():
    assert len(config("zhengzhou")["code"]) + sum(entry["digits"] for entry in config("zhengzhou")["levels"]) == 15
    assert not any(entry["synthetic"] for entry in config("boston")["provenance"].values())
    for name in ("tiers.geojson", "coordinators.csv", "responsibles.csv"):
        assert not (fixtures.folder("boston") / name).exists()


@pytest.mark.parametrize(
    ("file", "phrase"),
    [
        ("boston/LICENSE.reports", "Copyright (c) 2015 John Liao"),
        ("boston/LICENSE.neighborhoods", "Copyright (c) 2013-2021  Code for America"),
        ("boston/LICENSE.roads", "OpenStreetMap contributors"),
        ("boston/LICENSE.roads", "Open Database License (ODbL) 1.0"),
        ("zhengzhou/LICENSE.districts", "MIT License"),
        ("zhengzhou/LICENSE.townships_2000", "Azavea"),
        ("zhengzhou/LICENSE.apache-2.0", "Version 2.0, January 2004"),
        ("zhengzhou/LICENSE.codes", "DO WHAT THE FUCK YOU WANT TO PUBLIC LICENSE"),
    ],
)
def test_licence_texts_are_shipped_and_named_in_the_readme(file, phrase):
    root = fixtures.folder("boston").parent
    assert phrase in (root / file).read_text(encoding="utf-8")
    assert file in (root / "README.md").read_text(encoding="utf-8")


def test_every_shipped_data_file_is_in_the_readme_and_all_fit_in_25_megabytes():
    root = fixtures.folder("boston").parent
    text = (root / "README.md").read_text(encoding="utf-8")
    shipped = [path for slug in fixtures.CITIES for path in sorted((root / slug).iterdir())]
    assert [path.name for path in shipped if f"{path.parent.name}/{path.name}" not in text] == []
    assert sum(path.stat().st_size for path in shipped) < 25e6


def test_boston_areas_are_as_found_four_invalid():
    properties, grounds = features("boston", "areas.geojson")
    assert len(properties) == len({row["name"] for row in properties}) == 26
    invalid = {row["name"] for row, ground in zip(properties, grounds, strict=True) if not ground.is_valid}
    assert invalid == {"Hyde Park", "East Boston", "Downtown", "Beacon Hill"}


def test_boston_reports_are_all_there_and_every_type_has_a_category():
    entry = config("boston")["reports"][0]
    frame = reports("boston", entry["file"], tuple(entry["map"].values()))
    assert len(frame) == frame["CASE_ENQUIRY_ID"].nunique() == 121_145
    categories = rows("boston", "categories.csv")
    assert {row["code"] for row in categories} == set(frame["TYPE"])
    assert len(categories) == 158
    chinese = sum(row["name"] != row["name_en"] for row in categories)
    assert chinese >= 60
    assert all(row["name"] != row["name_en"] for row in categories if row["chaos"])


def test_boston_roads_keep_their_codes_by_a_stable_rule():
    properties, lines = features("boston", "roads.geojson")
    assert [row["code"] for row in properties] == [f"BR{number:06d}" for number in range(1, 10_762)]
    order = [(row["name"], row["highway"], line.coords[:]) for row, line in zip(properties, lines, strict=True)]
    assert order == sorted(order)
    assert {row["class"] for row in properties} <= set(ROAD_CLASSES.values())


@pytest.mark.parametrize("slug", fixtures.CITIES)
def test_categories_use_the_words_of_the_rule_book(slug):
    categories = rows(slug, "categories.csv")
    assert {row["domain"] for row in categories} <= DOMAINS
    assert {row["chaos"] for row in categories} <= {"", "parking", "trading", "rubbish", "posters"}
    keys = [(row["standard_ref"], row["kind"], row["code"]) for row in categories]
    assert len(set(keys)) == len(keys)
    assert {row["standard_ref"] for row in categories} == {entry["categories"] for entry in config(slug)["reports"]}


def test_zhengzhou_areas_nest_and_tile_exactly():
    counts = Counter(row["level"] for row in features("zhengzhou", "areas.geojson")[0])
    assert counts == {"district": 12, "street": 157, "community": 287}
    area_of = {}
    for name, parent_digits in (("district", 0), ("street", 6), ("community", 9)):
        properties, grounds = level("zhengzhou", name)
        assert len({row["code"] for row in properties}) == len(properties)
        assert all(row["parent_code"] == row["code"][:parent_digits] for row in properties)
        assert all(row["name"] and row["name_en"] for row in properties)
        assert shapely.is_valid(grounds).all()
        assert shapely.coverage_is_valid(grounds)
        summed: Counter = Counter()
        for row, ground in zip(properties, project(grounds, TO_METRIC), strict=True):
            area_of[row["code"]] = ground.area
            summed[row["parent_code"]] += ground.area
        for parent, total in summed.items():
            if parent:
                assert total == pytest.approx(area_of[parent], rel=1e-6)
    sizes = [size / 1e6 for code, size in area_of.items() if len(code) == 12]
    assert min(sizes) >= 0.15
    assert max(sizes) < 5
    assert 120 < sum(sizes) < 180


def test_zhengzhou_roads_are_of_sensible_length_and_have_one_ring_and_fifteen_roads():
    properties, lines = features("zhengzhou", "roads.geojson")
    assert 8_000 <= len(lines) <= 12_000
    assert [row["code"] for row in properties] == [f"ZR{number:06d}" for number in range(1, len(lines) + 1)]
    length_m = shapely.length(project(lines, TO_METRIC))
    assert 79 < length_m.min() < length_m.max() < 401
    assert {row["class"] for row in properties} == {"ring", "trunk", "main", "branch", "back_street"}
    special = {(row["class"] == "ring", row["name"]) for row in properties if SPECIAL_GROUP in row["groups"]}
    assert sum(not ring for ring, _ in special) == 15
    assert {name for ring, name in special if ring} == {side + "二环路" for side in "东西南北"}


def test_zhengzhou_tiers_tile_the_core():
    properties, grounds = features("zhengzhou", "tiers.geojson")
    assert {row["tier"] for row in properties} == {"key", "secondary", "general"}
    assert shapely.coverage_is_valid(grounds)
    core = level("zhengzhou", "community")[1]
    assert shapely.area(project(grounds, TO_METRIC)).sum() == pytest.approx(
        shapely.area(project(core, TO_METRIC)).sum(), rel=1e-5
    )


def test_some_streets_have_enough_coordinators_and_some_have_not():
    coordinators = rows("zhengzhou", "coordinators.csv")
    assert len({row["ref"] for row in coordinators}) == len(coordinators) <= 7_094
    streets, street_grounds = level("zhengzhou", "street")
    properties, tier_grounds = features("zhengzhou", "tiers.geojson")
    tiers = {
        tier: shapely.union_all(project(tier_grounds[[row["tier"] == tier for row in properties]], TO_METRIC))
        for tier in ("key", "secondary", "general")
    }
    on_post = Counter((row["street_code"], row["tier"]) for row in coordinators if not row["on_post_to"])
    assert {street for street, _ in on_post} <= {row["code"] for row in streets}
    enough = {True: 0, False: 0}
    wanted = 0.0
    for row, ground in zip(streets, project(street_grounds, TO_METRIC), strict=True):
        here = [
            (per_km2 * tiers[tier].intersection(ground).area / 1e6, on_post[row["code"], tier])
            for tier, per_km2 in (("key", 30), ("secondary", 20), ("general", 10))
        ]
        wanted += sum(want for want, _ in here)
        if any(have for _, have in here):
            enough[all(have >= want for want, have in here)] += 1
    assert enough[True] >= 10
    assert enough[False] >= 10
    assert 0.75 < sum(on_post.values()) / wanted < 0.9
    assert any(row["on_post_to"] for row in coordinators)


def test_the_cells_of_each_community_have_one_responsible_person_at_any_time():
    spans: dict[str, list] = {}
    for row in rows("zhengzhou", "responsibles.csv"):
        assert row["scope"] in {"cell", "cells", "area"}
        if row["scope"] == "cells":
            spans.setdefault(row["code"], []).append((row["valid_from"], row["valid_to"]))
    assert set(spans) == {row["code"] for row in level("zhengzhou", "community")[0]}
    assert any(len(of_one) > 1 for of_one in spans.values())
    for of_one in spans.values():
        of_one.sort()
        assert [until for _, until in of_one] == [*(start for start, _ in of_one[1:]), ""]


def test_zhengzhou_reports_have_the_counted_faults_and_lie_on_the_core_in_gcj02():
    columns = ("ref", "reported_at", "lon", "lat", "category")
    frame = pd.concat([reports("zhengzhou", entry["file"], columns) for entry in config("zhengzhou")["reports"]])
    assert len(config("zhengzhou")["reports"]) == 3
    assert len(frame) == 150_120
    assert frame["ref"].duplicated().sum() == 120
    lon = pd.to_numeric(frame["lon"], errors="coerce").to_numpy()
    lat = pd.to_numeric(frame["lat"], errors="coerce").to_numpy()
    assert np.isnan(lon).sum() == 24
    assert (lat > 90).sum() == 14
    assert (frame["category"] == "0999").sum() == 12
    assert pd.to_datetime(frame["reported_at"], format="%Y-%m-%d %H:%M:%S", errors="coerce").isna().sum() == 10
    assert (
        set(frame["category"]) - {"0999"} == set(HABITS) == {row["code"] for row in rows("zhengzhou", "categories.csv")}
    )
    assert (frame["lon"] + " " + frame["lat"]).value_counts().iloc[0] == 900
    usable = lat < 90
    core = shapely.coverage_union_all(level("zhengzhou", "community")[1])
    shapely.prepare(core)
    inside = shapely.contains_xy(core, *gcj02_to_wgs84(lon[usable], lat[usable]))
    assert 0.990 < inside.mean() < 0.997


def test_patrols_are_small_and_survey_nearly_all_roads_in_every_period():
    shipped = fixtures.folder("zhengzhou")
    assert sum((shipped / name).stat().st_size for name in ("patrols.csv.gz", "patrol_tracks.geojson")) < 650_000
    frame = pd.read_csv(shipped / "patrols.csv.gz", dtype=str)
    codes = {row["code"] for row in features("zhengzhou", "roads.geojson")[0]}
    assert set(frame["segment"]) <= codes
    assert not frame.duplicated().any()
    assert [period.name for period in PERIODS] == [
        "2016-03-T3",
        *(f"2016-{month:02d}-T{number}" for month in (4, 5, 6) for number in (1, 2, 3)),
    ]
    days = pd.to_datetime(frame["time"]).dt.date
    assert all(any(day in period for period in PERIODS) for day in days.unique())
    for period in PERIODS:
        chosen = frame[(days >= period.first) & (days < period.after)]
        assert 0.9 < chosen["segment"].nunique() / len(codes) < 0.995, period
        assert not chosen["segment"].duplicated().any()


def test_the_same_seed_builds_the_same_files(tmp_path):
    shipped = fixtures.folder("zhengzhou")
    core = project(shapely.coverage_union_all(level("zhengzhou", "community")[1]), TO_METRIC)
    segments = build_roads(core, _generator(2))
    write_features(tmp_path / "roads.geojson", map(_segment_feature, segments))
    properties, grounds = level("zhengzhou", "street")
    streets = {row["code"]: project(ground, TO_METRIC) for row, ground in zip(properties, grounds, strict=True)}
    passes, tracks = draw_patrols(segments, streets, _generator(8))
    write_features(tmp_path / "patrol_tracks.geojson", tracks)
    assert (tmp_path / "patrol_tracks.geojson").read_bytes() == (shipped / "patrol_tracks.geojson").read_bytes()
    assert passes.to_csv(index=False) == pd.read_csv(shipped / "patrols.csv.gz", dtype=str).to_csv(index=False)
    write_features(
        tmp_path / "measures.geojson", draw_measures(segments, place_points(segments, _generator(3)), _generator(9))
    )
    write_features(tmp_path / "facilities.geojson", draw_facilities(segments, _generator(10)))
    staffed = sorted({row["parent_code"] for row in level("zhengzhou", "community")[0]})
    _write_csv(tmp_path / "media.csv", media_rows(staffed, _generator(11)))
    districts = sorted(row["code"] for row in level("zhengzhou", "district")[0])
    _write_csv(tmp_path / "satisfaction.csv", satisfaction_rows(districts, _generator(12)))
    for name in ("measures.geojson", "facilities.geojson", "media.csv", "satisfaction.csv"):
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes(), name
    assert (tmp_path / "roads.geojson").read_bytes() == (shipped / "roads.geojson").read_bytes()

    properties, _ = features("zhengzhou", "areas.geojson")
    staffed = {row["parent_code"] for row in properties if row["level"] == "community"}
    levels = {row["code"]: row["level"] for row in properties if row["level"] != "street" or row["code"] in staffed}
    _write_csv(tmp_path / "responsibles.csv", responsible_rows(levels, _generator(5)))
    assert (tmp_path / "responsibles.csv").read_bytes() == (shipped / "responsibles.csv").read_bytes()
