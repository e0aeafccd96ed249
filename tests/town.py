"""A small town for tests: slanted bricks as cells, so that corners meet edges, and roads at equal distances."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.city import City, define_city
from gis.geometry.datum import metric_transformer
from gis.report_files import ReportFile
from gis.reports import ImportOrder, ImportSummary, import_reports
from gis.store.database import bump_version

WEST, SOUTH = 113.60, 34.70
EAST_STEP, NORTH_STEP = 0.00109, 0.00090  # about 100 m
COLUMNS, ROWS = 10, 10
SLANT = 0.13
HEADER = ("source_ref", "lon", "lat", "reported_at", "category")
CATEGORIES = (
    ("event", "0501", "占道经营", "street vendors", "trading"),
    ("event", "0505", "机动车乱停", "cars", "parking"),
    ("event", "0102", "暴露垃圾", "exposed rubbish", "rubbish"),
    ("event", "0101", "私搭乱建", "sheds", None),
    ("component", "0101", "上水井盖", "water covers", None),
)
CODES = ("0501", "0505", "0102", "event:0101")


def town(time_zone: str = "Asia/Shanghai") -> City:
    return City(
        slug="town",
        code="4101",
        name="镇",
        name_en="Town",
        time_zone=time_zone,
        metric_crs="EPSG:4547",
        levels=(("district", 2), ("street", 3), ("cell", 3)),
    )


def slanted(x: Any, y: Any) -> NDArray[np.float64]:
    """Columns and rows as longitude and latitude, every row higher to the east."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    return np.stack([WEST + x * EAST_STEP, SOUTH + (y + SLANT * x) * NORTH_STEP], axis=-1)


def brick(column: float, row: float, width: float = 1) -> shapely.Polygon:
    return shapely.Polygon(slanted([column, column + width, column + width, column], [row, row, row + 1, row + 1]))


def bricks() -> list[tuple[int, shapely.Polygon]]:
    """Street number and shape of each cell; odd rows begin half a brick further east."""
    found = []
    for row in range(ROWS):
        shift = 0.5 * (row % 2)
        found += [
            (1 if column + shift < COLUMNS / 2 else 2, brick(column + shift, row))
            for column in range(COLUMNS - (row % 2))
        ]
    return found


def lines() -> list[shapely.LineString]:
    """Two roads 20 m apart, one of them twice, one across, one just outside."""
    along = [[0, 10], [2.1, 2.1]], [[0, 10], [2.3, 2.3]], [[10, 0], [2.3, 2.3]]
    return [shapely.LineString(slanted(*at)) for at in (*along, [[5, 5], [-1, 11]], [[0, 4], [10.2, 10.2]])]


def build_town(conn: Connection, time_zone: str = "Asia/Shanghai") -> None:
    """Fill an empty database: a district, two streets, 95 cells in shuffled code order, five roads, the dictionary."""
    define_city(conn, town(time_zone))
    whole = shapely.Polygon(slanted([-1, 11, 11, -1], [-1, -1, 11, 11]))
    parts = {1: shapely.Polygon(slanted([-1, 5, 5, -1], [-1, -1, 11, 11])), 2: brick(5, -1, 6).union(whole)}
    add_area = text(
        "INSERT INTO areas (level, code, name, parent_id, parent_level, geom) SELECT :level, :code, :code,"
        " (SELECT id FROM areas WHERE code = :parent), (SELECT level FROM areas WHERE code = :parent),"
        " ST_Multi(ST_GeomFromWKB(:wkb, 4326))"
    )
    conn.execute(add_area, {"level": "district", "code": "410101", "parent": None, "wkb": whole.wkb})
    for number, shape in parts.items():
        street = {"level": "street", "code": f"410101{number:03d}", "parent": "410101", "wkb": shape.wkb}
        conn.execute(add_area, street)
    shapes = bricks()
    numbers = np.random.default_rng(7).permutation(len(shapes)) + 1
    for (street_number, shape), number in zip(shapes, numbers.tolist(), strict=True):
        add_cell(conn, f"410101{street_number:03d}", f"410101{street_number:03d}{number:03d}", shape)
    for number, line in enumerate(lines()):
        add_road(conn, f"R{number:06d}", line)
    for kind, code, name, name_en, chaos in CATEGORIES:
        conn.execute(
            text(
                "INSERT INTO categories (standard_ref, kind, code, name, name_en, chaos)"
                " VALUES ('town', :kind, :code, :name, :name_en, :chaos)"
            ),
            {"kind": kind, "code": code, "name": name, "name_en": name_en, "chaos": chaos},
        )
    bump_version(conn, "areas", "cells", "roads", "categories")


def add_cell(conn: Connection, street: str, code: str, shape: shapely.Polygon) -> None:
    conn.execute(
        text(
            "INSERT INTO cells (code, area_id, surveyed, geom)"
            " SELECT :code, id, true, ST_Multi(ST_GeomFromWKB(:wkb, 4326)) FROM areas WHERE code = :street"
        ),
        {"code": code, "street": street, "wkb": shape.wkb},
    )


def add_road(conn: Connection, code: str, line: shapely.LineString) -> None:
    to_metric = metric_transformer(town().metric_crs)
    metric = shapely.transform(line, lambda at: np.column_stack(to_metric.transform(at[:, 0], at[:, 1])))
    conn.execute(
        text(
            "INSERT INTO road_segments (code, class, geom, geom_m) VALUES (:code, 'branch',"
            " ST_Multi(ST_GeomFromWKB(:wkb, 4326)), ST_Multi(ST_GeomFromWKB(:metric, 0)))"
        ),
        {"code": code, "wkb": line.wkb, "metric": metric.wkb},
    )


# -- reports -----------------------------------------------------------------------------------------------------------


def some_points(count: int, seed: int = 1) -> NDArray[np.float64]:
    """Points in the town and around it, many of them on corners, edges and where a corner meets an edge."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 11, count), rng.uniform(-1, 11, count)
    kind = rng.integers(0, 4, count)
    x = np.where(kind == 1, np.round(x * 2) / 2, x)
    y = np.where(kind >= 1, np.round(y), y)
    x = np.where(kind == 2, np.round(x * 2) / 2, x)
    return slanted(x, y)


def some_rows(count: int, seed: int = 1, first: int = 0) -> list[tuple[str, str, str, str, str]]:
    rng = np.random.default_rng(seed)
    minutes = rng.integers(0, 40 * 24 * 60, count)
    times = np.datetime64("2016-05-20T00:00") + minutes.astype("m8[m]")
    codes = rng.integers(0, len(CODES), count)
    return [
        (f"r{first + n}", repr(float(lon)), repr(float(lat)), str(times[n]), CODES[codes[n]])
        for n, (lon, lat) in enumerate(some_points(count, seed))
    ]


def write_csv(path: Path, rows: Iterable[tuple], header: tuple[str, ...] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def take_in(conn: Connection, path: Path, source: str = "patrol", **order: Any) -> ImportSummary:
    """Import a file as a command would; the caller commits."""
    mapping = order.pop("mapping", {})
    encoding = order.pop("encoding", "utf-8")
    crs = order.pop("crs", "wgs84")
    return import_reports(conn, ImportOrder(ReportFile(path, mapping, encoding), source, crs=crs, **order))


# -- what the database holds -------------------------------------------------------------------------------------------


def stored_reports(conn: Connection) -> list[tuple]:
    """Everything that a report is, by the names of things, so that two databases can be compared."""
    return [
        tuple(row)
        for row in conn.execute(
            text(
                "SELECT s.name, r.source_ref, k.kind || ':' || k.code, r.reported_at, r.day, c.code, g.code,"
                " ST_X(r.geom), ST_Y(r.geom), r.description FROM reports r JOIN sources s ON s.id = r.source_id"
                " JOIN categories k ON k.id = r.category_id LEFT JOIN cells c ON c.id = r.cell_id"
                " LEFT JOIN road_segments g ON g.id = r.segment_id ORDER BY 1, 2"
            )
        )
    ]


def sums(summary: ImportSummary) -> tuple[int, int, int, int]:
    """Read, accepted, duplicate, rejected, after checking that they add up."""
    assert summary.accepted + summary.duplicate + summary.rejected == summary.read
    assert summary.in_cells + summary.outside + summary.no_position == summary.accepted
    return summary.read, summary.accepted, summary.duplicate, summary.rejected
