"""No tile is larger than the limit, and what is shown at the buffer's end, the antimeridian and the poles."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, text

from gis.store.database import bump_version
from gis.tiles.layers import TileLayers
from gis.tiles.mvt import Column, text_value
from gis.tiles.pictures import LIMIT, Picture, squares_tile
from gis.tiles.pyramid import tile_bounds
from gis.tiles.shapes import Shapes
from gis.tiles.sources import Table, source_of
from gis.tiles.squares import Rate, Summand, Sums
from tests.tile_reading import drawn_by_postgis, features_of, tiles_over

# -- limit -------------------------------------------------------------------------------------------------------------


def dense_picture(count: int) -> Picture:
    """Very many small squares within one tile of zoom 16, with names of their own."""
    rng = np.random.default_rng(5)
    west, south = 113.6, 34.7
    lon, lat = west + 0.004 * rng.random(count), south + 0.003 * rng.random(count)
    shapes = Shapes("polygon", shapely.box(lon, lat, lon + 2e-4, lat + 2e-4))
    texts = [text_value(f"number {n:08d}") for n in range(count)]
    counts = rng.integers(0, 1000, count)
    columns = {"code": Column("code", "text", np.arange(count)), "count": Column("count", "integer", counts)}
    source = source_of(Table(shapes, [str(n) for n in range(count)], columns, texts))
    sums = Sums(
        source.where,
        {"count": Summand(counts), "area_km2": Summand(rng.integers(1, 10**9, count), 10**8)},
        (Rate("per_km2", "count", "area_km2"), Rate("per_km2_per_day", "count", "area_km2", 7)),
    )
    return Picture("dense", source, list(columns.values()), sums)


@pytest.mark.parametrize("count", [9_000, 40_000])
def test_no_tile_exceeds_the_limit(count: int) -> None:
    picture = dense_picture(count)
    box = (113.5999, 34.6999, 113.6043, 34.7033)
    squares = False
    for z in (0, 10, 14, 16, 17):
        features = 0
        for x, y in tiles_over(box, z):
            tile = picture.tile(z, x, y)
            assert len(tile) <= LIMIT
            found = features_of(tile, "dense")
            if found and "features" in found[0][0]:
                squares |= z >= picture.source.detail
                features += sum(one["features"] for one, _ in found)
            else:
                features += len(found)
        assert features >= count
        assert features == count or z >= 16
    assert squares == (count > 9_000)


def test_squares_become_coarser_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = dense_picture(20_000)
    fine = squares_tile("dense", picture.sums, 16, *tiles_over((113.602, 34.7015, 113.602, 34.7015), 16)[0])
    monkeypatch.setattr("gis.tiles.pictures.LIMIT", len(fine) - 1)
    coarse = squares_tile("dense", picture.sums, 16, *tiles_over((113.602, 34.7015, 113.602, 34.7015), 16)[0])
    assert len(coarse) < len(fine) / 2
    assert sum(one["features"] for one, _ in features_of(fine, "dense")) == sum(
        one["features"] for one, _ in features_of(coarse, "dense")
    )


# -- borders -----------------------------------------------------------------------------------------------------------


def place(conn: Connection, code: str, wkt: str) -> None:
    conn.execute(
        text(
            "INSERT INTO areas (level, code, name, geom) VALUES ('district', :code, :code,"
            " ST_Multi(ST_GeomFromText(:wkt, 4326)))"
        ),
        {"code": code, "wkt": wkt},
    )
    bump_version(conn, "areas")


def test_the_antimeridian_and_the_poles(conn: Connection, zhengzhou: object) -> None:
    place(conn, "4101E", shapely.box(179.9, -17.1, 180, -17).wkt)
    place(conn, "4101W", shapely.box(-180, -17.1, -179.9, -17).wkt)
    place(conn, "4101N", shapely.box(20, 80, 20.4, 90).wkt)
    place(conn, "4101P", shapely.box(10, 86, 10.4, 87).wkt)
    layers = TileLayers()
    z = layers.describe(conn, "districts").detail_zoom
    side = 1 << z
    row = tiles_over((179.95, -17.05, 179.95, -17.05), z)[0][1]
    assert [one["code"] for one, _ in features_of(layers.tile(conn, "districts", z, side - 1, row), "districts")] == [
        "4101E"
    ]
    assert [one["code"] for one, _ in features_of(layers.tile(conn, "districts", z, 0, row), "districts")] == ["4101W"]
    top = tiles_over((20.2, 85.05, 20.2, 85.05), z)[0]
    for x, y in (top, tiles_over((10.2, 85.05, 10.2, 85.05), z)[0]):
        assert y == 0
        ours = {one["code"] for one, _ in features_of(layers.tile(conn, "districts", z, x, y), "districts")}
        assert ours == ({"4101N"} if (x, y) == top else set())
    # Squares of the world: what lies beyond the pyramid's latitudes is in no tile.
    assert sum(one["features"] for one, _ in features_of(layers.tile(conn, "districts", 0, 0, 0), "districts")) in (
        2,
        3,
    )


def test_the_buffer_ends_after_64_units(conn: Connection, zhengzhou: object) -> None:
    z, x, y = 16, 53451, 25935
    west, south, east, north = tile_bounds(z, x, y)
    unit = (east - west) / 4096
    for code, right in (("41011", -63), ("41012", -66)):
        box = shapely.box(west - 3000 * unit, south, west + right * unit, north)
        degrees = conn.execute(
            text("SELECT ST_AsText(ST_Transform(ST_GeomFromText(:wkt, 3857), 4326), 17)"), {"wkt": box.wkt}
        ).scalar_one()
        place(conn, code, degrees)
    layers = TileLayers()
    ((one, shape),) = features_of(layers.tile(conn, "districts", z, x, y), "districts")
    assert one["code"] == "41011"
    assert shape.bounds == (-64, 0, -63, 4096)
    assert drawn_by_postgis(conn, "areas", z, x, y)["41011"].bounds == (-64, 0, -63, 4096)
