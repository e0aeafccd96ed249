"""A tiny city: 48 cells, four streets of which one has no cells, three roads, 500 reports, people."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Connection, text

from gis.city import City, define_city
from gis.geometry.datum import metric_transformer
from gis.store.database import bump_version

WEST, SOUTH, STEP = 113.6, 34.7, 0.001
CITY = City(
    slug="tiny",
    code="9901",
    name="小城",
    name_en="Tiny",
    time_zone="Asia/Shanghai",
    metric_crs="EPSG:4547",
    levels=(("district", 2), ("street", 3), ("cell", 3)),
    provenance={"areas": {"synthetic": False, "text": "drawn"}, "reports": {"synthetic": True, "text": "made up"}},
    demo_window=(date(2016, 5, 1), date(2016, 5, 21)),
)
# code, name, columns of cells from and to, whether it has any
STREETS = (
    ("990101001", "东街", 0, 4, True),
    ("990101002", "=1+1", 4, 8, True),
    ("990102001", "西街", 8, 12, True),
    ("990102002", "空街", 12, 16, False),
)
CATEGORIES = (
    ("event", "0501", "无照经营游商", "Street vendors", "trading"),
    ("event", "0505", "机动车乱停放", "Cars parked chaotically", "parking"),
    ("event", "0102", "暴露垃圾", "Exposed rubbish", "rubbish"),
    ("component", "0102", "井盖", "Manhole cover", None),
)
COORDINATORS = (
    ("A1", "990101001", "key", "[2016-01-01,)"),
    ("A2", "990101001", "key", "[2016-01-01,2016-05-10)"),
    ("A3", "990101001", "secondary", "[2016-01-01,)"),
    ("A4", "990102002", "general", "[2016-01-01,)"),
)


def rectangle(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box in steps from the city's corner; every coordinate is the same float wherever it occurs."""
    xs = [round(WEST + STEP * x, 6) for x in (west, east)]
    ys = [round(SOUTH + STEP * y, 6) for y in (south, north)]
    return shapely.box(xs[0], ys[0], xs[1], ys[1])


@dataclass
class Tiny:
    """What went into the tiny city, for counting independently."""

    cells: dict[str, shapely.Polygon] = field(default_factory=dict)
    tiers: dict[str, str] = field(default_factory=dict)
    roads: dict[str, shapely.LineString] = field(default_factory=dict)
    reports: list[dict[str, str]] = field(default_factory=list)

    @staticmethod
    def at(x: float, y: float) -> tuple[float, float]:
        """Longitude and latitude of a place in steps from the corner."""
        return round(WEST + STEP * x, 7), round(SOUTH + STEP * y, 7)


def tiny_facts() -> Tiny:
    facts = Tiny()
    for code, _, first, last, has_cells in STREETS:
        number = 0
        for y in (3, 2, 1, 0):
            for x in range(first, last) if has_cells else ():
                number += 1
                facts.cells[f"{code}{number:03d}"] = rectangle(x, y, x + 1, y + 1)
                facts.tiers[f"{code}{number:03d}"] = "key" if x < 2 or x >= 8 else "secondary" if x < 4 else "general"
    facts.roads = {
        "R1": shapely.LineString([facts.at(0, 1.5), facts.at(6, 1.5)]),
        "R2": shapely.LineString([facts.at(7.5, 0), facts.at(7.5, 4)]),
        "R3": shapely.LineString([facts.at(100, 0), facts.at(101, 0)]),
    }
    rng = np.random.default_rng(7)
    for number in range(500):
        # Four decimals: a fifth of the points lie on edges and some on corners of cells.
        lon = round(float(rng.uniform(WEST - STEP, WEST + 13 * STEP)), 4)
        lat = round(float(rng.uniform(SOUTH - STEP, SOUTH + 5 * STEP)), 4)
        kind, code, *_ = CATEGORIES[int(rng.integers(0, 3))]
        facts.reports.append(
            {
                "id": f"T{number:04d}",
                "lon": str(lon),
                "lat": str(lat),
                "time": f"2016-05-{int(rng.integers(1, 21)):02d} {int(rng.integers(0, 24)):02d}:30:00",
                "category": code,
                "category_kind": kind,
                "source": "patrol" if rng.random() < 0.6 else "citizen",
                "description": "" if number % 3 else f"第{number}号",
            }
        )
    return facts


def bad_rows(facts: Tiny) -> list[dict[str, str]]:
    """Rows that are rejected, and two that repeat."""
    first = facts.reports[0]
    return [
        {**first, "id": "B1", "lon": "", "lat": ""},
        {**first, "id": "B2", "category": "0999"},
        {**first, "id": "B3", "time": "2016-02-30 10:00:00"},
        {**first, "id": "B4", "lon": first["lat"], "lat": first["lon"]},
        first,
        facts.reports[1],
    ]


def write_reports(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def fill(conn: Connection, facts: Tiny) -> None:
    """Store everything but the reports."""
    define_city(conn, CITY)
    add_area = text(
        "INSERT INTO areas (level, code, name, parent_id, parent_level, geom) SELECT :level, :code, :name,"
        " (SELECT id FROM areas WHERE code = :parent), (SELECT level FROM areas WHERE code = :parent),"
        " ST_Multi(ST_GeomFromText(:wkt, 4326))"
    )
    for number in (1, 2):
        box = rectangle(8 * number - 8, 0, 8 * number, 4).wkt
        conn.execute(
            add_area,
            {"level": "district", "code": f"99010{number}", "name": f"{number}区", "parent": None, "wkt": box},
        )
    for code, name, first, last, _ in STREETS:
        box = rectangle(first, 0, last, 4).wkt
        conn.execute(add_area, {"level": "street", "code": code, "name": name, "parent": code[:6], "wkt": box})
    conn.execute(
        text(
            "INSERT INTO cells (code, area_id, tier, surveyed, geom) SELECT :code, id, :tier, true,"
            " ST_Multi(ST_GeomFromText(:wkt, 4326)) FROM areas WHERE code = :street"
        ),
        [
            {"code": code, "tier": facts.tiers[code], "wkt": shape.wkt, "street": code[:9]}
            for code, shape in facts.cells.items()
        ],
    )
    metric = metric_transformer(CITY.metric_crs)
    conn.execute(
        text(
            "INSERT INTO road_segments (code, name, class, geom, geom_m) VALUES (:code, :code, 'branch',"
            " ST_Multi(ST_GeomFromText(:wkt, 4326)), ST_Multi(ST_GeomFromText(:metric)))"
        ),
        [
            {
                "code": code,
                "wkt": line.wkt,
                "metric": shapely.transform(line, metric.transform, interleaved=False).wkt,
            }
            for code, line in facts.roads.items()
        ],
    )
    conn.execute(
        text(
            "INSERT INTO categories (standard_ref, kind, code, name, name_en, chaos)"
            " VALUES ('tiny', :kind, :code, :name, :name_en, :chaos)"
        ),
        [dict(zip(("kind", "code", "name", "name_en", "chaos"), row, strict=True)) for row in CATEGORIES],
    )
    conn.execute(text("INSERT INTO sources (name, kind) VALUES ('patrol', 'patrol'), ('citizen', 'citizen')"))
    conn.execute(
        text(
            "INSERT INTO coordinators (ref, name, area_id, tier, on_post) SELECT :ref, :ref, id, :tier,"
            " CAST(:days AS daterange) FROM areas WHERE code = :street"
        ),
        [dict(zip(("ref", "street", "tier", "days"), row, strict=True)) for row in COORDINATORS],
    )
    bump_version(conn, "areas", "cells", "roads", "categories", "coordinators")
