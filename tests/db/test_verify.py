"""PostGIS as the judge: it agrees on edges, corners and T-junctions, and it sees every kind of damage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from gis.store.database import create_database_engine, transaction
from gis.verify import verify
from tests.town import bricks, build_town, lines, some_rows, stored_reports, sums, take_in, write_csv


@pytest.fixture(scope="module")
def filled_engine(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    engine = create_database_engine(make_database(template_url))
    with transaction(engine) as conn:
        build_town(conn)
        take_in(conn, write_csv(tmp_path_factory.mktemp("verify") / "reports.csv", some_rows(1500)))
    yield engine
    engine.dispose()


@pytest.fixture
def filled(filled_engine: Engine) -> Iterator[Connection]:
    """The town with 1500 reports; what a test damages is rolled back."""
    with filled_engine.connect() as conn:
        yield conn


def stored_shapes(conn: Connection, table: str) -> np.ndarray:
    wkb = conn.execute(text(f"SELECT ST_AsBinary(geom) FROM {table} ORDER BY code")).scalars().all()
    return shapely.from_wkb(np.array([bytes(one) for one in wkb], dtype=object))


def points_on_borders(cells: np.ndarray) -> np.ndarray:
    """Vertices, middles of edges, and points that rounding leaves a hair beside them, of the stored cells."""
    vertices = shapely.get_coordinates(cells)
    middles = (vertices[1:] + vertices[:-1]) / 2
    thirds = vertices[1:] + (vertices[:-1] - vertices[1:]) / 3
    exact = np.concatenate([vertices, middles, thirds])
    beside = [np.nextafter(exact, exact + np.array([dx, dy])) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return np.unique(np.concatenate([exact, *beside]), axis=0)


def import_points(conn: Connection, folder: Path, at: np.ndarray) -> None:
    rows = [
        (f"p{n}", repr(lon), repr(lat), f"2016-06-{1 + n % 28:02d}", "0501") for n, (lon, lat) in enumerate(at.tolist())
    ]
    assert sums(take_in(conn, write_csv(folder / "points.csv", rows))) == (len(at), len(at), 0, 0)


def test_points_on_edges_corners_and_t_junctions(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    at = points_on_borders(stored_shapes(conn, "cells"))
    import_points(conn, tmp_path, at)
    assert verify(conn).differences == 0
    # These points are what they should be: most lie in several cells, and the lowest code has them.
    cells = np.array([shape for _, shape in bricks()], dtype=object)
    covering = shapely.intersects(cells[:, None], shapely.points(at)[None, :]).sum(axis=0)
    assert (covering > 1).sum() > 500
    held = {entry[1]: entry[5] for entry in stored_reports(conn)}
    stored = stored_shapes(conn, "cells")
    codes = conn.execute(text("SELECT code FROM cells ORDER BY code")).scalars().all()
    for n, point in list(enumerate(shapely.points(at)))[::29]:
        over = [code for code, shape in zip(codes, stored, strict=True) if shape.intersects(point)]
        assert held[f"p{n}"] == min(over, default=None)


def test_points_around_roads_at_equal_distances_and_at_thirty_metres(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    rng = np.random.default_rng(5)
    between = []
    for line in lines():
        along = shapely.get_coordinates(line.interpolate(rng.uniform(0, 1, 150), normalized=True))
        between += [along + np.array([0, north_m / 111_000]) for north_m in (0, 10, 29.9, 30.1)]
    import_points(conn, tmp_path, np.concatenate(between))
    assert verify(conn).differences == 0
    taken = {entry[6] for entry in stored_reports(conn)}
    assert taken == {"R000000", "R000001", "R000003", "R000004", None}  # the twin R000002 never: R000001 is lower


def test_overlapping_cells_go_by_the_lowest_code(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    conn.execute(
        text(
            "UPDATE cells SET geom = ST_Multi(ST_Union(geom, (SELECT geom FROM cells ORDER BY code LIMIT 1)))"
            " WHERE code = (SELECT max(code) FROM cells)"
        )
    )
    take_in(conn, write_csv(tmp_path / "reports.csv", some_rows(800)))
    assert verify(conn).differences == 0


def test_an_empty_city_verifies(conn: Connection) -> None:
    build_town(conn)
    found = verify(conn)
    assert (found.reports, found.differences, found.adds_up) == (0, 0, True)


def test_progress_counts_days(filled: Connection) -> None:
    seen: list[tuple[int, int]] = []
    found = verify(filled, lambda done, total: seen.append((done, total)))
    assert found.reports == 1500
    assert seen[-1] == (40, 40)


OF_REPORT = "WHERE source_ref = :ref"
ROLL_UP = "(SELECT min(ctid) FROM report_counts WHERE target = '{}')"
ONE_MORE = "UPDATE report_counts SET counts = set_byte(counts, 0, get_byte(counts, 0) + 1) WHERE ctid = "
AGAIN = "INSERT INTO report_counts SELECT target, day - 1000, category_id, source_id, ids, counts FROM report_counts"
DAMAGE = {
    "another cell": (
        f"UPDATE reports SET cell_id = (SELECT max(id) FROM cells) {OF_REPORT}",
        {"cell_differences": 1, "count_differences": 2},
    ),
    "no cell": (
        f"UPDATE reports SET cell_id = NULL {OF_REPORT}",
        {"cell_differences": 1, "count_differences": 2},
    ),
    "a retired cell": (
        f"UPDATE cells SET retired_at = now() WHERE id = (SELECT cell_id FROM reports {OF_REPORT})",
        {"cell_differences": "its reports"},
    ),
    "another segment": (
        f"UPDATE reports SET segment_id = (SELECT id FROM road_segments WHERE code = 'R000002') {OF_REPORT}",
        {"segment_differences": 1, "count_differences": 2},
    ),
    "a moved road": (
        "UPDATE road_segments SET geom_m = ST_Translate(geom_m, 5000, 0) WHERE code = 'R000000'",
        {"segment_differences": "its reports"},
    ),
    "a count": (ONE_MORE + ROLL_UP.format("cell"), {"count_differences": 1}),
    "a segment's count": (ONE_MORE + ROLL_UP.format("segment"), {"count_differences": 1}),
    "an id of the roll-up": (
        f"UPDATE report_counts SET ids = set_byte(ids, 2, 7) WHERE ctid = {ROLL_UP.format('cell')}",
        {"count_differences": 2},
    ),
    "a row of the roll-up on a day without reports": (
        f"{AGAIN} WHERE ctid = {ROLL_UP.format('cell')}",
        {"count_differences": 1},
    ),
    "a report gone": (f"DELETE FROM reports {OF_REPORT}", {"count_differences": 2, "adds_up": False}),
    "an import gone": (
        "UPDATE import_days SET accepted = accepted - 1 WHERE ctid = (SELECT min(ctid) FROM import_days)",
        {"adds_up": False},
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_damage_is_seen_and_nothing_else(damage: str, filled: Connection) -> None:
    statement, expected = DAMAGE[damage]
    assert verify(filled).differences == 0
    ref = next(entry[1] for entry in stored_reports(filled) if entry[5] and entry[6] == "R000000")
    changed = filled.execute(text(statement), {"ref": ref} if ":ref" in statement else {})
    assert changed.rowcount == 1
    found = verify(filled)
    wanted = {"cell_differences": 0, "segment_differences": 0, "count_differences": 0, "adds_up": True, **expected}
    for name, value in wanted.items():
        if value == "its reports":
            assert getattr(found, name) > 1
        else:
            assert getattr(found, name) == value, name
    assert found.differences > 0
    shown = damage not in ("an import gone", "a row of the roll-up on a day without reports")
    assert bool(found.examples) is shown


def test_a_missing_row_of_the_roll_up_is_as_many_differences_as_it_had_places(filled: Connection) -> None:
    gone = filled.execute(
        text(
            "DELETE FROM report_counts WHERE ctid = (SELECT ctid FROM report_counts WHERE target = 'cell'"
            " ORDER BY octet_length(ids) DESC LIMIT 1) RETURNING day, category_id, source_id, octet_length(ids) / 4"
        )
    ).one()
    found = verify(filled)
    assert (found.count_differences, found.cell_differences) == (gone[3], 0)
    for example in found.examples:
        assert example["day"] == str(gone[0])
        assert example["roll_up"] is None
        assert example["reports"] >= 1


def test_a_roll_up_between_far_days_is_seen_and_decades_without_reports_cost_nothing(
    conn: Connection, tmp_path: Path
) -> None:
    build_town(conn)
    rows = [(f"r{year}", "113.604", "34.705", f"{year}-02-28", "0501") for year in (1900, 2016, 2099)]
    take_in(conn, write_csv(tmp_path / "reports.csv", rows))
    began = time.monotonic()
    assert verify(conn).differences == 0
    assert time.monotonic() - began < 5
    stray = "UPDATE report_counts SET day = :day WHERE target = 'cell' AND day = '2016-02-28'"
    for day in ("1950-01-01", "2016-02-27", "2099-12-31"):
        with conn.begin_nested() as attempt:
            assert conn.execute(text(stray), {"day": day}).rowcount == 1
            assert verify(conn).count_differences == 2
            attempt.rollback()


def test_examples_say_which_report_and_what_is_right(filled: Connection) -> None:
    ref, right = next((entry[1], entry[5]) for entry in stored_reports(filled) if entry[5])
    filled.execute(text("UPDATE reports SET cell_id = NULL WHERE source_ref = :ref"), {"ref": ref})
    example = next(entry for entry in verify(filled).examples if "source_ref" in entry)
    assert (example["source_ref"], example["cell"], example["derived"]) == (ref, None, right)


def test_coordinates_that_many_imports_share_together(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    for part in range(3):
        rows = [(f"s{part} {n}", "113.604", "34.705", "2016-06-01", "0501") for n in range(60)]
        take_in(conn, write_csv(tmp_path / "part.csv", rows))
    found = verify(conn)
    assert (found.unflagged_positions, found.differences) == (1, 0)


def test_the_command_exits_1_where_anything_differs(finegrid, engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as conn:
        build_town(conn)
        take_in(conn, write_csv(tmp_path / "reports.csv", some_rows(100)))
    assert finegrid("verify").exit_code == 0
    with transaction(engine) as conn:
        conn.execute(text("UPDATE reports SET cell_id = NULL WHERE cell_id = (SELECT min(cell_id) FROM reports)"))
    result = finegrid("verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["cell_differences"] > 0
