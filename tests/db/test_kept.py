"""Features kept in memory against the same ones written by the database: the same bytes, or none."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
import shapely
from sqlalchemy import Engine, text

from gis.city import read_city
from gis.collections import kept as module
from gis.collections.catalogue import COLLECTIONS
from gis.collections.crs import CRS84, box_shape, epsg
from gis.collections.declared import Collection
from gis.collections.kept import APART, COMMA, FeatureStore, KeptFeatures, count_question, ids_question, read_features
from gis.collections.order import full_order, read_token
from gis.collections.pages import Page, PageQuery, count_matched, read_page
from gis.collections.selection import Asked, Filter, select_features
from gis.store.database import bump_version, transaction
from tests.api.tiny import fill, tiny_facts

KEPT = [one for one in COLLECTIONS.values() if one.kept and one.level != "community"]
ASKED = (
    Asked(box=shapely.box(113.6015, 34.7005, 113.6065, 34.7025)),
    Asked(filter=Filter("code > '9901' AND NOT code LIKE '%2'")),
    Asked(box=shapely.box(0, 0, 1, 1)),
)


@pytest.fixture
def tiny(engine: Engine) -> Engine:
    with engine.begin() as conn:
        fill(conn, tiny_facts())
    return engine


def read(engine: Engine, collection: Collection) -> tuple[KeptFeatures, int]:
    """The features, and the sum of the versions they were read at."""
    with transaction(engine, read_only=True) as conn:
        version, features = read_features(conn, read_city(conn), collection)
    assert features is not None
    return features, sum(one for one, _ in version)


def whole(page: Page) -> tuple[bytes, int, str | None]:
    return COMMA.join(page.pieces), page.returned, page.after


@pytest.mark.parametrize("collection", KEPT, ids=lambda one: one.id)
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_every_page_of_all_features_is_the_one_that_the_database_writes(
    tiny: Engine, collection: Collection, limit: int
) -> None:
    features, _ = read(tiny, collection)
    with transaction(tiny, read_only=True) as conn:
        selection = select_features(conn, read_city(conn), collection, Asked())
        after, seen = None, 0
        while True:
            written = read_page(conn, selection, PageQuery(limit, after=after))
            assert features.page(limit, None if after is None else after[0]) == written
            seen += written.returned
            if written.after is None:
                break
            after = read_token(written.after, collection, full_order(collection, ()))
    assert seen == len(features.ids) > 0
    assert [feature["id"] for feature in orjson.loads(b"[" + features.text + b"]")] == features.ids


@pytest.mark.parametrize("collection", KEPT, ids=lambda one: one.id)
@pytest.mark.parametrize("asked", ASKED, ids=["box", "filter", "nothing"])
def test_what_a_box_or_a_filter_finds_is_cut_out_as_the_database_writes_it(
    tiny: Engine, collection: Collection, asked: Asked
) -> None:
    features, state = read(tiny, collection)
    with transaction(tiny, read_only=True) as conn:
        selection = select_features(conn, read_city(conn), collection, asked)
        for limit in (2, 1000):
            ids, now = conn.execute(ids_question(selection, limit, None, collection.layers)).one()
            assert now == state
            assert whole(features.of(ids.split(APART) if ids else (), limit)) == whole(
                read_page(conn, selection, PageQuery(limit))
            )
        matched = count_matched(conn, selection, "exact")
        assert matched is not None
        assert tuple(conn.execute(count_question(selection, collection.layers)).one()) == (matched.number, state)


@pytest.mark.parametrize("collection", KEPT, ids=lambda one: one.id)
def test_what_meets_a_box_is_what_the_database_says(tiny: Engine, collection: Collection) -> None:
    """Boxes along edges and through corners of the cells, of no width, across the antimeridian, and crooked shapes."""
    features, _ = read(tiny, collection)
    rng = np.random.default_rng(11)
    shapes = [
        box_shape((round(w, d), round(s, d), round(w + x, d), round(s + y, d)), CRS84)
        for d in (3, 4, 9)
        for w, s, x, y in zip(
            rng.uniform(113.598, 113.618, 40),
            rng.uniform(34.698, 34.706, 40),
            *rng.uniform(0, 0.006, (2, 40)),
            strict=True,
        )
    ]
    shapes += [box_shape(one, CRS84) for one in ((113.602, 34.701, 113.602, 34.701), (113.602, 34.7, 113.602, 34.703))]
    shapes += [box_shape((170.0, 30.0, 113.6035, 40.0), CRS84), box_shape((3.8e7, 3.8e6, 3.9e7, 3.9e6), epsg(3857))]
    shapes += [shapely.Point(113.6035, 34.7015).buffer(0.0017), shapely.Point(113.6, 34.7).buffer(0.00001)]
    with transaction(tiny, read_only=True) as conn:
        for shape in shapes:
            selection = select_features(conn, read_city(conn), collection, Asked(box=shape))
            for limit in (3, 1000):
                page = features.page_of(features.meeting(shape), limit, None)
                assert whole(page) == whole(read_page(conn, selection, PageQuery(limit))), shape.wkt


def test_a_change_in_between_is_noticed(tiny: Engine) -> None:
    cells = COLLECTIONS["cells"]
    _, state = read(tiny, cells)
    with tiny.begin() as conn:
        bump_version(conn, "areas")
    with transaction(tiny, read_only=True) as conn:
        selection = select_features(conn, read_city(conn), cells, ASKED[0])
        for question in (ids_question(selection, 10, None, cells.layers), count_question(selection, cells.layers)):
            assert conn.execute(question).one()[1] > state


def test_the_state_of_layers_that_nobody_ever_wrote_is_0(tiny: Engine) -> None:
    with tiny.begin() as conn:
        conn.execute(text("DELETE FROM data_versions"))
    _, state = read(tiny, COLLECTIONS["cells"])
    with transaction(tiny, read_only=True) as conn:
        selection = select_features(conn, read_city(conn), COLLECTIONS["cells"], ASKED[0])
        assert conn.execute(ids_question(selection, 10, None, ("cells",))).one()[1] == state == 0


@pytest.mark.parametrize("code", ['a","geometry":null', "b\\", 'c"', "d\n,e", "街"])
def test_codes_that_text_formats_stumble_over(tiny: Engine, code: str) -> None:
    with tiny.begin() as conn:
        conn.execute(text("UPDATE road_segments SET code = :code WHERE code = 'R1'"), {"code": code})
    features, _ = read(tiny, COLLECTIONS["roads"])
    assert code in features.places
    assert [feature["id"] for feature in orjson.loads(b"[" + features.text + b"]")] == features.ids


def test_a_collection_that_is_too_large_is_not_kept(tiny: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 5)
    store, cells = FeatureStore(), COLLECTIONS["cells"]
    with transaction(tiny, read_only=True) as conn:
        version, features = read_features(conn, read_city(conn), cells)
    assert features is None
    assert store.wanted(cells, version)
    store.keep(cells, version, features)
    store.done(cells)
    assert store.find(cells, version) is None
    assert not store.wanted(cells, version)
    assert store.wanted(cells, "another version")
    assert not store.wanted(cells, "another version"), "somebody reads them already"
