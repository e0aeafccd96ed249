"""Vector tiles as mapbox_vector_tile decodes them: attributes and sums, from the addresses of TileJSON."""

from __future__ import annotations

import httpx
import mapbox_vector_tile
import pytest

from tests.api.tiny import SOUTH, STEP, WEST, Tiny
from tests.clients.conftest import Served
from tests.clients.test_gdal import DAYS, tile_of

CORNERS = (WEST - STEP, SOUTH - STEP, WEST + 17 * STEP, SOUTH + 5 * STEP)


def tiles_of(served: Served, layer: str, z: int, **window: str) -> list[list[dict]]:
    """Features of every tile of a zoom that meets the city."""
    template = httpx.get(f"{served.address}/tiles/{layer}.json", params=window).json()["tiles"][0]
    west, south, east, north = CORNERS
    (first, top), (last, bottom) = tile_of(west, north, z), tile_of(east, south, z)
    found = []
    for x in range(first, last + 1):
        for y in range(top, bottom + 1):
            answer = httpx.get(template.format(z=z, x=x, y=y))
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
            layers = mapbox_vector_tile.decode(answer.content) if answer.content else {}
            assert set(layers) <= {layer}
            found.append(layers[layer]["features"] if layers else [])
    return found


def counted(served: Served) -> dict[str, int]:
    answer = httpx.get(f"{served.address}/collections/density-cells/items", params={**DAYS, "limit": 1000}).json()
    return {one["id"]: one["properties"]["count"] for one in answer["features"]}


@pytest.mark.parametrize("z", [0, 5, 9])
def test_far_away_nothing_is_lost_of_the_sums(served: Served, z: int) -> None:
    # Squares lie in one tile each, so the sum over all tiles is the city's.
    seen = [feature["properties"] for tile in tiles_of(served, "density-cells", z, **DAYS) for feature in tile]
    assert sum(one["count"] for one in seen) == sum(counted(served).values())


@pytest.mark.parametrize("z", [14, 16])
def test_near_by_cells_have_their_own_counts(served: Served, facts: Tiny, z: int) -> None:
    seen = {
        feature["properties"]["code"]: feature["properties"]["count"]
        for tile in tiles_of(served, "density-cells", z, **DAYS)
        for feature in tile
    }
    assert set(seen) == set(facts.cells)
    assert seen == counted(served)


def test_roads_and_reports_have_tiles_too(served: Served, facts: Tiny) -> None:
    roads = {feature["properties"]["code"] for tile in tiles_of(served, "roads", 15) for feature in tile}
    assert roads == {"R1", "R2"}  # R3 lies far off
    reports = [feature["properties"] for tile in tiles_of(served, "reports", 0, **DAYS) for feature in tile]
    assert sum(one["features"] for one in reports) == len(facts.reports)
