"""The ground in memory is never stale: not in threads, not in other processes, not while connections are lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from gis.errors import CityError
from gis.live import LiveGround, Picture
from gis.store.database import GROUND_LOCK, bump_version, create_database_engine, own_ground, share_ground, transaction
from gis.tiers import load_tiers
from tests.town import build_town, some_rows, take_in, write_csv

ROOT = Path(__file__).parent.parent.parent
CHANGES = 12


@contextmanager
def live_ground(url: str, pool_size: int = 2) -> Iterator[LiveGround]:
    engine = create_database_engine(url, pool_size=pool_size)
    live = LiveGround(engine)
    live.start()
    yield live
    live.stop()
    engine.dispose()


@pytest.fixture
def town_url(engine: Engine, database_url: str) -> str:
    with transaction(engine) as conn:
        build_town(conn)
    return database_url


def wait_for(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.005)


def leased(live: LiveGround) -> Picture:
    wait_for(lambda: live.leased)
    picture = live.leased
    assert picture is not None
    return picture


def number_of(picture: Picture) -> int:
    """The number that changes write into the name of every street; a picture that mixes two is torn."""
    (name,) = {area.name for area in picture.ground.areas.values() if area.level == "street"}
    return int(name) if name.isdigit() and len(name) < 6 else 0


def change(conn: Connection, number: int) -> None:
    own_ground(conn)
    conn.execute(text("UPDATE areas SET name = :name WHERE level = 'street'"), {"name": str(number)})
    bump_version(conn, "areas")


def name_streets(engine: Engine) -> None:
    with transaction(engine) as conn:
        change(conn, 0)


READER = """
import sys, time
from gis.live import LiveGround
from gis.store.database import create_database_engine
from tests.db.test_live import number_of
url, seconds, out = sys.argv[1], float(sys.argv[2]), sys.argv[3]
live = LiveGround(create_database_engine(url))
live.start()
live.checked()
print("ready", flush=True)
end, seen = time.monotonic() + seconds, []
while time.monotonic() < end:
    began = time.monotonic_ns()
    picture = live.leased
    seen.append((began, int(picture is not None), number_of(picture or live.checked())))
    time.sleep(0.0003)
open(out, "w").write(repr(seen))
"""


def check_answers(seen: list[tuple[int, int, int]], committed: list[tuple[int, int]]) -> None:
    """No answer that began after a commit is older than that commit."""
    waiting = sorted(committed)
    newest, late = 0, []
    for began, from_lease, number in sorted(seen):
        while waiting and waiting[0][0] <= began:
            newest = max(newest, waiting.pop(0)[1])
        if number < newest:
            late.append((number, newest, from_lease))
    assert not late
    assert {number for _, _, number in seen} >= {number for _, number in committed[:-1]}
    assert sum(from_lease for _, from_lease, _ in seen) > len(seen) / 10


def test_no_answer_is_older_than_a_commit_before_it(engine: Engine, town_url: str, tmp_path: Path) -> None:
    """Two processes and three threads read as fast as they can while the ground changes and changes."""
    name_streets(engine)
    files = [tmp_path / f"seen{n}" for n in range(2)]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, town_url, "9", file], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for file in files
    ]
    seen: list[tuple[int, int, int]] = []
    stop = threading.Event()

    def read(live: LiveGround) -> None:
        while not stop.is_set():
            began = time.monotonic_ns()
            picture = live.leased
            seen.append((began, int(picture is not None), number_of(picture or live.checked())))
            time.sleep(0.001)

    committed = []
    with live_ground(town_url, pool_size=4) as live:
        threads = [threading.Thread(target=read, args=(live,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for number in range(1, CHANGES + 1):
            with transaction(engine) as conn:
                change(conn, number)
            committed.append((time.monotonic_ns(), number))
            time.sleep((number % 4) * 0.12)
        for reader in readers:
            assert reader.wait(timeout=60) == 0
        stop.set()
        for thread in threads:
            thread.join()
    check_answers(seen, committed)
    for file in files:
        check_answers(json.loads(file.read_text().replace("(", "[").replace(")", "]")), committed)


def test_a_change_that_takes_its_time_is_served_from_the_old_picture_until_it_commits(
    engine: Engine, town_url: str
) -> None:
    name_streets(engine)
    with live_ground(town_url) as live:
        leased(live)
        with transaction(engine) as conn:
            change(conn, 1)
            assert live.leased is None
            for _ in range(20):
                assert number_of(live.checked()) == 0
                time.sleep(0.01)
        assert number_of(live.checked()) == 1
        assert number_of(leased(live)) == 1


def test_a_change_that_is_rolled_back_never_shows(engine: Engine, town_url: str) -> None:
    name_streets(engine)
    with live_ground(town_url) as live:
        leased(live)
        with engine.connect() as conn:
            change(conn, 1)
            conn.rollback()
        assert number_of(live.checked()) == 0
        assert number_of(leased(live)) == 0


def test_loaders_tell_it(engine: Engine, town_url: str, tmp_path: Path) -> None:
    with engine.connect() as conn:
        code = conn.execute(text("SELECT min(code) FROM cells")).scalar_one()
    with live_ground(town_url) as live:
        for tier in ("key", "secondary", "general", "key"):
            picture = leased(live)
            path = tmp_path / "tiers.csv"
            path.write_text(f"cell_code,tier\n{code},{tier}\n")
            with transaction(engine) as conn:
                load_tiers(conn, path)
            now = live.leased or live.checked()
            assert now is not picture
            assert now.ground.cell_tiers[now.ground.cell_codes.index(code)] == tier


def test_a_retired_cell_is_gone_at_once(engine: Engine, town_url: str) -> None:
    with live_ground(town_url) as live:
        picture = leased(live)
        before = len(picture.ground.cell_codes)
        with transaction(engine) as conn:
            own_ground(conn)
            gone = conn.execute(
                text("UPDATE cells SET retired_at = now() WHERE id = (SELECT min(id) FROM cells) RETURNING code")
            ).scalar_one()
            bump_version(conn, "cells")
        now = live.leased or live.checked()
        assert gone not in now.ground.cell_codes
        assert len(now.ground.cell_codes) == before - 1


def test_reports_do_not_disturb_the_lease(engine: Engine, town_url: str, tmp_path: Path) -> None:
    with live_ground(town_url) as live:
        picture = leased(live)
        with transaction(engine) as conn:
            take_in(conn, write_csv(tmp_path / "reports.csv", some_rows(200)))
        assert live.leased is picture


LEASES = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = :key AND mode = 'ShareLock' AND granted"


def lease_pids(engine: Engine) -> list[int]:
    with engine.connect() as conn:
        return list(
            conn.execute(
                text(f"{LEASES} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"),
                {"key": GROUND_LOCK},
            ).scalars()
        )


def test_it_survives_the_loss_of_its_connection(engine: Engine, town_url: str) -> None:
    name_streets(engine)
    with live_ground(town_url) as live:
        for number in range(1, 4):
            leased(live)
            (pid,) = lease_pids(engine)
            with transaction(engine) as conn:
                assert conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid}).scalar()
                change(conn, number)
            assert number_of(live.leased or live.checked()) == number
            assert number_of(leased(live)) == number
            assert lease_pids(engine) != [pid]


def test_writers_do_not_block_each_other_or_two_servers(engine: Engine, town_url: str) -> None:
    """Two pictures hold the lock; three writers and an import want it, all at once; all come through."""
    name_streets(engine)
    done: list[int] = []

    def write(number: int) -> None:
        own = create_database_engine(town_url, pool_size=2)
        with transaction(own) as conn:
            change(conn, number)
            done.append(number)
        own.dispose()

    def share() -> None:
        with transaction(engine) as conn:
            share_ground(conn)
            time.sleep(0.2)
            done.append(0)

    with live_ground(town_url) as one, live_ground(town_url) as other:
        leased(one)
        leased(other)
        threads = [threading.Thread(target=write, args=(n,)) for n in (1, 2, 3)] + [threading.Thread(target=share)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(done) == [0, 1, 2, 3]
        last = next(number for number in reversed(done) if number)
        assert number_of(one.leased or one.checked()) == last
        assert number_of(other.leased or other.checked()) == last
        wait_for(lambda: one.leased and other.leased)


def test_a_database_without_a_city_says_so_and_is_served_once_it_has_one(engine: Engine, database_url: str) -> None:
    with live_ground(database_url) as live:
        with pytest.raises(CityError):
            live.checked()
        assert live.leased is None
        with transaction(engine) as conn:
            build_town(conn)
        assert len(live.checked().ground.cell_codes) == 95
        assert len(leased(live).ground.cell_codes) == 95


def test_stopping_lets_go_of_the_lock(engine: Engine, town_url: str) -> None:
    with live_ground(town_url) as live:
        leased(live)
        assert len(lease_pids(engine)) == 1
        live.stop()
        assert live.leased is None
        with transaction(engine) as conn:
            change(conn, 1)
        wait_for(lambda: not lease_pids(engine))
        assert number_of(live.checked()) == 1


def test_the_reader_process_would_notice_a_stale_answer() -> None:
    seen = [(10, 1, 0), (20, 1, 0), (30, 1, 1)]
    with pytest.raises(AssertionError):
        check_answers(seen, [(15, 1)])
    check_answers([(10, 1, 0), (20, 1, 1)], [(15, 1)])
