"""Special operations: what lies inside, counted again with shapely and plain intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from gis.density import DensityQuery, density, road_density
from gis.errors import Conflict, ParameterError, RowsRefused
from gis.ground import load_ground
from gis.heatmap import counts_by_period, shapes_inside, sub_periods
from gis.operation_one import NewOperation, add_operation
from gis.operation_summary import operation_summary
from gis.operations import inside, load_operations, operations
from gis.report_reads import ReportQuery, read_reports
from gis.store.database import create_database_engine, transaction, versions
from tests.conftest import json_of
from tests.town import EAST_STEP, NORTH_STEP, SOUTH, WEST, build_town, slanted, some_rows, take_in, town, write_csv

GEOD = pyproj.Geod(ellps="WGS84")
ZONE = town().zone
ROWS = 1500
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def filled(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The town with 1,500 reports of 20 May to 29 June 2016."""
    engine = create_database_engine(make_database(template_url), pool_size=4)
    path = write_csv(tmp_path_factory.mktemp("operations") / "reports.csv", some_rows(ROWS, seed=5))
    with transaction(engine) as conn:
        build_town(conn)
        take_in(conn, path, source="patrol", source_kind="patrol")
    yield engine
    engine.dispose()


@pytest.fixture
def here(filled: Engine) -> Iterator[Connection]:
    with filled.connect() as conn:
        yield conn
        conn.rollback()


def put(conn: Connection, shape: shapely.Geometry, begins: datetime, ends: datetime, code: str = "OP") -> str:
    conn.execute(text("DELETE FROM special_operations WHERE code = :code"), {"code": code})
    conn.execute(
        text(
            "INSERT INTO special_operations (code, name, valid, geom) VALUES (:code, '行动', tstzrange(:begins, :ends),"
            " ST_Multi(ST_GeomFromWKB(:wkb, 4326)))"
        ),
        {"code": code, "begins": begins, "ends": ends, "wkb": shape.wkb},
    )
    return code


def facts() -> list[tuple[str, shapely.Point, datetime, str]]:
    """Reference, point, instant and category of every report, from the file itself."""
    return [
        (ref, shapely.Point(float(lon), float(lat)), datetime.fromisoformat(at).replace(tzinfo=ZONE), code)
        for ref, lon, lat, at, code in some_rows(ROWS, seed=5)
    ]


FACTS = facts()


def expected(shape: shapely.Geometry, begins: datetime, ends: datetime) -> dict[str, str]:
    """Reference -> category of the reports inside."""
    return {ref: code for ref, point, at, code in FACTS if begins <= at < ends and shape.covers(point)}


def at(column: float, row: float) -> tuple[float, float]:
    """A place of the town without its slant, so that edges of boxes run along meridians and parallels."""
    return WEST + column * EAST_STEP, SOUTH + row * NORTH_STEP


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Geometry:
    """A box whose edges run exactly through points, or a polygon with a hole somewhere in the town."""
    if draw(st.booleans()):
        low, high = sorted(draw(st.lists(st.integers(0, ROWS - 1), min_size=2, max_size=2, unique=True)))
        one, two = FACTS[low][1], FACTS[high][1]
        shape = shapely.box(min(one.x, two.x), min(one.y, two.y), max(one.x, two.x), max(one.y, two.y))
        return shape if shape.area else shape.buffer(0.001)
    centre = at(draw(st.floats(1, 9)), draw(st.floats(1, 9)))
    reach = draw(st.floats(0.0012, 0.006))
    outer = shapely.Point(centre).buffer(reach, quad_segs=3)
    return outer.difference(shapely.Point(centre).buffer(reach / 3, quad_segs=2))


@st.composite
def windows(draw: st.DrawFn) -> tuple[datetime, datetime]:
    first = datetime(2016, 5, 20, tzinfo=ZONE) + timedelta(minutes=draw(st.integers(0, 35 * 24 * 60)))
    return first, first + timedelta(minutes=draw(st.integers(1, 12 * 24 * 60)))


@FEW
@given(shape=polygons(), window=windows())
def test_counts_are_those_of_shapely_report_by_report(
    here: Connection, shape: shapely.Geometry, window: tuple[datetime, datetime]
) -> None:
    within = inside(here, put(here, shape, *window))
    wanted = expected(shape, *window)
    listed = read_reports(here, ReportQuery(within.from_day, within.to_day, limit=10_000, operation=within))
    assert {row["source_ref"] for row in listed} == set(wanted)
    ground = load_ground(here)
    query = DensityQuery(within.from_day, within.to_day, operation=within)
    in_cells = Counter(row["cell"] for row in listed)
    for level, digits in (("cell", 12), ("street", 9), ("district", 6)):
        found = {row["code"]: row for row in density(here, ground, level, query).rows()}
        counted = Counter({code: row["count"] for code, row in found.items()})
        by_code: Counter[str] = Counter()
        for code, count in in_cells.items():
            if code is not None:
                by_code[code[:digits]] += count
        assert +counted == by_code
        assert all(row["count"] or row["area_km2"] for row in found.values())
    on_roads = {row["code"]: row["count"] for row in road_density(here, ground, query).rows() if row["count"]}
    assert on_roads == Counter(row["segment"] for row in listed if row["segment"])
    summary = operation_summary(here, ground, "OP", datetime(2017, 1, 1, tzinfo=ZONE))
    assert summary["reports"]["count"] == len(wanted)
    assert summary["reports"]["in_cells"] == sum(count for code, count in in_cells.items() if code is not None)
    kinds = {"0501": "event:0501", "0505": "event:0505", "0102": "event:0102", "event:0101": "event:0101"}
    by_category = {one["category"]: one["count"] for one in summary["by_category"] if one["count"]}
    assert by_category == Counter(kinds[code] for code in wanted.values())
    length = window[1] - window[0]
    assert summary["reports"]["before"] == len(expected(shape, window[0] - length, window[0]))


def km2(shape: shapely.Polygon) -> float:
    """Geodesic area by pyproj, holes taken off."""
    return abs(GEOD.geometry_area_perimeter(shapely.geometry.polygon.orient(shape))[0]) / 1e6


def pieces(shape: shapely.Geometry) -> float:
    """Geodesic area of the polygons of a geometry."""
    return sum(km2(part) for part in shapely.get_parts(shape) if part.geom_type == "Polygon")


@FEW
@given(shape=polygons())
def test_ground_is_cut_at_the_edge(here: Connection, shape: shapely.Geometry) -> None:
    window = datetime(2016, 6, 1, tzinfo=ZONE), datetime(2016, 6, 11, tzinfo=ZONE)
    within = inside(here, put(here, shape, *window))
    query = DensityQuery(within.from_day, within.to_day, operation=within)
    ground = load_ground(here)
    stored = here.execute(text("SELECT code, ST_AsBinary(geom) FROM cells")).all()
    cells = {code: shapely.from_wkb(bytes(wkb)) for code, wkb in stored}
    rows = {row["code"]: row for row in density(here, ground, "cell", query).rows()}
    for code, cell in cells.items():
        part = pieces(shapely.intersection(cell, shape))
        assert rows.get(code, {"area_km2": 0})["area_km2"] == pytest.approx(part, abs=2e-8)
    (district,) = list(density(here, ground, "district", query).rows()) or [{"area_km2": 0}]
    assert district["area_km2"] == pytest.approx(sum(row["area_km2"] for row in rows.values()), abs=1e-12)
    stored = here.execute(text("SELECT code, ST_AsBinary(geom) FROM road_segments")).all()
    lengths = {row["code"]: row["length_m"] for row in road_density(here, ground, query).rows()}
    for code, wkb in stored:
        part = shapely.intersection(shapely.from_wkb(bytes(wkb)), shape)
        lines = [one for one in shapely.get_parts(part) if one.geom_type == "LineString"]
        assert lengths.get(code, 0) == pytest.approx(sum(GEOD.geometry_length(one) for one in lines), abs=0.002)


@FEW
@given(shape=polygons(), window=windows())
def test_the_heat_map_holds_the_same(
    here: Connection, shape: shapely.Geometry, window: tuple[datetime, datetime]
) -> None:
    within = inside(here, put(here, shape, *window))
    query = DensityQuery(within.from_day, within.to_day, operation=within)
    ground, shapes = shapes_inside(here, load_ground(here), query, within)
    assert len(shapes.cells) == len(ground.cell_ids)
    assert len(shapes.segments) == len(ground.segment_ids)
    periods = sub_periods(within.from_day, within.to_day)
    for target in ("cell", "segment"):
        counts = counts_by_period(here, ground, target, query, periods)
        assert counts.reports.sum() == len(expected(shape, *window))
    cells = counts_by_period(here, ground, "cell", query, periods)
    of = np.bincount(cells.place, cells.reports, len(ground.cell_ids) + 2)
    rows = {row["code"]: row["count"] for row in density(here, load_ground(here), "cell", query).rows()}
    assert {code: count for code, count in zip(ground.cell_codes, of.tolist(), strict=False) if count} == {
        code: count for code, count in rows.items() if count
    }


def test_the_edge_and_the_first_instant_are_in_the_last_is_not(here: Connection) -> None:
    ref, point, moment, _ = FACTS[7]
    box = shapely.box(point.x, point.y - 0.001, point.x + 0.001, point.y + 0.001)  # the point on its western edge

    def refs(begins: datetime, ends: datetime) -> set[str]:
        within = inside(here, put(here, box, begins, ends))
        query = ReportQuery(within.from_day, within.to_day, limit=10_000, operation=within)
        return {row["source_ref"] for row in read_reports(here, query)}

    minute = timedelta(minutes=1)
    assert ref in refs(moment, moment + minute)
    assert ref not in refs(moment - minute, moment)
    assert ref in refs(moment - minute, moment + timedelta(microseconds=1))


def test_days_of_an_operation(here: Connection) -> None:
    begins, ends = datetime(2016, 6, 1, 20, tzinfo=ZONE), datetime(2016, 6, 3, 8, tzinfo=ZONE)
    put(here, shapely.box(*at(0, 0), *at(9, 9)), begins, ends)
    whole = inside(here, "OP")
    assert (whole.from_day, whole.to_day, whole.days) == (date(2016, 6, 1), date(2016, 6, 4), 1.5)
    second = inside(here, "OP", date(2016, 6, 2), date(2016, 6, 3))
    assert (second.from_at, second.to_at) == (datetime(2016, 6, 2, tzinfo=ZONE), datetime(2016, 6, 3, tzinfo=ZONE))
    last = inside(here, "OP", date(2016, 6, 3))
    assert (last.from_at, last.to_at, last.days) == (datetime(2016, 6, 3, tzinfo=ZONE), ends, 8 / 24)
    for first, after, name in (
        (date(2016, 5, 31), None, "from"),
        (date(2016, 6, 4), None, "from"),
        (None, date(2016, 6, 5), "to"),
        (None, date(2016, 6, 1), "to"),
        (date(2016, 6, 3), date(2016, 6, 3), "to"),
    ):
        with pytest.raises(ParameterError) as refused:
            inside(here, "OP", first, after)
        assert refused.value.parameter == name
    with pytest.raises(ParameterError, match=r"no special operation 'X'; there are OP"):
        inside(here, "X")
    put(here, shapely.box(*at(0, 0), *at(9, 9)), datetime(2016, 6, 1, tzinfo=ZONE), datetime(2016, 6, 2, tzinfo=ZONE))
    assert inside(here, "OP").to_day == date(2016, 6, 2)  # midnight belongs to no further day


def test_a_report_near_a_road_outside_keeps_its_road(here: Connection) -> None:
    """No length of it lies inside, so there is no rate; the report is not lost."""
    lon, lat = slanted(3, 2.1)  # the first road runs there
    box = shapely.box(lon - 0.004, lat + 0.00006, lon + 0.004, lat + 0.0002)
    within = inside(here, put(here, box, datetime(2016, 5, 20, tzinfo=ZONE), datetime(2016, 7, 1, tzinfo=ZONE)))
    query = DensityQuery(within.from_day, within.to_day, operation=within)
    listed = read_reports(here, ReportQuery(within.from_day, within.to_day, limit=10_000, operation=within))
    rows = {row["code"]: row for row in road_density(here, load_ground(here), query).rows()}
    for code, count in Counter(row["segment"] for row in listed if row["segment"]).items():
        assert rows[code]["count"] == count
        assert (rows[code]["per_km"] is None) == (rows[code]["length_m"] == 0)


# -- files and single operations -----


def feature(code: str = "A", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": "论坛", "valid_from": "2016-06-01", "valid_to": "2016-06-05T18:00", **more}


def test_load(conn: Connection, write_geojson: Callable[..., Path]) -> None:
    build_town(conn)
    box, far = shapely.box(*at(1, 1), *at(3, 3)), shapely.box(113.7, 34.8, 113.71, 34.81)
    path = write_geojson("a.geojson", (box, feature(name_en="Forum")), (far, feature("B")))
    summary = load_operations(conn, path, "wgs84")
    assert (summary.added, summary.changed) == (2, 0)
    assert summary.warnings == ["B touches no cell: nothing inside it is counted in a cell"]
    (stored,) = operations(conn, "A")
    assert (stored.name, stored.name_en) == ("论坛", "Forum")
    assert stored.valid_from == datetime(2016, 6, 1, tzinfo=ZONE)
    assert stored.valid_to == datetime(2016, 6, 5, 18, tzinfo=ZONE)
    assert float(stored.area_km2) == pytest.approx(km2(box), abs=1e-7)
    assert load_operations(conn, path, "wgs84").changes is False
    assert versions(conn)["operations"] == 1
    longer = write_geojson("b.geojson", (box, feature(name_en="Forum", valid_to="2016-06-06")))
    assert load_operations(conn, longer, "wgs84").changed == 1
    assert len(operations(conn)) == 2


def test_wrong_rows_are_named_at_once(conn: Connection, write_geojson: Callable[..., Path]) -> None:
    build_town(conn)
    box = shapely.box(*at(1, 1), *at(3, 3))
    path = write_geojson(
        "a.geojson",
        (box, feature()),
        (box, feature()),
        (box, feature("C", valid_to=None)),
        (box, feature("D", valid_to="2016-05-01")),
        (shapely.box(-71, 42, -70.9, 42.1), feature("E")),
        (shapely.Point(113.6, 34.7), feature("F")),
        (box, feature("G", valid_from="0001-01-01")),
        (box, feature("H", name="")),
    )
    with pytest.raises(RowsRefused) as refused:
        load_operations(conn, path, "wgs84")
    reasons = {one.row: one.reason for one in refused.value.problems}
    assert sorted(reasons) == [2, 3, 4, 5, 6, 7, 8]
    assert "stands in row 1" in reasons[2]
    assert reasons[3] == "it has no valid_to"
    assert "is not after its valid_from" in reasons[4]
    assert "far from where" in reasons[5]
    assert "a polygon is needed" in reasons[6]
    assert "no date or time" in reasons[7]
    assert not operations(conn)


def sent(**more: Any) -> NewOperation:
    ring = [[113.602, 34.702], [113.604, 34.702], [113.604, 34.704], [113.602, 34.702]]
    return NewOperation(
        **{
            "code": "A",
            "name": "论坛",
            "valid_from": "2016-06-01",
            "valid_to": "2016-06-05",
            "datum": "wgs84",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            **more,
        }
    )


def test_one_operation(conn: Connection) -> None:
    build_town(conn)
    stored, added = add_operation(conn, sent())
    assert (stored.code, added) == ("A", True)
    assert add_operation(conn, sent()) == (stored, False)
    with pytest.raises(Conflict, match="belongs to another operation"):
        add_operation(conn, sent(name="展览"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "no kind of polygon"),
        ({"geometry": {"type": "Polygon"}}, "cannot be read"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[1, 2]]]}}, "cannot be read"),
        ({"geometry": {"type": "Polygon", "coordinates": []}}, "no geometry"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 1e400], [1, 2]]]}}, "cannot be read"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}}, "far from where"),
        ({"valid_to": "2016-06-01"}, "is not after"),
        ({"valid_from": "soon"}, "no date or time"),
        ({"name": ""}, "it has no name"),
        ({"datum": "xian80"}, "Xian 1980"),
        ({"code": "a\0b"}, "null character"),
    ],
)
def test_wrong_operations(conn: Connection, wrong: dict[str, Any], said: str) -> None:
    build_town(conn)
    with pytest.raises(Exception, match=said) as refused:
        add_operation(conn, sent(**wrong))
    assert type(refused.value).__name__ in ("ParameterError", "RowsRefused", "CrsError")


@pytest.mark.parametrize("valid", ["empty", "[2016-06-01,)", "(,2016-06-01)", "[2016-06-01,2016-06-02]"])
def test_the_database_keeps_windows_closed_and_half_open(conn: Connection, valid: str) -> None:
    with pytest.raises(IntegrityError):
        conn.execute(
            text(
                "INSERT INTO special_operations (code, name, valid, geom) VALUES ('A', 'A', CAST(:valid AS tstzrange),"
                " ST_Multi(ST_MakeEnvelope(0, 0, 1, 1, 4326)))"
            ),
            {"valid": valid},
        )


def test_the_commands_say_the_same(
    engine: Engine, finegrid: Callable[..., Result], write_geojson: Callable[..., Path], tmp_path: Path
) -> None:
    with transaction(engine) as conn:
        build_town(conn)
        take_in(conn, write_csv(tmp_path / "reports.csv", some_rows(ROWS, seed=5)), source_kind="patrol")
    box = shapely.box(*at(2.2, 2.2), *at(7.3, 7.3))
    path = write_geojson("a.geojson", (box, feature("FORUM", name_en="Forum", valid_from="2016-06-01T08:00")))
    assert finegrid("load", "operations", path, "--crs", "wgs84").exit_code == 0
    wanted = expected(box, datetime(2016, 6, 1, 8, tzinfo=ZONE), datetime(2016, 6, 5, 18, tzinfo=ZONE))
    listed = json_of(finegrid("reports", "--operation", "FORUM", "--limit", "10000", "--json"))["rows"]
    assert {row["source_ref"] for row in listed} == set(wanted)
    counted = json_of(finegrid("density", "--level", "cell", "--operation", "FORUM", "--json"))
    assert counted["operation"]["code"] == "FORUM"
    assert counted["days"] == pytest.approx(4 + 10 / 24)
    assert sum(row["count"] for row in counted["rows"]) == sum(row["cell"] is not None for row in listed)
    assert finegrid("roads", "density", "--operation", "FORUM").exit_code == 0
    shown = finegrid("operations", "show", "FORUM").stdout
    assert f"{len(wanted):,} reports" in shown
    assert (
        finegrid("operations", "list", "--format", "csv")
        .stdout.splitlines()[1]
        .startswith("FORUM,论坛,Forum,2016-06-01T08:00:00+08:00,2016-06-05T18:00:00+08:00,")
    )
    missing = finegrid("density", "--level", "cell", "--from", "2016-06-01")
    assert missing.exit_code == 2
    assert "--operation" in missing.stderr
    outside = finegrid("reports", "--operation", "FORUM", "--from", "2016-07-01")
    assert outside.exit_code == 1
    page = tmp_path / "forum.html"
    assert finegrid("map", "heatmap", "--operation", "FORUM", "--out", page).exit_code == 0
    assert '"operation":{"code":"FORUM"' in page.read_text(encoding="utf-8")
