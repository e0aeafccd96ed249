"""Tiles kept as bytes: sent again only as long as they hold, by every worker."""

from __future__ import annotations

from collections.abc import Iterator

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.store.database import bump_version
from tests.api.conftest import KEY, open_client

WINDOW = "from=2016-05-01&to=2016-05-21"
WHERE = "10/835/406"
TILE = f"/tiles/density-cells/{WHERE}.mvt?{WINDOW}"


@pytest.fixture
def workers(own_engine: Engine) -> Iterator[list[TestClient]]:
    """Two servers over one database."""
    with open_client(own_engine) as first, open_client(own_engine) as second:
        yield [first, second]


def features(client: TestClient, path: str) -> list[dict]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    (layer,) = mapbox_vector_tile.decode(answer.content).values()
    return [one["properties"] for one in layer["features"]]


def counted(client: TestClient) -> int:
    return sum(one["count"] for one in features(client, TILE))


@pytest.mark.parametrize("packed", ["gzip", "identity"])
def test_a_report_is_in_the_next_tile_of_every_worker(
    workers: list[TestClient], key: dict[str, str], packed: str
) -> None:
    assert key["X-API-Key"] == KEY
    for worker in workers:
        worker.headers["Accept-Encoding"] = packed
    before = counted(workers[0])
    assert before > 0
    for number in range(1, 4):
        for worker in workers:
            # Twice, so that the second one comes out of the bytes that are kept.
            assert {counted(worker), counted(worker)} == {before + number - 1}
        tags = [worker.get(TILE).headers["etag"] for worker in workers]
        told = {
            "source": "patrol",
            "source_ref": f"F{number}",
            "reported_at": "2016-05-03T08:30:00+08:00",
            "category": "event:0501",
            "datum": "wgs84",
            "lon": 113.6005,
            "lat": 34.7005,
        }
        assert workers[number % 2].post("/reports", json=told, headers=key).status_code == 201
        for worker, tag in zip(workers, tags, strict=True):
            assert worker.get(TILE, headers={"If-None-Match": tag}).status_code == 200
            assert counted(worker) == before + number


def test_a_changed_cell_is_in_the_next_tile(workers: list[TestClient], own_engine: Engine) -> None:
    path = "/tiles/cells/16/53449/26024.mvt"
    tiers = [{one["tier"] for one in features(worker, path)} for worker in workers * 2]
    assert {"secondary"} not in tiers
    with own_engine.begin() as conn:
        conn.execute(text("UPDATE cells SET tier = 'secondary'"))
        bump_version(conn, "cells")
    for worker in workers:
        assert {one["tier"] for one in features(worker, path)} == {"secondary"}
