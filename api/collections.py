"""OGC API - Features: which collections there are, and what a filter may name (OGC 17-069r4 7.13, 7.14; 19-079r2 6)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.encoding import JSON
from api.ogc_asked import asked_now
from api.ogc_documents import SCHEMA, collection_document, forms, link, present, queryables_document
from gis.collections.catalogue import COLLECTIONS
from gis.collections.extent import LAYERS as EXTENT_LAYERS

router = APIRouter(include_in_schema=False)


@router.get("/collections")
async def get_collections(request: Request) -> Response:
    """All collections of the city."""
    asked = await asked_now(request)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, EXTENT_LAYERS)
    extent = await asked.extent()
    listed = present(COLLECTIONS.values(), asked.city)
    links = [*forms(f"{asked.base}/collections", wanted.form), link(f"{asked.base}/", "up", JSON, "Landing page")]
    documents = [collection_document(asked.base, asked.city, extent, one, None) for one in listed]
    return asked.answer("collections", {"links": links, "collections": documents}, wanted, validators)


@router.get("/collections/{collection_id}")
async def get_collection(request: Request, collection_id: str) -> Response:
    """One collection."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, EXTENT_LAYERS)
    document = collection_document(asked.base, asked.city, await asked.extent(), collection, wanted.form)
    return asked.answer("collection", document, wanted, validators)


@router.get("/collections/{collection_id}/queryables")
async def get_queryables(request: Request, collection_id: str) -> Response:
    """What filters may name."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, ("city",))
    return asked.answer("queryables", queryables_document(asked.base, collection), wanted, validators, SCHEMA)
