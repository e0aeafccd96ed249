"""After the ground changed: reports and roll-up are what a fresh import would have made them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, text

from gis.assignments import reassign
from gis.cells import load_cells
from gis.counts import stored_counts
from gis.grid import make_grid
from gis.reconciliation import reconciliation
from gis.roads import load_roads
from gis.store.database import bump_version, own_ground, versions
from gis.verify import verify
from tests.town import brick, bricks, build_town, lines, slanted, some_rows, stored_reports, take_in, write_csv

REPORTS = 1500


@pytest.fixture
def filled(conn: Connection, tmp_path: Path) -> Connection:
    build_town(conn)
    rows = [*some_rows(REPORTS), *((f"n{n}", "", "", f"2016-06-{n + 1:02d}", "0501") for n in range(20))]
    take_in(conn, write_csv(tmp_path / "reports.csv", rows), keep_unlocated=True)
    return conn


def write_features(path: Path, features: list[tuple[dict, shapely.Geometry]]) -> Path:
    listed = [
        {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(shape))}
        for properties, shape in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))
    return path


def retire_some(conn: Connection, _: Path) -> int:
    own_ground(conn)
    conn.execute(text("UPDATE cells SET retired_at = now() WHERE id % 3 = 0"))
    return reassign(conn)


def grow_the_lowest(conn: Connection, _: Path) -> int:
    """The lowest code now covers its neighbours too."""
    own_ground(conn)
    conn.execute(
        text(
            "UPDATE cells SET geom = ST_Multi(ST_Buffer(geom, 0.002))"
            " WHERE code = (SELECT min(code) FROM cells WHERE retired_at IS NULL)"
        )
    )
    return reassign(conn)


def cut_anew(conn: Connection, _: Path) -> int:
    return int(make_grid(conn, 150.0, "street", replace=True).reassigned)


def load_other_cells(conn: Connection, folder: Path) -> int:
    """Every second brick in two halves under new codes, the others gone."""
    halves = [
        ({"code": f"410101{street:03d}{500 + 2 * n + half}"}, brick(x, y, 0.5))
        for n, (street, shape) in enumerate(bricks()[::2])
        for half, (x, y) in enumerate(_halves(shape))
    ]
    path = write_features(folder / "cells.geojson", halves)
    # Bricks on the border between the streets lie half beyond it.
    return int(load_cells(conn, path, "wgs84", tolerance_m2=6000.0, replace_others=True).reassigned)


def _halves(shape: shapely.Polygon) -> list[tuple[float, float]]:
    origin, east, north = slanted([0, 1, 0], [0, 0, 1])
    lon, lat = shapely.get_coordinates(shape)[0] - origin
    x = lon / (east - origin)[0]
    y = (lat - x * (east - origin)[1]) / (north - origin)[1]
    x, y = round(float(x) * 2) / 2, round(float(y))
    return [(x, y), (x + 0.5, y)]


def replace_roads(conn: Connection, folder: Path) -> int:
    moved = [
        ({"code": f"N{n}", "class": "main", "name": ""}, shapely.affinity.translate(line, 0, 0.00007))
        for n, line in enumerate(lines())
    ]
    path = write_features(folder / "roads.geojson", moved)
    return int(load_roads(conn, path, "wgs84", replace_others=True).reassigned)


def take_away_all(conn: Connection, _: Path) -> int:
    own_ground(conn)
    conn.execute(text("UPDATE cells SET retired_at = now()"))
    conn.execute(text("UPDATE road_segments SET retired_at = now()"))
    return reassign(conn)


CHANGES = (retire_some, grow_the_lowest, cut_anew, load_other_cells, replace_roads, take_away_all)


def rolled_up(conn: Connection) -> list[list[tuple]]:
    window = {"first": "2016-05-01", "start": 0, "stop": 90}
    return [[tuple(row) for row in stored_counts(conn, target, window).tolist()] for target in ("cell", "segment")]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_is_what_a_fresh_import_would_be(
    change: Callable[[Connection, Path], int], filled: Connection, tmp_path: Path
) -> None:
    before = stored_reports(filled)
    version = versions(filled)["reports"]
    moved = change(filled, tmp_path)
    after = stored_reports(filled)
    different = sum(old != new for old, new in zip(before, after, strict=True))
    assert moved == different > 0
    assert versions(filled)["reports"] == version + 1
    assert verify(filled).differences == 0
    assert reconciliation(filled)["adds_up"]
    # What is no place stays as it was.
    assert [(*row[:5], *row[7:]) for row in after] == [(*row[:5], *row[7:]) for row in before]
    kept = rolled_up(filled)
    filled.execute(text("DELETE FROM reports"))
    filled.execute(text("DELETE FROM report_counts"))
    take_in(filled, tmp_path / "reports.csv", keep_unlocated=True)
    assert stored_reports(filled) == after
    assert rolled_up(filled) == kept


def test_all_changes_one_after_another_in_one_transaction(filled: Connection, tmp_path: Path) -> None:
    for change in CHANGES:
        if change is not load_other_cells:  # which does not fit what the lattice left
            change(filled, tmp_path)
            assert verify(filled).differences == 0


def test_where_nothing_changed_nothing_moves(filled: Connection) -> None:
    own_ground(filled)
    version = versions(filled)["reports"]
    held = filled.execute(text("SELECT ctid, xmin FROM reports ORDER BY 1")).all()
    assert reassign(filled) == 0
    assert versions(filled)["reports"] == version
    assert filled.execute(text("SELECT ctid, xmin FROM reports ORDER BY 1")).all() == held


def test_a_city_without_reports(conn: Connection) -> None:
    build_town(conn)
    assert reassign(conn) == 0


def test_days_far_apart(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    years = np.arange(1990, 2030, 5)
    rows = [(f"r{year}", "113.604", "34.705", f"{year}-02-28 12:00", "0501") for year in years]
    take_in(conn, write_csv(tmp_path / "reports.csv", rows))
    conn.execute(text("UPDATE cells SET retired_at = now()"))
    bump_version(conn, "cells")
    assert reassign(conn) == len(years)
    assert verify(conn).differences == 0
