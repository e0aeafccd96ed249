"""Pages and files out of memory: the same answers as before, and never older than the last commit."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text

from gis.store.asking import LoopConnection, Questions
from gis.store.database import bump_version

PATHS = (
    "/collections/cells/items?limit=7",
    "/collections/cells/items?limit=7&bbox=113.6015,34.7005,113.6065,34.7025",
    "/collections/cells/items?limit=7&filter=tier='key' OR area_km2>0.001",
    "/collections/cells/items?count=none&limit=5",
    "/collections/streets/items",
    "/collections/roads/items?limit=2",
    "/collections/cells/export?f=geojson",
)


def answer(client: TestClient, path: str) -> Any:
    got = client.get(path)
    assert got.status_code == 200, got.text
    found = got.json()
    found.pop("timeStamp", None)
    return found


def wait_until_kept(client: TestClient, *collections: str) -> None:
    """Ask until the features are in memory."""
    store, deadline = client.app.state.features, time.monotonic() + 20
    while not all(one in store._kept and store._kept[one][1] for one in collections) or store._reading:
        assert time.monotonic() < deadline
        for one in collections:
            client.get(f"/collections/{one}/items?limit=1")
        time.sleep(0.02)


@pytest.mark.parametrize("path", PATHS)
def test_the_second_answer_is_the_first(own_client: TestClient, path: str) -> None:
    first = answer(own_client, path)
    wait_until_kept(own_client, "cells", "streets", "roads")
    assert answer(own_client, path) == first


def test_a_change_shows_in_the_next_answer(own_client: TestClient, own_engine: Engine) -> None:
    wait_until_kept(own_client, "cells")
    for number in range(5):
        name = f"东街{number}"
        with own_engine.begin() as conn:
            conn.execute(text("UPDATE areas SET name = :name WHERE code = '990101001'"), {"name": name})
            bump_version(conn, "areas")
        for path in PATHS[:3]:
            names = {one["properties"]["area_name"] for one in answer(own_client, path)["features"]}
            assert name in names
            assert not {one for one in names if one.startswith("东街")} - {name}
        wait_until_kept(own_client, "cells")


def test_nothing_is_asked_of_the_rows_for_a_page_that_is_kept(
    own_client: TestClient, own_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until_kept(own_client, "cells")
    asked: list[str] = []

    def note(*given: Any) -> None:
        # The thread that tells webhooks asks on its own account.
        if threading.current_thread().name != "webhooks":
            asked.append(given[2])

    event.listen(own_engine, "before_cursor_execute", note)
    ask = LoopConnection.rows

    async def listened(self: LoopConnection, question: str, parameters: Any = None) -> Any:
        asked.append(question)
        return await ask(self, question, parameters)

    monkeypatch.setattr(LoopConnection, "rows", listened)
    for limit in range(1, 40):
        assert len(answer(own_client, f"/collections/cells/items?limit={limit}")["features"]) == limit
    answer(own_client, PATHS[1])
    assert not [statement for statement in asked if "as the collection cells" in statement]
    answer(own_client, PATHS[2])
    assert [statement for statement in asked if "as the collection cells" in statement]


def test_a_change_between_the_request_and_its_question_is_not_mixed_in(
    own_client: TestClient, own_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is asked after the versions were: where it has changed, texts of before do not hold."""
    wait_until_kept(own_client, "cells")
    ask, changed = Questions.rows, []

    async def late(self: Questions, question: Any) -> Any:
        if not changed:
            changed.append(True)
            with own_engine.begin() as conn:
                conn.execute(text("UPDATE areas SET name = '改' WHERE level = 'street'"))
                bump_version(conn, "areas")
        return await ask(self, question)

    monkeypatch.setattr(Questions, "rows", late)
    found = answer(own_client, PATHS[2])["features"]
    assert changed
    assert {one["properties"]["area_name"] for one in found} == {"改"}
