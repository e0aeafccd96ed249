"""OGC API - Features: a collection's features page by page (OGC 17-069r4, 7.15)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import shapely
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.dependencies import in_turn
from api.encoding import GEOJSON, JSON
from api.negotiation import Wanted
from api.ogc_asked import HTML, Asked, asked_now
from api.ogc_documents import EXPORTS, Document, forms, is_synthetic, link
from api.validators import Validators
from gis.collections.crs import CRS84
from gis.collections.declared import Bound, Collection
from gis.collections.kept import APART, COMMA, FeatureStore, KeptFeatures, count_question, ids_question, read_features
from gis.collections.order import full_order, read_token
from gis.collections.pages import Matched, Page, PageQuery, count_matched, read_page
from gis.collections.requests import ItemsRequest, items_request
from gis.collections.selection import Asked as AskedFeatures
from gis.collections.selection import select_features, selected
from gis.encoding import to_json
from gis.store.asking import Questions

router = APIRouter(include_in_schema=False)
COUNTS_KEPT = 2000
ALL = AskedFeatures()
NOT_OF_AN_EXPORT = ("f", "lang", "after", "limit", "count")


@dataclass(frozen=True)
class _Pages:
    """One request for a page of features."""

    asked: Asked
    collection: Collection
    items: ItemsRequest
    wanted: Wanted
    validators: Validators
    after: tuple[Any, ...] | None

    def from_memory(self, texts: KeptFeatures) -> bytes:
        """A page of all features, without the database."""
        page = texts.page(self.items.limit, None if self.after is None else self.after[0])
        matched = None if self.items.count == "none" else Matched(len(texts.ids), exact=self.items.count != "estimate")
        return self._body(page, matched, {})

    def met(self, texts: KeptFeatures, box: shapely.Geometry) -> bytes:
        """A page of the features that meet a box, without the database."""
        places = texts.meeting(box)
        page = texts.page_of(places, self.items.limit, None if self.after is None else self.after[0])
        matched = None if self.items.count == "none" else Matched(len(places), exact=self.items.count != "estimate")
        return self._body(page, matched, {})

    async def found(self, texts: KeptFeatures) -> bytes | None:
        """A page of the features that the database finds, their texts from memory; None where the data has changed."""
        items, layers = self.items, self.collection.layers
        # Versions only grow, so their sum is the same only where each is.
        state = sum(version for version, _ in self.asked.seen.key(layers))
        questions: Questions = self.asked.request.app.state.questions
        selection = selected(self.collection, Bound(self.collection.binds), self.asked.city, items.asked)
        after = None if self.after is None else self.after[0]
        ((ids, now),) = await questions.rows(ids_question(selection, items.limit, after, layers))
        if now != state:
            return None
        page = texts.of(ids.split(APART) if ids else (), items.limit)
        matched = self._known(page)
        if matched is None and items.count != "none":
            ((number, now),) = await questions.rows(count_question(selection, layers))
            if now != state:
                return None
            matched = self._keep(Matched(number, exact=items.count != "estimate"))
        return self._body(page, matched, selection.facts)

    def read(self, conn: Connection) -> bytes:
        """A page that the database writes."""
        items = self.items
        selection = select_features(conn, self.asked.city, self.collection, items.asked)
        query = PageQuery(items.limit, items.sort, self.after, items.properties, items.crs)
        page = read_page(conn, selection, query)
        matched = self._known(page) or self._keep(count_matched(conn, selection, items.count))
        return self._body(page, matched, selection.facts)

    def _known(self, page: Page) -> Matched | None:
        """How many features match, where that needs no counting."""
        if self.items.count in (None, "exact") and self.after is None and page.after is None:
            return Matched(page.returned, exact=True)
        found: Matched | None = self._counts.get(self._counted)
        return found

    def _keep(self, matched: Matched | None) -> Matched | None:
        """Count once for all pages as long as the data stays."""
        if matched is not None:
            self._counts[self._counted] = matched
            while len(self._counts) > COUNTS_KEPT:
                self._counts.popitem(last=False)
        return matched

    @property
    def _counts(self) -> OrderedDict[Hashable, Matched]:
        counts: OrderedDict[Hashable, Matched] = self.asked.request.app.state.counts
        return counts

    @property
    def _counted(self) -> Hashable:
        return self.collection.id, self.validators.etag, self.items.count, self.items.same

    def _body(self, page: Page, matched: Matched | None, facts: Any) -> bytes:
        head: Document = {"type": "FeatureCollection", "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        if matched is not None:
            head["numberMatched" if matched.exact else "estimatedNumberMatched"] = matched.number
        head |= {
            "numberReturned": page.returned,
            **facts,
            "synthetic": is_synthetic(self.asked.city, self.collection),
            "links": self._links(page),
        }
        pieces = [part for piece in page.pieces for part in (COMMA, piece)][1:]
        return b"".join([to_json(head)[:-1], b',"features":[', *pieces, b"]}\n"])

    def _links(self, page: Page) -> list[Document]:
        asked, html = self.asked, self.wanted.form == "html"
        here = f"{asked.base}/collections/{self.collection.id}"
        kept = [pair for pair in asked.sent if pair[0] not in ("f", "lang")]
        links = forms(f"{here}/items", self.wanted.form, GEOJSON, urlencode(kept))
        if page.after is not None:
            following = urlencode([*(pair for pair in asked.sent if pair[0] != "after"), ("after", page.after)])
            links.append(link(f"{here}/items?{following}", "next", HTML if html else GEOJSON, "Next page"))
        links.append(link(here, "collection", JSON, self.collection.title))
        filters = [pair for pair in asked.sent if pair[0] not in NOT_OF_AN_EXPORT]
        links += [
            link(f"{here}/export?{urlencode([*filters, ('f', ending)])}", "enclosure", media, title)
            for ending, (title, media) in (EXPORTS.items() if html else ())
        ]
        return links


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
    if wanted.form == "html":
        items = replace(items, crs=CRS84)
    validators = asked.validators(wanted, ("city", *collection.layers), daily=collection.daily)
    after = None if items.after is None else read_token(items.after, collection, full_order(collection, items.sort))
    pages = _Pages(asked, collection, items, wanted, validators, after)
    texts = features_in_memory(asked, collection) if items.crs == CRS84 and items.properties is None else None
    body = None
    if texts is not None and not items.sort:
        if items.asked == ALL:
            body = pages.from_memory(texts)
        elif items.asked.box is not None and replace(items.asked, box=None) == ALL:
            body = pages.met(texts, items.asked.box)
        else:
            body = await pages.found(texts)
    if body is None:
        body = await in_turn(request, pages.read)
    if wanted.form == "html":
        document = {**orjson.loads(body), **await asked.page_facts(collection)}
        return asked.answer("items", document, wanted, validators)
    headers = {**validators.headers(), "Content-Crs": f"<{items.crs.uri}>"}
    return Response(body, headers=headers, media_type=GEOJSON)


def whole_collection(asked: Asked, collection: Collection, items: ItemsRequest) -> KeptFeatures | None:
    """All features in memory, where all of them are asked for as they are kept: in CRS84, in the order of the key."""
    plain = items.asked == ALL and not items.sort and items.crs == CRS84 and items.properties is None
    return features_in_memory(asked, collection) if plain else None


def features_in_memory(asked: Asked, collection: Collection) -> KeptFeatures | None:
    """All features of a collection as of this moment, where they are in memory; else they will soon be."""
    if not collection.kept:
        return None
    state = asked.request.app.state
    store: FeatureStore = state.features
    version = asked.seen.key(collection.layers)
    texts = store.find(collection, version)
    if texts is None and store.wanted(collection, version):
        task = asyncio.create_task(_keep(asked, collection))
        state.tasks.add(task)
        task.add_done_callback(state.tasks.discard)
    return texts


async def _keep(asked: Asked, collection: Collection) -> None:
    store: FeatureStore = asked.request.app.state.features
    try:
        version, features = await in_turn(asked.request, lambda conn: read_features(conn, asked.city, collection))
        store.keep(collection, version, features)
    finally:
        store.done(collection)
