"""The maps of a bulletin: scale, labels, classes; and that nothing in a name can leave its place."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.bulletins.ground import ASPECT, AreaShape, PlaceShape, Road, Shapes, box_around
from gis.bulletins.method import method, number
from gis.bulletins.words import CHANGE, CHAOS, CONSEQUENCES, GLOSSARY, KINDS, SHEETS, TEXTS
from gis.rules.periods import parse_period
from gis.rules.policy import POLICIES
from maps.bulletin_drawing import Sheet, hatched, path_of, round_length
from maps.bulletin_maps import COLOURS, city_map, classes_of, colours_of, place_map
from maps.bulletin_page import _css_string

metres = st.floats(-1e6, 1e6)
sizes = st.floats(1, 1e5)


@given(metres, metres, sizes, sizes, st.floats(50, 800), st.floats(50, 800))
def test_the_box_lies_on_the_sheet_in_one_scale(
    west: float, south: float, wide: float, high: float, width: float, height: float
) -> None:
    sheet = Sheet((west, south, west + wide, south + high), width, height)
    corners = sheet.on_paper(shapely.box(west, south, west + wide, south + high)).bounds
    assert corners[0] >= -1e-3
    assert corners[1] >= -1e-3
    assert corners[2] <= width + 1e-3
    assert corners[3] <= height + 1e-3
    assert corners[2] - corners[0] == pytest.approx(wide * sheet.scale, abs=1e-3)
    assert corners[3] - corners[1] == pytest.approx(high * sheet.scale, abs=1e-3)
    # North is up.
    north = sheet.on_paper(shapely.Point(west, south + high)).y
    assert north <= sheet.on_paper(shapely.Point(west, south)).y


@given(st.floats(1, 1e7))
def test_a_scale_bar_is_as_long_as_it_says(most: float) -> None:
    length = round_length(most)
    assert length <= most < length * 2.5 + 1e-9
    assert f"{length:e}"[0] in "125"
    sheet = Sheet((0, 0, most / 0.28, most / 0.28), 240, 240)
    sheet.scale_bar(10)
    bar = re.search(r'd="M([\d.]+) [\d.]+V[\d.]+H([\d.]+)V', sheet.svg("x"))
    assert (float(bar[2]) - float(bar[1])) / sheet.scale == pytest.approx(length, rel=0.02, abs=0.2 / sheet.scale)


places = st.tuples(st.floats(0, 240), st.floats(0, 180), st.floats(-90, 90))


@given(st.lists(st.tuples(st.text("中a路1", min_size=1, max_size=8), places), max_size=30))
def test_labels_never_cover_each_other_or_the_edge(labels: list[tuple[str, tuple[float, float, float]]]) -> None:
    sheet = Sheet((0, 0, 240, 180), 240, 180)
    sheet.scale_bar(10)
    for text, (x, y, angle) in labels:
        before = len(sheet.parts)
        assert sheet.label(text, x, y, 9, angle=angle) == (len(sheet.parts) > before)
    for at, one in enumerate(sheet.taken):
        assert at == 0 or shapely.box(0, 0, 240, 180).contains(one)
        assert not any(one.intersects(other) for other in sheet.taken[:at])


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=200))
def test_every_density_has_one_class_in_order(densities: list[float]) -> None:
    classes = classes_of(densities)
    assert 1 <= len(classes.bounds) <= len(COLOURS)
    assert len(set(colours_of(classes))) == len(classes.bounds)
    for density in densities:
        low, high = classes.bounds[classes.of(density)]
        assert low <= density <= high
    ordered = [classes.of(density) for density in sorted(densities)]
    assert ordered == sorted(ordered)
    assert all(high < low for (_, high), (low, _) in zip(classes.bounds, classes.bounds[1:], strict=False))


@settings(max_examples=50)
@given(st.integers(3, 12), st.floats(0.2, 50))
def test_hatching_stays_inside(corners: int, apart: float) -> None:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    shape = shapely.Polygon(np.column_stack((np.cos(turn), np.sin(turn))) * 60)
    lines = hatched(shape, apart)
    assert shape.buffer(1e-6).covers(lines)
    # About as long as area / distance (lines are slanted by 45 degrees and `apart` is measured along x).
    if apart < 10:
        assert lines.length == pytest.approx(shape.area / (apart / np.sqrt(2)), rel=0.25)


def test_a_small_map_shows_the_place_in_the_middle_of_its_surroundings() -> None:
    for shape in (shapely.LineString([(0, 0), (900, 10)]), shapely.Point(5, 5).buffer(40), shapely.Point(0, 0)):
        west, south, east, north = box_around(shape)
        assert (east - west) / (north - south) == pytest.approx(ASPECT)
        assert shapely.box(west, south, east, north).contains(shape)
        middle = shapely.box(*shape.bounds).centroid if shape.area or shape.length else shape
        assert ((west + east) / 2, (south + north) / 2) == pytest.approx((middle.x, middle.y))


def test_a_standing_of_nothing_is_an_empty_map() -> None:
    drawn, classes = city_map(Shapes([], {}), [], "N", "x")
    assert classes.bounds == colours_of(classes) == []
    assert "nan" not in drawn
    row = {"code": "1", "rank": None, "density": None}
    drawn, _ = city_map(Shapes([AreaShape("1", shapely.box(0, 0, 500, 400), True)], {}), [row], "N", "x")
    assert "nan" not in drawn
    assert drawn.count("<path") > 2


def test_names_of_roads_are_escaped_and_the_place_is_drawn() -> None:
    name = '<b>"春安路" & co</b>'
    line = shapely.LineString([(100, 100), (300, 120)])
    road = Road(name, "main", line)
    drawn = place_map(PlaceShape((0, 0, 420, 280), line, [road], []), name, "N", name)
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert drawn.count('stroke-width="6"') == 1
    assert shapely.from_wkt("LINESTRING EMPTY").is_empty
    assert path_of(shapely.GeometryCollection()) == ""


@pytest.mark.parametrize("text", ['"; } </style><script>', "a\\b\nc", "郑州市"])
def test_a_text_cannot_leave_its_string_of_css(text: str) -> None:
    made = _css_string(text)
    inner = made[1:-1]
    assert made[0] == made[-1] == '"'
    assert not set('"<>\n') & set(inner)
    plain = re.sub(r"\\([0-9a-f]+) ", lambda found: chr(int(found[1], 16)), inner)
    assert plain == text


def test_both_languages_say_the_same_things() -> None:
    for words in (TEXTS, KINDS, CONSEQUENCES, CHAOS, CHANGE):
        assert set(words["zh"]) == set(words["en"])
    assert len(SHEETS["zh"]) == len(SHEETS["en"])
    assert len(GLOSSARY["zh"]) == len(GLOSSARY["en"])
    for month in (True, False):
        told = {lang: method(POLICIES[0], month=month, lang=lang) for lang in ("zh", "en")}
        assert [clause for clause, _ in told["zh"]] == [clause for clause, _ in told["en"]]
        for (_, chinese), (_, english) in zip(told["zh"], told["en"], strict=True):
            figures = [sorted(set(re.findall(r"\d[\d,.]*\d|\d", text))) for text in (chinese, english)]
            assert set(figures[0]) >= {one for one in figures[1] if len(one) > 3}
    placeholders = re.compile(r"\{\w+\}")
    for name, text in TEXTS["zh"].items():
        assert placeholders.findall(text) == placeholders.findall(TEXTS["en"][name]), name


def test_the_method_has_the_numbers_of_its_policy() -> None:
    policy = POLICIES[0]
    streets = " ".join(sentence for _, sentence in method(policy, month=False, lang="en"))
    districts = " ".join(sentence for _, sentence in method(policy, month=True, lang="en"))
    assert "200,000 to 20,000 yuan" in streets
    assert "1,500,000 to 500,000 yuan" in districts
    assert "1, 3, 6, 9, 12 times" in streets
    assert "95%" in streets
    assert "100 - 1 × density" in streets
    assert "100 - 1 × 10 × density" in districts
    assert number(policy.listing_count) == "10"
    assert parse_period("2016-05").days == 31
