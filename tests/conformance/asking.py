"""How the tests ask: collections, their features, the links of a document."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from gis.collections.catalogue import COLLECTIONS

GEOJSON = "application/geo+json"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
HERE = tuple(name for name, one in COLLECTIONS.items() if one.level != "community")
"""Collections of the tiny city, which has no communities."""


def got(client: TestClient, path: str, **asked: Any) -> Any:
    """The JSON document of an address that answers 200."""
    answer = client.get(path, params=asked or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def items(client: TestClient, collection: str, **asked: Any) -> Response:
    """The answer to a request for features; `_` in names stands for `-`, as in filter_lang."""
    return client.get(f"/collections/{collection}/items", params=spelt(asked))


def spelt(asked: dict[str, Any]) -> dict[str, Any]:
    """Parameters as addresses have them; those of our own collections keep their underscore."""
    dashed = {"bbox_crs", "filter_lang", "filter_crs"}
    return {name.replace("_", "-") if name in dashed else name: value for name, value in asked.items()}


def features(client: TestClient, collection: str, **asked: Any) -> list[dict[str, Any]]:
    """All features that match, in one page."""
    answer = items(client, collection, **{"limit": 10_000, **asked})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["features"]
    return found


def ids(client: TestClient, collection: str, **asked: Any) -> list[str]:
    """Identifiers of all features that match, in order."""
    return [one["id"] for one in features(client, collection, **{"properties": "", **asked})]


def links(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    """Links of a document with a relation."""
    return [link for link in document["links"] if link["rel"] == rel]


def refused(answer: Response, status: int = 400) -> str:
    """What a refusal says: a problem document and never a fault of the server."""
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    detail: str = answer.json()["detail"]
    return detail
