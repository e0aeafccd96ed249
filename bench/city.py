"""The city that benchmarks run on: 100 k irregular cells, 50 k road segments, points that cluster; seeded."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.city import City, define_city
from gis.geometry.datum import metric_transformer
from gis.store.copying import CopyColumn, copy_in

SEED = 20160601
WEST, SOUTH = 113.45, 34.60
SIDE_LON, SIDE_LAT = 0.00109, 0.00090  # about 100 m at 34.75 N
METRIC = "EPSG:4547"

CITY = City(
    slug="bench",
    code="4101",
    name="bench",
    name_en="bench",
    time_zone="Asia/Shanghai",
    metric_crs=METRIC,
    levels=(("district", 2), ("street", 3), ("cell", 6)),
    demo_window=(date(2016, 6, 1), date(2016, 6, 11)),
)


def irregular_cells(count: int) -> NDArray[np.object_]:
    """About `count` quadrilaterals with bent edges that share all vertices with their neighbours: no gap, no overlap."""
    side = int(np.sqrt(count))
    rng = np.random.default_rng(SEED)
    lon = WEST + SIDE_LON * (np.arange(side + 1)[None, :] + rng.uniform(-0.3, 0.3, (side + 1, side + 1)))
    lat = SOUTH + SIDE_LAT * (np.arange(side + 1)[:, None] + rng.uniform(-0.3, 0.3, (side + 1, side + 1)))
    corner = np.stack([lon, lat], axis=-1)
    # A vertex in the middle of every edge, a little off the straight line.
    across = (corner[:, 1:] + corner[:, :-1]) / 2 + rng.uniform(-0.1, 0.1, (side + 1, side, 2)) * [SIDE_LON, SIDE_LAT]
    up = (corner[1:] + corner[:-1]) / 2 + rng.uniform(-0.1, 0.1, (side, side + 1, 2)) * [SIDE_LON, SIDE_LAT]
    rings = np.stack(
        [
            corner[:-1, :-1], across[:-1], corner[:-1, 1:], up[:, 1:],
            corner[1:, 1:], across[1:], corner[1:, :-1], up[:, :-1], corner[:-1, :-1],
        ],
        axis=2,
    )  # fmt: skip
    return shapely.polygons(rings.reshape(side * side, 9, 2))


def road_lines(count: int, extent: tuple[float, float, float, float]) -> NDArray[np.object_]:
    """`count` bent lines of 50-400 m, mostly along a street pattern, in WGS 84."""
    west, south, east, north = extent
    rng = np.random.default_rng(SEED + 1)
    x, y = rng.uniform(west, east, count), rng.uniform(south, north, count)
    heading = rng.integers(0, 4, count) * np.pi / 2 + rng.normal(0, 0.15, count)
    length = rng.uniform(50, 400, count)
    steps = np.linspace(0, 1, 5)[None, :]
    bend = rng.normal(0, 8, (count, 5)) * np.sin(np.pi * steps)
    dx = np.cos(heading)[:, None] * length[:, None] * steps - np.sin(heading)[:, None] * bend
    dy = np.sin(heading)[:, None] * length[:, None] * steps + np.cos(heading)[:, None] * bend
    lines = np.stack([x[:, None] + dx / 91_500, y[:, None] + dy / 110_950], axis=-1)
    return shapely.linestrings(lines)


def clustered_points(
    count: int, extent: tuple[float, float, float, float], seed: int = SEED
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reports as a city has them: seven of ten near one of 2,000 hot spots, the others anywhere."""
    west, south, east, north = extent
    rng = np.random.default_rng(seed)
    spots = np.random.default_rng(SEED + 2).uniform([west, south], [east, north], (2000, 2))
    near = rng.random(count) < 0.7
    chosen = spots[rng.integers(0, len(spots), count)] + rng.normal(0, 0.003, (count, 2))
    anywhere = rng.uniform([west, south], [east, north], (count, 2))
    points = np.where(near[:, None], chosen, anywhere)
    return points[:, 0].copy(), points[:, 1].copy()


def extent_of(cells: NDArray[np.object_]) -> tuple[float, float, float, float]:
    """West, south, east, north of all cells."""
    bounds = shapely.total_bounds(cells)
    return float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3])


def fill_ground(conn: Connection, cells: NDArray[np.object_], roads: NDArray[np.object_]) -> None:
    """Store the city: a district of 200 streets, the cells in code order, the roads, categories and sources."""
    define_city(conn, CITY)
    box = shapely.box(*extent_of(cells)).buffer(0.01, join_style="mitre")
    conn.execute(
        text(
            "INSERT INTO areas (level, code, name, geom) VALUES ('district', '410101', 'D', ST_Multi(ST_GeomFromText(:w, 4326)))"
        ),
        {"w": box.wkt},
    )
    west, south, east, north = box.bounds
    edges = np.linspace(south, north, 201)
    for number in range(200):
        strip = shapely.box(west, edges[number], east, edges[number + 1])
        conn.execute(
            text(
                "INSERT INTO areas (level, code, name, parent_id, parent_level, geom) SELECT 'street', :code, :code, id, level,"
                " ST_Multi(ST_GeomFromText(:w, 4326)) FROM areas WHERE level = 'district'"
            ),
            {"code": f"410101{number + 1:03d}", "w": strip.wkt},
        )
    conn.execute(text("CREATE TEMP TABLE incoming (n int, geom geometry, geom_m geometry)"))
    _stage(conn, shapely.multipolygons(cells, indices=np.arange(len(cells))), None)
    conn.execute(
        text(
            "INSERT INTO cells (code, area_id, surveyed, geom) SELECT a.code || lpad(n::text, 6, '0'), a.id, true, i.geom"
            " FROM incoming i JOIN areas a ON a.level = 'street' AND a.code = '410101' || lpad((n * 200 / :total + 1)::text, 3, '0')"
        ),
        {"total": len(cells)},
    )
    conn.execute(text("TRUNCATE incoming"))
    to_metric = metric_transformer(METRIC)
    metric = shapely.transform(roads, lambda at: np.column_stack(to_metric.transform(at[:, 0], at[:, 1])))
    numbers = np.arange(len(roads))
    _stage(conn, shapely.multilinestrings(roads, indices=numbers), shapely.multilinestrings(metric, indices=numbers))
    conn.execute(
        text(
            "INSERT INTO road_segments (code, class, geom, geom_m)"
            " SELECT 'R' || lpad(n::text, 6, '0'), 'branch', geom, geom_m FROM incoming"
        )
    )
    conn.execute(text("DROP TABLE incoming"))
    for number, code in enumerate(("0501", "0505", "0102", "0201")):
        conn.execute(
            text(
                "INSERT INTO categories (standard_ref, kind, code, name, name_en) VALUES ('bench', 'event', :code, :name, :name)"
            ),
            {"code": code, "name": f"category {number}"},
        )
    conn.execute(text("INSERT INTO sources (name, kind) VALUES ('patrol', 'patrol'), ('citizen', 'citizen')"))


def _stage(conn: Connection, shapes: NDArray[np.object_], metric: NDArray[np.object_] | None) -> None:
    columns = [
        CopyColumn("n", "int4", np.arange(len(shapes))),
        CopyColumn(
            "geom", "bytea", pa.array(shapely.to_wkb(shapely.set_srid(shapes, 4326), include_srid=True), pa.binary())
        ),
    ]
    if metric is not None:
        columns.append(CopyColumn("geom_m", "bytea", pa.array(shapely.to_wkb(metric), pa.binary())))
    copy_in(conn, "incoming", columns)
