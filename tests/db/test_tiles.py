"""Tiles of a real city: features as PostGIS draws them, every report counted once, nothing larger than the limit."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, text

from gis.collections.catalogue import COLLECTIONS
from gis.density import DensityQuery
from gis.errors import NotFound, ParameterError
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.store.database import bump_version, create_database_engine, transaction
from gis.tiles import reports as tiles_of_reports
from gis.tiles.layers import TileLayers, read_versions
from gis.tiles.reports import DETAIL_ZOOM, MOST
from tests.api.tiny import Tiny, fill, tiny_facts, write_reports
from tests.tile_reading import CITY_BOX, assert_same_as_postgis, features_of, home, tiles_over
from tests.town import build_town

WINDOW = DensityQuery(date(2016, 5, 1), date(2016, 5, 21))


@pytest.fixture(scope="module")
def facts() -> Tiny:
    return tiny_facts()


@pytest.fixture(scope="module")
def tiny_engine(
    template_url: str, make_database: Callable[..., str], facts: Tiny, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    engine = create_database_engine(make_database(template_url))
    path = write_reports(tmp_path_factory.mktemp("tiles") / "reports.csv", facts.reports)
    with engine.begin() as conn:
        fill(conn, facts)
        import_reports(conn, ImportOrder(ReportFile(path, {"reported_at": "time"}), "patrol", crs="wgs84"))
    yield engine
    engine.dispose()


@pytest.fixture
def tiny(tiny_engine: Engine) -> Iterator[Connection]:
    with transaction(tiny_engine, read_only=True) as conn:
        yield conn


@pytest.fixture(scope="module")
def layers() -> TileLayers:
    return TileLayers()


# -- features ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [13, 14, 15, 16, 18])
def test_cells_and_roads_are_drawn_as_postgis_draws_them(tiny: Connection, layers: TileLayers, z: int) -> None:
    assert assert_same_as_postgis(tiny, layers, "cells", "cells", z) >= 48
    assert assert_same_as_postgis(tiny, layers, "roads", "road_segments", z) >= 2


@pytest.mark.parametrize("z", [14, 17])
def test_districts_are_drawn_as_postgis_draws_them(tiny: Connection, layers: TileLayers, z: int) -> None:
    assert assert_same_as_postgis(tiny, layers, "districts", "(SELECT * FROM areas WHERE level = 'district') AS a", z)


@pytest.mark.parametrize("z", [14, 16, 19])
def test_slanted_bricks_are_drawn_as_postgis_draws_them(conn: Connection, z: int) -> None:
    build_town(conn)
    assert assert_same_as_postgis(conn, TileLayers(), "cells", "cells", z) >= 95


def test_bytes_say_the_same_as_st_asmvt(tiny: Connection, layers: TileLayers) -> None:
    """The same squares and values, written by PostGIS."""
    z = 11
    x, y = home(z)
    ours = features_of(layers.tile(tiny, "density-cells", z, x, y, WINDOW), "density-cells")
    rows = [{**one, "wkt": shape.wkt} for one, shape in ours]
    theirs = tiny.execute(
        text(
            "SELECT ST_AsMVT(t, 'density-cells') FROM (SELECT features, count, area_km2, per_km2,"
            " ST_GeomFromText(wkt) AS geom FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (features int, count int,"
            " area_km2 float8, per_km2 float8, wkt text)) AS t"
        ),
        {"rows": json.dumps(rows)},
    ).scalar_one()
    assert features_of(bytes(theirs), "density-cells") == ours
    assert sum(one["features"] for one, _ in ours) > 0


def test_cells_carry_what_the_collection_says(tiny: Connection, layers: TileLayers, facts: Tiny) -> None:
    found = {}
    for x, y in tiles_over(CITY_BOX, 15):
        found |= {one["code"]: one for one, _ in features_of(layers.tile(tiny, "cells", 15, x, y), "cells")}
    assert found.keys() == facts.cells.keys()
    for code, one in found.items():
        assert list(one) == ["code", "area_code", "area_name", "tier", "surveyed", "area_km2"]
        assert (one["tier"], one["surveyed"], one["area_code"]) == (facts.tiers[code], True, code[:9])


def counted(tiny: Connection, target: str) -> dict[str, int]:
    table = {"cell": "cells", "segment": "road_segments"}[target]
    rows = tiny.execute(
        text(
            f"SELECT c.code, count(*) FROM reports AS r JOIN {table} AS c ON c.id = r.{target}_id"
            " WHERE day >= '2016-05-01' AND day < '2016-05-21' GROUP BY c.code"
        )
    )
    return dict(rows.all())


@pytest.mark.parametrize(("collection", "target"), [("density-cells", "cell"), ("density-roads", "segment")])
def test_features_carry_the_counts_of_the_window(
    tiny: Connection, layers: TileLayers, collection: str, target: str
) -> None:
    expected = counted(tiny, target)
    found = {}
    for x, y in tiles_over((113.59, 34.69, 113.72, 34.72), 15):
        found |= {
            one["code"]: one for one, _ in features_of(layers.tile(tiny, collection, 15, x, y, WINDOW), collection)
        }
    assert {code: one["count"] for code, one in found.items() if one["count"]} == expected
    assert len(found) == (48 if target == "cell" else 3)
    for one in found.values():
        if target == "cell":
            assert one["per_km2"] == pytest.approx(one["count"] / one["area_km2"])
        else:
            assert one["per_km"] == pytest.approx(one["count"] / one["length_m"] * 1000)


def test_areas_without_cells_have_no_density(tiny: Connection, layers: TileLayers) -> None:
    found = {}
    for x, y in tiles_over(CITY_BOX, 14):
        for one, _ in features_of(layers.tile(tiny, "density-streets", 14, x, y, WINDOW), "density-streets"):
            found[one["code"]] = one
    assert "per_km2" not in found["990102002"]
    assert found["990101001"]["per_km2"] > 0


def test_plain_cells_carry_counts_where_a_window_is_given(tiny: Connection, layers: TileLayers) -> None:
    x, y = home(14)
    plain = dict(features_of(layers.tile(tiny, "cells", 14, x, y), "cells")[0][0])
    with_counts = features_of(layers.tile(tiny, "cells", 14, x, y, WINDOW), "cells")[0][0]
    assert plain.items() <= with_counts.items()
    assert with_counts.keys() - plain.keys() == {"count", "per_km2"}


# -- squares -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "target", "z"),
    [("density-cells", "cell", z) for z in (0, 4, 9, 11, 12)] + [("density-roads", "segment", z) for z in (0, 4, 9)],
)
def test_squares_conserve_the_sums(tiny: Connection, layers: TileLayers, collection: str, target: str, z: int) -> None:
    expected = counted(tiny, target)
    # From the detail zoom on features are shown themselves, also beyond the tile's sides.
    assert layers.describe(tiny, collection, WINDOW).detail_zoom > z
    size = "area_km2" if target == "cell" else "length_m"
    features = count = 0
    total = 0.0
    for x, y in tiles_over((113.59, 34.69, 113.72, 34.72), z):
        for one, _ in features_of(layers.tile(tiny, collection, z, x, y, WINDOW), collection):
            features, count, total = features + one["features"], count + one["count"], total + one[size]
            rate = one["count"] / one[size] * (1 if target == "cell" else 1000)
            assert one["per_km2" if target == "cell" else "per_km"] == pytest.approx(rate)
    table = "cells" if target == "cell" else "road_segments"
    assert (features, count) == (48 if target == "cell" else 3, sum(expected.values()))
    assert total == pytest.approx(float(tiny.execute(text(f"SELECT sum({size}) FROM {table}")).scalar_one()), rel=1e-12)


@pytest.mark.parametrize("z", [0, 8, 14])
def test_every_report_with_a_position_counts_once(tiny: Connection, layers: TileLayers, z: int) -> None:
    found = sum(
        one["features"]
        for x, y in tiles_over((113.59, 34.69, 113.72, 34.72), z)
        for one, _ in features_of(layers.tile(tiny, "reports", z, x, y, WINDOW), "reports")
    )
    assert found == 500
    outside = tiny.execute(text("SELECT count(*) FROM reports WHERE cell_id IS NULL")).scalar_one()
    assert 0 < outside < 500


def test_filters_reach_reports_everywhere(tiny: Connection, layers: TileLayers, facts: Tiny) -> None:
    some = DensityQuery(date(2016, 5, 3), date(2016, 5, 9), categories=("0501",), sources=("citizen",))
    expected = {
        f"{one['source']}:{one['id']}"
        for one in facts.reports
        if "2016-05-03" <= one["time"] < "2016-05-09" and one["category"] == "0501" and one["source"] == "citizen"
    }
    x, y = home(10)
    assert sum(
        one["features"] for one, _ in features_of(layers.tile(tiny, "reports", 10, x, y, some), "reports")
    ) == len(expected)
    shown = {
        one["id"]: one
        for x, y in tiles_over((113.59, 34.69, 113.62, 34.71), DETAIL_ZOOM)
        for one, _ in features_of(layers.tile(tiny, "reports", DETAIL_ZOOM, x, y, some), "reports")
    }
    assert shown.keys() == expected
    one = next(iter(shown.values()))
    assert one["category"] == "event:0501"
    assert one["reported_at"].endswith("Z")
    assert one["source_ref"] == one["id"].removeprefix("citizen:")


def test_reports_are_drawn_as_postgis_draws_them(tiny: Connection, layers: TileLayers) -> None:
    for z, (x, y) in itertools.product((DETAIL_ZOOM, 17), tiles_over(CITY_BOX, DETAIL_ZOOM)[:4]):
        x, y = x << (z - DETAIL_ZOOM), y << (z - DETAIL_ZOOM)
        tile = tiny.execute(
            text(
                "SELECT ST_AsMVT(t, 'n') FROM (SELECT source_ref, ST_AsMVTGeom(ST_Transform(geom, 3857),"
                " ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom FROM reports OFFSET 0) AS t"
                " WHERE geom IS NOT NULL"
            ),
            {"z": z, "x": x, "y": y},
        ).scalar_one()
        theirs = {one["source_ref"]: shape for one, shape in features_of(bytes(tile), "n")}
        ours = features_of(layers.tile(tiny, "reports", z, x, y, WINDOW), "reports")
        assert {one["source_ref"] for one, _ in ours} == theirs.keys()
        assert all(shape.distance(theirs[one["source_ref"]]) <= 1 for one, shape in ours)


def test_too_many_reports_in_a_tile_are_squares(
    tiny: Connection, layers: TileLayers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles_of_reports, "MOST", 3)
    expected = {(one["lon"], one["lat"]) for one in tiny_facts().reports}
    found = [
        one["features"]
        for x, y in tiles_over((113.59, 34.69, 113.62, 34.71), DETAIL_ZOOM)
        for one, shape in features_of(layers.tile(tiny, "reports", DETAIL_ZOOM, x, y, WINDOW), "reports")
        if shape.geom_type == "Polygon"
    ]
    assert len(expected) > len(found) > 100
    assert MOST > 3
    assert sum(found) > 480


# -- other layers ------------------------------------------------------------------------------------------------------


def present(collections: Iterable[str]) -> list[str]:
    """Those that the tiny city has."""
    return [name for name in collections if not name.endswith("communities")]


UNDER_WAY = (
    "cases",
    "listings",
    "listing-grounds",
    "operations",
    "standings",
    "dust-points",
    "facilities",
    "measures",
)


def test_every_collection_has_tiles_and_says_what_is_in_them(tiny: Connection, layers: TileLayers) -> None:
    for name in present(COLLECTIONS):
        told = layers.describe(tiny, name)
        for z in (3, 12, 16):
            for x, y in tiles_over(CITY_BOX, z):
                for properties, _ in features_of(layers.tile(tiny, name, z, x, y), name):
                    assert properties.keys() <= told.fields.keys()
                    for key, value in properties.items():
                        kind = {bool: "Boolean", str: "String"}.get(type(value), "Number")
                        assert told.fields[key] == kind, key
        if told.bounds is None:  # nothing is under way in this city
            assert name in UNDER_WAY, name
            continue
        assert 113.59 < told.bounds[0] <= told.bounds[2] < 113.71
        assert 34.69 < told.bounds[1] <= told.bounds[3] < 34.71
        assert told.window == (WINDOW if name.startswith("density-") or name == "reports" else None)


def test_staffing_shows_each_tier_of_each_street(tiny: Connection, layers: TileLayers) -> None:
    found = {}
    for x, y in tiles_over(CITY_BOX, 15):
        for one, _ in features_of(layers.tile(tiny, "staffing", 15, x, y, given={"on": date(2016, 5, 5)}), "staffing"):
            found[one["id"]] = one
    assert found["990101001:key"]["on_post"] == 2
    assert found["990102002:general"].keys() == {"id", "code", "name", "tier", "on_post"}
    by_district = layers.tile(tiny, "staffing", 13, *home(13), given={"level": "district"})
    assert {one["code"][:4] for one, _ in features_of(by_district, "staffing")} == {"9901"}
    with pytest.raises(ParameterError, match="level"):
        layers.tile(tiny, "staffing", 13, 0, 0, given={"level": "community"})


def test_tiles_elsewhere_are_empty(tiny: Connection, layers: TileLayers) -> None:
    for name, z in itertools.product(present(COLLECTIONS), (5, 14, 16)):
        assert layers.tile(tiny, name, z, 0, 0) == b""


def test_an_empty_city_has_empty_tiles(conn: Connection, zhengzhou: object) -> None:
    layers = TileLayers()
    for name in COLLECTIONS:
        assert layers.tile(conn, name, 0, 0, 0) == b""
        assert layers.tile(conn, name, 16, 3, 4) == b""
        assert layers.describe(conn, name).bounds is None


def test_what_is_no_tile_or_layer_is_refused(tiny: Connection, layers: TileLayers) -> None:
    with pytest.raises(NotFound, match="density-cells"):
        layers.tile(tiny, "nothing", 0, 0, 0)
    with pytest.raises(NotFound):
        layers.tile(tiny, "cells", 3, 8, 0)
    for name in ("communities", "density-communities"):
        with pytest.raises(NotFound, match="level 'community'"):
            layers.tile(tiny, name, 3, 0, 0)
    with pytest.raises(ParameterError, match="zoom from 0"):
        layers.tile(tiny, "cells", 23, 0, 0)
    with pytest.raises(ParameterError, match="category"):
        layers.tile(tiny, "density-cells", 3, 0, 0, DensityQuery(date(2016, 5, 1), date(2016, 5, 2), ("none",)))


# -- kept --------------------------------------------------------------------------------------------------------------


def test_tiles_from_memory_are_the_same_and_need_no_connection(tiny: Connection) -> None:
    layers = TileLayers()
    seen = read_versions(tiny)
    for name, z in itertools.product(("cells", "density-cells", "reports", "districts"), (9, 14)):
        x, y = home(z)
        query = WINDOW if name == "density-cells" else None
        if z == 9:
            assert layers.tile_in_memory(seen, name, z, x, y, query) is None
        assert layers.tile(tiny, name, z, x, y, query) == layers.tile_in_memory(seen, name, z, x, y, query)
        assert layers.tile_in_memory({**seen, "cells": (99, 0), "areas": (99, 0)}, name, z, x, y, query) is None
    assert layers.tile_in_memory(seen, "reports", DETAIL_ZOOM, 0, 0) is None
    assert layers.tile_in_memory(seen, "staffing", 3, 0, 0) is None


def test_a_change_is_seen_at_once(conn: Connection, facts: Tiny) -> None:
    fill(conn, facts)
    layers = TileLayers()
    x, y = tiles_over((113.6005, 34.7005, 113.6005, 34.7005), 14)[0]
    before = features_of(layers.tile(conn, "density-cells", 14, x, y, WINDOW), "density-cells")
    conn.execute(text("UPDATE cells SET retired_at = now() WHERE code = '990101001001'"))
    bump_version(conn, "cells")
    after = features_of(layers.tile(conn, "density-cells", 14, x, y, WINDOW), "density-cells")
    assert {one["code"] for one, _ in before} - {one["code"] for one, _ in after} == {"990101001001"}


def test_threads_share_one_picture(tiny_engine: Engine) -> None:
    layers, found = TileLayers(), []
    x, y = home(14)

    def ask() -> None:
        with transaction(tiny_engine, read_only=True) as conn:
            found.append(layers.tile(conn, "density-cells", 14, x, y, WINDOW))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 2
    assert found[0] == found[1] != b""
