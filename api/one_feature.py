"""OGC API - Features: one feature (OGC 17-069r4, 7.16)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.dependencies import in_turn
from api.encoding import GEOJSON, JSON
from api.ogc_asked import asked_now
from api.ogc_documents import forms, is_synthetic, link
from gis.collections.crs import CRS84, named, offered
from gis.collections.pages import read_one
from gis.collections.requests import given_values, own_values
from gis.collections.selection import one_feature
from gis.encoding import to_json
from gis.errors import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/collections/{collection_id}/items/{feature_id:path}")
async def get_item(request: Request, collection_id: str, feature_id: str) -> Response:
    """One feature."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    own = [one.name for one in collection.parameters]
    repeatable = [one.name for one in collection.parameters if one.repeatable]
    values = given_values(asked.sent, ("crs", "f", "lang", *own), repeatable)
    wanted = asked.wanted(GEOJSON)
    crs = named(values["crs"][0], offered(asked.city.metric_crs), "crs") if "crs" in values else CRS84
    crs = crs if wanted.form == "json" else CRS84
    given = own_values(values, collection.parameters)
    validators = asked.validators(wanted, ("city", *collection.layers), daily=collection.daily)

    def read(conn: Connection) -> tuple[str | None, Any]:
        selection = one_feature(conn, collection, given, feature_id)
        return (None, {}) if selection is None else (read_one(conn, selection, crs), selection.facts)

    text, facts = await in_turn(request, read)
    if text is None:
        msg = f"{collection.id} has no feature {feature_id[:80]!r}"
        raise NotFound(msg)
    here = f"{asked.base}/collections/{collection.id}"
    kept = urlencode([pair for pair in asked.sent if pair[0] not in ("f", "lang")])
    links = [
        *forms(f"{here}/items/{quote(feature_id, safe=':')}", wanted.form, GEOJSON, kept),
        link(here, "collection", JSON, collection.title),
    ]
    more = {**facts, "synthetic": is_synthetic(asked.city, collection), "links": links}
    if wanted.form == "html":
        document = {**orjson.loads(text), **more, **await asked.page_facts(collection)}
        return asked.answer("item", document, wanted, validators)
    body = text.encode()[:-1] + b"," + to_json(more)[1:] + b"\n"
    return Response(body, headers={**validators.headers(), "Content-Crs": f"<{crs.uri}>"}, media_type=GEOJSON)
