"""What is answered from memory is what the database holds, before, during and after a change of the ground."""

from __future__ import annotations

import threading
import time

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.assignments import reassign
from gis.store.database import bump_version, own_ground, transaction

ASKED = {"level": "cell", "from": "2016-05-01", "to": "2016-05-21"}


def drop_a_cell(engine: Engine, code: str) -> None:
    """Retire a cell as a load would; its reports lie outside then."""
    with transaction(engine) as conn:
        own_ground(conn)
        conn.execute(text("UPDATE cells SET retired_at = now() WHERE code = :code"), {"code": code})
        reassign(conn)
        bump_version(conn, "cells")


def test_a_retired_cell_is_gone_at_once_in_every_answer(own_client: TestClient, own_engine: Engine) -> None:
    shapes = {**ASKED, "f": "geojson"}
    assert len(own_client.get("/density", params=shapes).json()["features"]) == 48
    for number, code in enumerate(("990101001001", "990102001016"), 1):
        before = own_client.get("/reconciliation").json()
        drop_a_cell(own_engine, code)
        rows = own_client.get("/density", params=ASKED).json()["rows"]
        after = own_client.get("/reconciliation").json()
        assert code not in {row["code"] for row in rows}
        assert len(rows) == 48 - number
        assert sum(row["count"] for row in rows) == after["in_cells"] < before["in_cells"]
        assert len(own_client.get("/density", params=shapes).json()["features"]) == 48 - number


def test_moved_geometry_is_drawn_where_it_is(own_client: TestClient, own_engine: Engine) -> None:
    def ring() -> list:
        found = own_client.get("/areas", params={"level": "district", "f": "geojson"}).json()["features"]
        return found[0]["geometry"]["coordinates"][0][0]

    before = ring()
    with transaction(own_engine) as conn:
        own_ground(conn)
        conn.execute(text("UPDATE areas SET geom = ST_Translate(geom, 0.01, 0) WHERE code = '990101'"))
        bump_version(conn, "areas")
    assert [round(x - 0.01, 7) for x, _ in ring()] == [x for x, _ in before]


def test_no_answer_mixes_two_states(own_client: TestClient, own_engine: Engine) -> None:
    """While cells are dropped one after the other, every answer is true for one moment: cells and counts agree."""
    truth = text(
        "SELECT (SELECT count(*) FROM cells WHERE retired_at IS NULL), (SELECT count(*) FROM reports WHERE cell_id > 0)"
    )

    def state() -> tuple[int, int]:
        with own_engine.connect() as conn:
            return tuple(conn.execute(truth).one())

    dropped = [row["code"] for row in own_client.get("/density", params=ASKED).json()["rows"][:6]]
    true_at = {state()}
    seen: set[tuple[int, int]] = set()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            rows = own_client.get("/density", params=ASKED).json()["rows"]
            seen.add((len(rows), sum(row["count"] for row in rows)))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for code in dropped:
            drop_a_cell(own_engine, code)
            true_at.add(state())
            time.sleep(0.02)
    finally:
        done.set()
        asking.join()
    assert seen <= true_at
    assert len(seen) > 1
