"""Importing reports: formats, reasons, identity, datums, time zones; nothing is lost and nothing counts twice."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, text

from gis import report_files
from gis.errors import CityError, CrsError, FileError, InputError, ParameterError
from gis.geometry.datum import wgs84_to_bd09, wgs84_to_gcj02
from gis.reconciliation import reconciliation
from gis.store.database import transaction
from gis.verify import verify
from tests.town import HEADER, build_town, some_rows, stored_reports, sums, take_in, write_csv

INSIDE = (113.604, 34.705)


@pytest.fixture
def small(conn: Connection) -> Connection:
    build_town(conn)
    return conn


def row(ref: str = "a", lon: float | str = INSIDE[0], lat: float | str = INSIDE[1], **more: str) -> tuple:
    return (ref, str(lon), str(lat), more.get("time", "2016-06-01 08:00"), more.get("category", "0501"))


def table_of(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=HEADER)
    return table.astype({"lon": float, "lat": float})


def points_of(rows: list[tuple]) -> geopandas.GeoDataFrame:
    table = table_of(rows)
    at = geopandas.points_from_xy(table.pop("lon"), table.pop("lat"))
    return geopandas.GeoDataFrame(table, geometry=at, crs="EPSG:4326")


def write_as(kind: str, folder: Path, rows: list[tuple]) -> tuple[Path, dict]:  # noqa: C901 - a case per format
    """The same rows in another format, and what must be said about it."""
    path = write_csv(folder / "reports.csv", rows)
    content = path.read_text()
    if kind == "csv.gz":
        path = folder / "reports.csv.gz"
        path.write_bytes(gzip.compress(content.encode()))
    elif kind == "csv, gb18030":
        path.write_bytes(content.encode("gb18030"))
        return path, {"encoding": "gb18030"}
    elif kind == "csv, byte order mark":
        path.write_bytes(content.encode("utf-8-sig"))
    elif kind == "tsv":
        path = folder / "reports.tsv"
        path.write_text(content.replace(",", "\t"))
    elif kind == "geojson":
        path = folder / "reports.geojson"
        points_of(rows).set_crs("EPSG:4490", allow_override=True).to_file(path, COORDINATE_PRECISION=17)
        return path, {"crs": None}  # declared by its crs member
    elif kind == "gpkg":
        path = folder / "reports.gpkg"
        points_of(rows).to_file(path)
        return path, {"crs": None}
    elif kind == "parquet":
        path = folder / "reports.parquet"
        table_of(rows).to_parquet(path)
    elif kind == "geoparquet":
        path = folder / "reports.parquet"
        points_of(rows).to_parquet(path)
        return path, {"crs": None}
    elif kind == "parquet, typed":
        path = folder / "reports.parquet"
        table = table_of(rows)
        table["reported_at"] = pd.to_datetime(table["reported_at"])
        table["category"] = table["category"].astype("category")
        table.to_parquet(path)
    elif kind == "columns mapped":
        path = write_csv(folder / "reports.csv", rows, ("no", "e", "n", "when", "what"))
        names = {"source_ref": "no", "lon": "e", "lat": "n", "reported_at": "when", "category": "what"}
        return path, {"mapping": names}
    return path, {}


KINDS = (
    "csv.gz", "csv, gb18030", "csv, byte order mark", "tsv", "geojson", "gpkg", "parquet", "parquet, typed",
    "geoparquet", "columns mapped",
)  # fmt: skip


def test_every_format_gives_the_same_reports(small: Connection, tmp_path: Path) -> None:
    names = {"0501": "占道经营", "0505": "机动车乱停", "0102": "暴露垃圾", "event:0101": "私搭乱建"}
    rows = [(*entry[:4], names[entry[4]]) for entry in some_rows(150)]
    take_in(small, write_csv(tmp_path / "reports.csv", rows))
    expected = stored_reports(small)
    assert len(expected) == 150
    for kind in KINDS:
        folder = tmp_path / kind.replace(", ", "_")
        folder.mkdir()
        path, said = write_as(kind, folder, rows)
        with small.begin_nested() as attempt:
            small.execute(text("DELETE FROM reports"))
            assert sums(take_in(small, path, **said)) == (150, 150, 0, 0), kind
            assert stored_reports(small) == expected, kind
            attempt.rollback()


BAD = {
    "no coordinate": row("b1", "", ""),
    "impossible coordinate '200', '34.705'": row("b2", 200),
    "impossible coordinate '0', '0'": row("b3", 0, 0),
    "longitude and latitude are swapped: '34.705', '113.604'": row("b4", INSIDE[1], INSIDE[0]),
    "category '9999' is not in the dictionary": row("b5", category="9999"),
    "category '0101' stands for several entries": row("b6", category="0101"),
    "unreadable time '31 June'": row("b7", time="31 June"),
    "unreadable time '2016/06/31 08:00'": row("b8", time="2016/06/31 08:00"),
    "no source_ref": row(""),
    "source_ref is longer than 500 bytes": row("x" * 501),
    "source_ref holds a null character": row("nu\0ll"),
    "3 fields where the header has 5": ("b9", "113.6", "34.7"),
}


def test_each_reason_with_its_row_and_text_and_the_others_go_in(
    small: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", 1000)  # several chunks
    rows, expected = [], {}
    for number, (reason, bad) in enumerate(BAD.items()):
        rows += [row(f"g\n{number}" if number == 4 else f"g{number}"), bad]
        expected[len(rows)] = (reason, bad)
    path = write_csv(tmp_path / "reports.csv", rows)
    summary = take_in(small, path, rejects=tmp_path / "rejects.csv")
    good = len(rows) - len(expected)
    assert sums(summary) == (len(rows), good, 0, len(expected))
    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    stored = small.execute(text("SELECT row_number, reason, original FROM import_rejects ORDER BY 1")).all()
    assert sorted((int(entry["row"]), entry["reason"]) for entry in listed) == [(at, why) for at, why, _ in stored]
    assert [at for at, _, _ in stored] == sorted(expected)
    originals = {int(entry["row"]): entry["original"] for entry in listed}
    for at, why, original in stored:
        reason, bad = expected[at]
        assert why.startswith(reason)
        assert list(next(csv.reader(original.splitlines(keepends=True)))) == [
            part.replace("\0", "\ufffd") for part in bad
        ]
        assert originals[at].replace("\0", "\ufffd") == original
    assert summary.first_rejects[0].row == min(expected)
    assert {entry[1].replace("\n", "") for entry in stored_reports(small)} == {f"g{n}" for n in range(len(BAD))}
    assert reconciliation(small)["adds_up"]
    assert verify(small).differences == 0


def test_the_rejects_file_appears_only_when_the_import_is_done(
    small: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", 1000)
    rejects = tmp_path / "rejects" / "rejects.csv"
    rejects.parent.mkdir()
    path = tmp_path / "reports.csv.gz"
    content = "\n".join(",".join(entry) for entry in [HEADER, *(row(f"r{n}", "", "") for n in range(2000))])
    whole = gzip.compress(content.encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="cannot be read to its end"), small.begin_nested():
        take_in(small, path, rejects=rejects)
    assert list(rejects.parent.iterdir()) == []
    path.write_bytes(whole)
    assert take_in(small, path, rejects=rejects).rejects_file == str(rejects)
    assert [entry.name for entry in rejects.parent.iterdir()] == ["rejects.csv"]
    assert len(rejects.read_text().splitlines()) == 2001


def test_a_place_for_rejects_that_cannot_be_written(small: Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "reports.csv", [row(lon="")])
    with pytest.raises(FileError, match="rejected rows cannot be written there"):
        take_in(small, path, rejects=tmp_path / "nowhere" / "rejects.csv")


def test_without_categories_nothing_is_read(zhengzhou, conn: Connection, tmp_path: Path) -> None:
    with pytest.raises(CityError, match="load categories first"):
        take_in(conn, write_csv(tmp_path / "reports.csv", [row()]))


def test_without_a_city_nothing_is_read(conn: Connection, tmp_path: Path) -> None:
    with pytest.raises(CityError, match="no city yet"):
        take_in(conn, write_csv(tmp_path / "reports.csv", [row()]))


def test_without_cells_and_roads_every_report_is_outside(zhengzhou, conn: Connection, tmp_path: Path) -> None:
    conn.execute(
        text("INSERT INTO categories (standard_ref, kind, code, name, name_en) VALUES ('s', 'event', '0501', 'x', 'x')")
    )
    summary = take_in(conn, write_csv(tmp_path / "reports.csv", [row("a"), row("b")]))
    assert (summary.in_cells, summary.outside) == (0, 2)
    assert verify(conn).differences == 0


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ({"crs": None}, CrsError, "declares no coordinate reference system"),
        ({"crs": "EPSG:4214"}, CrsError, "4214"),
        ({"source": "nobody"}, ParameterError, "'nobody' is new: say what kind it is"),
        ({"source": ""}, ParameterError, "a source needs a name"),
        ({"source_kind": "king"}, ParameterError, "'king' is not one of"),
        ({"mapping": {"category": "kind"}}, FileError, r"no column kind \(for category\)"),
        ({"encoding": "klingon"}, ParameterError, "encoding"),
        ({"time_format": "%s"}, ParameterError, "time-format"),
    ],
)
def test_what_is_said_wrongly_is_refused_and_changes_nothing(
    said: dict, error: type[InputError], message: str, small: Connection, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "reports.csv", [row()])
    with pytest.raises(error, match=message), small.begin_nested():
        take_in(small, path, **said)
    assert small.execute(text("SELECT (SELECT count(*) FROM imports) + (SELECT count(*) FROM sources)")).scalar() == 0


def test_a_declared_crs_must_not_be_contradicted_unless_by_a_chinese_datum(small: Connection, tmp_path: Path) -> None:
    path = tmp_path / "reports.gpkg"
    points_of([row()]).to_file(path)
    with pytest.raises(CrsError, match="contradicts"):
        take_in(small, path, crs="EPSG:4547")
    assert sums(take_in(small, path, crs="gcj02")) == (1, 1, 0, 0)


def test_a_source_keeps_its_kind(small: Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "reports.csv", [row()])
    take_in(small, path, "hotline", source_kind="citizen")
    assert sums(take_in(small, path, "hotline")) == (1, 0, 1, 0)
    with pytest.raises(ParameterError, match="known as citizen, not media"):
        take_in(small, path, "hotline", source_kind="media")


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_chinese_datums_land_in_the_cells_of_their_twins(datum: str, shift, small: Connection, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = [row(f"r{n}", *at) for n, at in enumerate(rng.uniform([113.601, 34.701], [113.61, 34.71], (400, 2)))]
    take_in(small, write_csv(tmp_path / "wgs84.csv", rows), "patrol")
    lon, lat = shift(np.array([float(entry[1]) for entry in rows]), np.array([float(entry[2]) for entry in rows]))
    moved = [(entry[0], repr(float(x)), repr(float(y)), *entry[3:]) for entry, x, y in zip(rows, lon, lat, strict=True)]
    take_in(small, write_csv(tmp_path / "moved.csv", moved), "citizen", crs=datum)
    places: dict[str, list] = {}
    for entry in stored_reports(small):
        places.setdefault(entry[0], []).append(entry[5])
    assert places["citizen"] == places["patrol"]
    assert len(set(places["patrol"])) > 50
    # The datum matters: taken as WGS 84 nearly all of them would be elsewhere.
    take_in(small, write_csv(tmp_path / "moved.csv", moved), "media")
    as_it_is = [entry[5] for entry in stored_reports(small) if entry[0] == "media"]
    assert sum(a == b for a, b in zip(as_it_is, places["patrol"], strict=True)) < 40


def test_days_are_the_citys_and_daylight_saving_is_its_own(conn: Connection, tmp_path: Path) -> None:
    build_town(conn, "America/New_York")
    times = {
        "gap": "2015-03-08 02:30",
        "overlap": "2015-11-01 01:30",
        "second pass": "2015-11-01T01:30:00-05:00",
        "utc": "2015-06-01T03:59:59Z",
        "chinese": "2015年6月1日 8:30",
        "last": "2015-06-30 23:59:59",
    }
    take_in(conn, write_csv(tmp_path / "reports.csv", [row(ref, time=at) for ref, at in times.items()]))
    found = {entry[1]: (entry[3].strftime("%m-%d %H:%M"), entry[4]) for entry in stored_reports(conn)}
    assert found == {
        "gap": ("03-08 07:00", date(2015, 3, 8)),
        "overlap": ("11-01 05:30", date(2015, 11, 1)),
        "second pass": ("11-01 06:30", date(2015, 11, 1)),
        "utc": ("06-01 03:59", date(2015, 5, 31)),
        "chinese": ("06-01 12:30", date(2015, 6, 1)),
        "last": ("07-01 03:59", date(2015, 6, 30)),
    }


def test_geojson_times_with_mixed_offsets_are_read_each_by_its_own(small: Connection, tmp_path: Path) -> None:
    times = ["2016-06-01T08:00:00+08:00", "2016-06-01T00:00:00Z", "2016-06-01T02:00:00+02:00"]
    features = [
        {
            "type": "Feature",
            "properties": {"source_ref": f"r{n}", "reported_at": at, "category": "0501"},
            "geometry": {"type": "Point", "coordinates": INSIDE},
        }
        for n, at in enumerate(times)
    ]
    path = tmp_path / "reports.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    take_in(small, path)
    assert {entry[3].isoformat() for entry in stored_reports(small)} == {"2016-06-01T00:00:00+00:00"}


@pytest.mark.parametrize("kind", ["geojson", "gpkg"])
def test_times_without_offset_in_vector_files_are_the_citys(kind: str, small: Connection, tmp_path: Path) -> None:
    table = points_of([row("a"), row("b")])
    table["reported_at"] = pd.to_datetime(table["reported_at"])
    path = tmp_path / f"reports.{kind}"
    table.to_file(path)
    take_in(small, path)
    assert {entry[3].isoformat() for entry in stored_reports(small)} == {"2016-06-01T00:00:00+00:00"}


def test_unlocated_rows_go_in_where_that_is_wanted(small: Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "reports.csv", [row("a", "", ""), row("b"), row("c", 113.7, 34.7), row("d", "", 34.7)])
    summary = take_in(small, path, keep_unlocated=True)
    assert sums(summary) == (4, 3, 0, 1)
    assert (summary.in_cells, summary.outside, summary.no_position) == (1, 1, 1)
    assert verify(small).differences == 0
    assert reconciliation(small)["no_position"] == 1


def test_a_suspicious_coordinate_is_named_and_counted_all_the_same(small: Connection, tmp_path: Path) -> None:
    rows = [row(f"s{n}") for n in range(120)] + some_rows(200)
    summary = take_in(small, write_csv(tmp_path / "a.csv", rows))
    assert [(place.lon, place.lat, place.reports) for place in summary.shared_positions] == [(*INSIDE, 120)]
    assert sums(summary) == (320, 320, 0, 0)
    assert small.execute(text("SELECT lon, lat, reports FROM shared_positions")).one() == (*INSIDE, 120)


def test_the_command_says_what_became_of_the_file(finegrid, engine: Engine, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with transaction(engine) as conn:
        build_town(conn)
    path = write_csv(tmp_path / "reports.csv", [*some_rows(20), row("bad", "", "")])
    result = finegrid("import", "reports", path, "--source", "patrol", "--crs", "wgs84", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["read"], answer["accepted"], answer["rejected"]) == (21, 20, 1)
    assert Path("reports.csv.rejects.csv").read_text().splitlines()[1].startswith("21,no coordinate")
    again = finegrid("import", "reports", path, "--source", "patrol", "--crs", "wgs84")
    assert "read 21 = accepted 0 + duplicate 20 + rejected 1" in again.stdout
    refused = finegrid("import", "reports", path, "--source", "patrol")
    assert refused.exit_code == 1
    assert "--crs" in refused.stderr
    assert finegrid("verify").exit_code == 0
    assert finegrid("reconcile").exit_code == 0
