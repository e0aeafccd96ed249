"""The parts of the OGC pages: addresses, values, example filters, standards in words."""

from __future__ import annotations

import pytest

from maps.ogc_conformance import grouped
from maps.ogc_filters import example_of_features, example_of_queryable, literal, property_name
from maps.ogc_links import Addresses, is_safe, with_query
from maps.ogc_values import box_of, column_decimals, columns_of, moment, shown, with_unit
from tests.ogc_documents import DOCUMENTS, HOME, feature, link, square


def test_conformance_is_grouped_by_standard() -> None:
    groups = grouped(DOCUMENTS["conformance"]["conformsTo"], "en", "Others")
    assert [(one.title, [row.name for row in one.rows]) for one in groups] == [
        ("OGC API – Features, Part 1: Core", ["core", "html"]),
        ("Common Query Language (CQL2)", ["cql2-text"]),
        ("Others", ["urn:other"]),
    ]


def test_the_way_back_up() -> None:
    addresses = Addresses({"links": [link("self", "/base/collections/cells/items/a%2Fb")]}, "en", {})
    assert addresses.root == HOME + "/base/"
    assert [crumb.part for crumb in addresses.crumbs()] == ["collections", "cells", "items", "a/b"]
    assert addresses.crumbs()[1].href == HOME + "/base/collections/cells?f=html&lang=en"
    nowhere = Addresses({}, "zh", {})
    assert nowhere.crumbs() == []
    assert nowhere.root == "/"


def test_the_json_form_is_the_documents_own_link() -> None:
    document = {"links": [link("self", "/x?f=html&lang=zh", "text/html"), link("alternate", "/x?f=json")]}
    addresses = Addresses(document, "zh", {})
    assert addresses.here == HOME + "/x?f=html&lang=zh"
    assert addresses.json == HOME + "/x?f=json"
    assert Addresses({}, "zh", {"self": "/y?lang=zh&limit=3"}).json == "/y?limit=3&f=json"
    assert with_query("/a?b=1&c=2&b=3", {"c": None, "d": "4 5"}) == "/a?b=1&b=3&d=4%205"


@pytest.mark.parametrize(
    ("value", "decimals", "wanted"),
    [
        (None, None, "–"),
        ("", None, "–"),
        (True, None, "是"),
        (12345, None, "12,345"),
        (1234.5678, 1, "1,234.6"),
        (0.010002, None, "0.010002"),
        (1e-9, None, "1e-09"),
        (0.004, 0, "0.004"),
        (0.0, 1, "0.0"),
        (8.0, None, "8"),
        (float("nan"), 1, "–"),
        (["甲", None], None, "甲、–"),
        ({"a": "甲"}, None, '{"a": "甲"}'),
        ("2016-06-01T09:00:00+08:00", None, "2016-06-01 09:00:00 +08:00"),
    ],
)
def test_values_as_people_read_them(value: object, decimals: int | None, wanted: str) -> None:
    assert shown(value, "zh", decimals) == wanted


def test_digits_of_a_column() -> None:
    assert column_decimals([100.0, 312.5, 480.25]) == 0
    assert column_decimals([5.31, 6.2, 7.7]) == 2
    assert column_decimals([113.6512, 113.6623, 113.6734]) == 4
    assert column_decimals([0.0, 0.01, 0.0100001]) == 4
    assert column_decimals([]) == 0
    names = [column.name for column in columns_of([{"properties": {"b": 1, "name": "x", "code": "1"}}], {}, "en")]
    assert names == ["code", "name", "b"]
    assert moment("no instant") == "no instant"
    assert with_unit("Density per km²", "per km²") == "Density per km²"


def test_boxes() -> None:
    assert box_of(square(1.0, 2.0)) == [1.0, 2.0, 1.001, 2.001]
    assert box_of({"type": "Point", "coordinates": [1.5, 2.5, 9]}) == [1.5, 2.5, 1.5, 2.5]
    assert box_of(None) is None


def test_example_filters() -> None:
    assert example_of_features([feature(at) for at in range(8)]) == "per_km2 >= 600"
    assert example_of_features([{"properties": {"tier": "key", "x": 1}}]) == "tier = 'key'"
    assert example_of_features([{"properties": {"name": "东风路街道"}}]) == "name LIKE '东风%'"
    assert example_of_features([{"properties": {"at": "2016-06-01"}}]) == "at >= DATE('2016-06-01')"
    assert example_of_features([{"properties": {}}]) is None
    assert example_of_queryable("at", {"type": "string", "format": "date-time"}, "en").startswith("at >= TIMESTAMP(")
    assert (
        example_of_queryable("g", {"format": "geometry-any"}, "en", (1, 2, 3, 4)) == "S_INTERSECTS(g, BBOX(1, 2, 3, 4))"
    )
    assert example_of_queryable("n", {"type": "integer", "examples": [500]}, "en") == "n >= 500"
    assert example_of_queryable("b", {"type": "boolean"}, "en") == "b = true"
    assert property_name('a "b"') == '"a ""b"""'
    assert property_name("like") == '"like"'
    assert literal("O'Hara") == "'O''Hara'"


@pytest.mark.parametrize("href", ["https://a/b?c=d:e", "/a:b", "?x=y:z", "#a:b", "a/b", "http://[::1]:8000/"])
def test_web_addresses_are_safe(href: str) -> None:
    assert is_safe(href)
