"""Exports by the command line, and what exports promise of memory, order, files and being stopped."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pyogrio
import pytest
from click.testing import Result
from sqlalchemy import Connection, Engine, func, select, text

from gis.city import City
from gis.collections.catalogue import COLLECTIONS
from gis.collections.requests import items_request
from gis.errors import FileError, ParameterError
from gis.exports import sheets
from gis.exports.copying import CSV, Copying, Stopped
from gis.exports.order import ExportOrder, Prepared, prepare
from gis.exports.spool import Spool
from gis.exports.writing import ENDINGS, ending_of, save
from tests.conftest import json_of

ROOT = Path(__file__).parent.parent.parent


def prepared(conn: Connection, city: City, collection: str, **asked: str) -> Prepared:
    declared = COLLECTIONS[collection]
    words = tuple(asked.items())
    return prepare(conn, ExportOrder(city, declared, items_request(words, declared, city, unpaged=True), words))


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(small_city: City, conn: Connection) -> City:
    conn.commit()
    return small_city


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_command_writes_every_format(
    finegrid: Callable[..., Result], loaded: City, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"社区.{ending}"
    out.write_text("what was there before")
    answer = json_of(finegrid("export", "communities", "--out", out, "--json"))
    assert answer == {
        "collection": "communities",
        "file": str(out),
        "format": ending,
        "features": 4,
        "bytes": out.stat().st_size,
    }
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []
    if ending in ("gpkg", "fgb", "geojson", "geojsonl"):
        assert set(pyogrio.read_dataframe(out)["name"]) == {"一社区", "二社区", "三社区", "四社区"}


def test_the_options_are_a_request_s_parameters(finegrid: Callable[..., Result], loaded: City, tmp_path: Path) -> None:
    out = tmp_path / "some.geojson"

    def codes(*options: str) -> list[str]:
        result = finegrid("export", "communities", "--out", out, *options)
        assert result.exit_code == 0, result.output
        return [one["id"][-4:] for one in json.loads(out.read_bytes())["features"]]

    assert codes() == ["1001", "1002", "2001", "2002"]
    assert codes("--filter", "name LIKE '%三%'") == ["2001"]
    assert codes("--bbox", "113.601,34.701,113.602,34.702") == ["1001"]
    assert codes("--property", "parent_code=410102002", "--sortby", "-code") == ["2002", "2001"]
    assert codes("--properties", "name", "--crs", "EPSG:4547") == ["1001", "1002", "2001", "2002"]
    first = json.loads(out.read_bytes())["features"][0]
    assert first["properties"] == {"name": "一社区"}
    assert first["geometry"]["coordinates"][0][0][0] == pytest.approx([3841380, 464270], abs=2000)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cells", "--out", "x.shp"], "--out: '.shp' is none of"),
        (["cells", "--out", "x.csv", "--filter", "nope = 1"], "nope"),
        (["cells", "--out", "x.csv", "--property", "crs=EPSG:4326"], "cells has no property 'crs'"),
        (["cells", "--out", "x.csv", "--from", "2016-05-01"], "there is no such parameter"),
        (["cells", "--out", "nowhere/x.gpkg"], "cannot be written"),
    ],
)
def test_what_the_command_refuses(
    finegrid: Callable[..., Result],
    loaded: City,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = finegrid("export", *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".geojson"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failed_export_leaves_what_was_there(small_city: City, conn: Connection, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"x.{ending}"
    out.write_text("old")
    copying = Copying()
    copying.stop()
    with pytest.raises(Stopped):
        save(conn, prepared(conn, small_city, "communities"), ending, out, copying=copying)
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small_areas.geojson", out.name]


def test_a_full_disk_is_told(small_city: City, conn: Connection) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        save(conn, prepared(conn, small_city, "communities"), "csv", Path("/dev/null/x.csv"))
    with pytest.raises(ParameterError, match="is none of"):
        ending_of("exe", "f")


def test_a_full_sheet_goes_on_on_the_next(
    small_city: City, conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "ROWS", 3)
    monkeypatch.setattr(sheets, "LONGEST", 3)
    out = tmp_path / "x.xlsx"
    assert save(conn, prepared(conn, small_city, "communities", properties="name"), "xlsx", out) == 4
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["communities", "communities 2", "about"]
    rows = [row for name in book.sheetnames[:2] for row in book[name].iter_rows(min_row=2, values_only=True)]
    assert [row[1] for row in rows] == ["一社区", "二社区", "三社区", "四社区"]
    assert rows[0][0] == "41…"


# -- much data ---------------------------------------------------------------------------------------------------------

MANY = """
INSERT INTO cells (code, area_id, surveyed, geom)
SELECT '410102001001' || lpad(n::text, 6, '0'), (SELECT id FROM areas WHERE code = '410102001001'), true,
    ST_Multi(ST_MakeEnvelope(113.6 + n % 300 * 1e-5, 34.7 + n / 300 * 1e-5, 113.60001 + n % 300 * 1e-5,
        34.70001 + n / 300 * 1e-5, 4326))
FROM generate_series(1, 100000) AS n
"""
MEASURED = """
import sys, resource
from pathlib import Path
from gis.city import read_city
from gis.store.database import create_database_engine, transaction
from gis.exports.writing import ENDINGS, save
from tests.db.test_exports import prepared

def peak(filter, endings):
    with transaction(create_database_engine(sys.argv[1]), read_only=True) as conn:
        city = read_city(conn)
        for ending in endings:
            save(conn, prepared(conn, city, "cells", filter=filter), ending, Path(sys.argv[2]) / f"cells.{ending}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

endings = [one for one in ENDINGS if one != "xlsx"]
print(peak("code < '410102001001002000'", endings), *(peak("code > ''", [one]) for one in endings))
"""


def test_memory_stays_bounded(small_city: City, conn: Connection, database_url: str, tmp_path: Path) -> None:
    """100 k cells take hardly more memory than 2 k: no format holds them all."""
    conn.execute(text(MANY))
    conn.commit()
    command = [sys.executable, "-c", MEASURED, database_url, str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    small, *large = (int(word) / 1024 for word in answer.stdout.split())
    assert max(large) - small < 100, (small, large)
    assert pq.read_metadata(tmp_path / "cells.parquet").num_rows == 100_000
    assert pyogrio.read_info(tmp_path / "cells.gpkg")["features"] == 100_000
    assert (tmp_path / "cells.geojson").stat().st_size > 25_000_000


# -- being stopped -----------------------------------------------------------------------------------------------------

NUMBERS = select(func.generate_series(1, 1_000_000_000))  # no end within the test


def running(engine: Engine) -> int:
    with engine.connect() as conn:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
        return int(conn.execute(text(f"{asked} AND state = 'active'")).scalar_one())


def ends(engine: Engine) -> bool:
    """Whether nothing runs any more within a moment: a server process needs one to notice."""
    end = time.monotonic() + 5
    while running(engine):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_copy_is_stopped_from_another_thread(engine: Engine) -> None:
    copying = Copying()
    came, seen = threading.Event(), []

    def take(rows: list[bytes]) -> None:
        seen.append(len(rows))
        came.set()

    def work() -> None:
        with engine.connect() as conn, pytest.raises(Stopped):
            copying.copy(conn, NUMBERS, CSV, take)

    thread = threading.Thread(target=work)
    thread.start()
    assert came.wait(10)
    assert running(engine) == 1
    copying.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert ends(engine)
    assert engine.pool.checkedout() == 0
    with engine.connect() as conn, pytest.raises(Stopped):
        copying.copy(conn, NUMBERS, CSV, take)


def test_what_a_taker_raises_ends_the_copy(engine: Engine) -> None:
    def take(_: list[bytes]) -> None:
        raise KeyError

    with engine.connect() as conn, pytest.raises(KeyError):
        Copying().copy(conn, NUMBERS, CSV, take)
    assert ends(engine)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT 1")).scalar() == 1


# -- the way to a slow client ------------------------------------------------------------------------------------------


def test_a_spool_keeps_order_over_memory_and_disk() -> None:
    spool = Spool(lambda: None, memory=1000)
    blocks = [bytes([number]) * (100 + number) for number in range(200)]

    def write() -> None:
        for block in blocks:
            spool.write(block)
        spool.finish()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "a slow reader must not hold the writer up"
    assert spool.on_disk
    assert spool.size == sum(map(len, blocks))
    read = b""
    while not spool.ended:
        read += spool.take() or b""
    assert read == b"".join(blocks)
    spool.close()


def test_a_spool_with_a_reader_that_comes_and_goes() -> None:
    spool = Spool(lambda: None, memory=500)
    read = b""
    for turn in range(20):
        for number in range(turn):
            spool.write(bytes([number]) * 100)
        for _ in range(turn):
            read += spool.take() or b""
    while spool.size:
        read += spool.take() or b""
    assert read == b"".join(bytes([number]) * 100 for turn in range(20) for number in range(turn))


def test_a_spool_tells_the_writer_and_the_reader_what_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(lambda: None)
    spool.write(b"a")
    spool.finish(ValueError("why"))
    assert spool.take() == b"a"
    with pytest.raises(ValueError, match="why"):
        spool.take()
    monkeypatch.setattr("gis.exports.spool.DISK", 10)
    spool = Spool(lambda: None, memory=10)
    waiting = threading.Thread(target=fill, args=[spool])
    waiting.start()
    time.sleep(0.2)
    assert waiting.is_alive(), "the disk is bounded too"
    spool.close()
    waiting.join(5)
    assert not waiting.is_alive()


def fill(spool: Spool) -> None:
    with contextlib.suppress(Stopped):
        for _ in range(100):
            spool.write(b"123456789")
