"""OGC API - Features: a collection's features page by page, and one of them (OGC 17-069r4, 7.15 and 7.16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.dependencies import in_turn
from api.encoding import GEOJSON, JSON
from api.negotiation import Wanted
from api.ogc_asked import HTML, Asked, asked_now
from api.ogc_documents import EXPORTS, Document, collection_document, forms, is_synthetic, link
from api.validators import Validators
from gis.collections.crs import CRS84, named, offered
from gis.collections.declared import Collection
from gis.collections.pages import Matched, Page, PageQuery, count_matched, full_order, read_one, read_page, read_token
from gis.collections.requests import ItemsRequest, given_values, items_request, own_values
from gis.collections.selection import Selection, one_feature, select_features
from gis.encoding import to_json
from gis.errors import NotFound

router = APIRouter(include_in_schema=False)
COUNTS_KEPT = 2000
NOT_OF_THE_PAGE = ("f", "lang", "after")
NOT_OF_AN_EXPORT = (*NOT_OF_THE_PAGE, "limit", "count")


@router.get("/collections/{collection_id}/items")
async def get_items(request: Request, collection_id: str) -> Response:
    """A page of features."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    wanted = asked.wanted(GEOJSON)
    if wanted.form == "html":
        # A form sends its empty fields as well.
        asked = replace(asked, sent=[pair for pair in asked.sent if pair[1]])
    items = items_request(asked.sent, collection, asked.city)
    validators = asked.validators(wanted, ("city", *collection.layers), daily=collection.daily)
    crs = items.crs if wanted.form == "json" else CRS84

    def read(conn: Connection) -> bytes:
        selection = select_features(conn, asked.city, collection, items.asked)
        order = full_order(collection, items.sort)
        after = None if items.after is None else read_token(items.after, selection.source, order)
        page = read_page(conn, selection, PageQuery(items.limit, items.sort, after, items.properties, crs))
        matched = _matched(asked, conn, selection, items, page, validators)
        head = _head(asked, selection, wanted, page, matched)
        return to_json(head)[:-1] + b',"features":[' + page.features.encode() + b"]}\n"

    body = await in_turn(request, read)
    if wanted.form == "html":
        document = {**orjson.loads(body), **await _page_facts(asked, collection)}
        return asked.answer("items", document, wanted, validators)
    headers = {**validators.headers(), "Content-Crs": f"<{crs.uri}>"}
    return Response(body, headers=headers, media_type=GEOJSON)


def _matched(
    asked: Asked,
    conn: Connection,
    selection: Selection,
    items: ItemsRequest,
    page: Page,
    validators: Validators,
) -> Matched | None:
    """How many features match; counted once for all pages as long as the data stays."""
    if items.count in (None, "exact") and items.after is None and page.after is None:
        return Matched(page.returned, exact=True)
    kept = asked.request.app.state.counts
    key = selection.collection.id, validators.etag, items.count, items.same
    if key not in kept:
        kept[key] = count_matched(conn, selection, items.count)
        while len(kept) > COUNTS_KEPT:
            kept.popitem(last=False)
    matched: Matched | None = kept[key]
    return matched


def _head(asked: Asked, selection: Selection, wanted: Wanted, page: Page, matched: Matched | None) -> Document:
    """Everything of a page of features but the features."""
    collection = selection.collection
    here = f"{asked.base}/collections/{collection.id}"
    kept = [pair for pair in asked.sent if pair[0] not in ("f", "lang")]
    links = forms(f"{here}/items", wanted.form, GEOJSON, urlencode(kept))
    if page.after is not None:
        following = urlencode([*(pair for pair in asked.sent if pair[0] != "after"), ("after", page.after)])
        links.append(link(f"{here}/items?{following}", "next", GEOJSON if wanted.form == "json" else HTML, "Next page"))
    links.append(link(here, "collection", JSON, collection.title))
    filters = [pair for pair in asked.sent if pair[0] not in NOT_OF_AN_EXPORT]
    links += [
        link(f"{here}/export?{urlencode([*filters, ('f', ending)])}", "enclosure", media, title)
        for ending, (title, media) in (EXPORTS.items() if wanted.form == "html" else ())
    ]
    head: Document = {"type": "FeatureCollection", "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    if matched is not None:
        head["numberMatched" if matched.exact else "estimatedNumberMatched"] = matched.number
    synthetic = is_synthetic(asked.city, collection)
    return {**head, "numberReturned": page.returned, **selection.facts, "synthetic": synthetic, "links": links}


async def _page_facts(asked: Asked, collection: Collection) -> Document:
    """What a page shows besides: titles and units of the properties, the collection and its parameters."""
    document = collection_document(asked.base, asked.city, await asked.extent(), collection, None)
    schema = {
        one.name: {"title": one.title, "title_zh": one.title_zh, "unit": one.unit} for one in collection.properties
    }
    kept = {name: document[name] for name in ("id", "title", "title_zh", "extent")}
    return {"schema": schema, "collection": kept, "parameters": document["parameters"]}


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
        document = {**orjson.loads(text), **more, **await _page_facts(asked, collection)}
        return asked.answer("item", document, wanted, validators)
    body = text.encode()[:-1] + b"," + to_json(more)[1:] + b"\n"
    return Response(body, headers={**validators.headers(), "Content-Crs": f"<{crs.uri}>"}, media_type=GEOJSON)
