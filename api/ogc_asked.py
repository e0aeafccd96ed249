"""What every OGC resource begins with: the city and its data versions of this moment, the form that is wanted."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response

from api.dependencies import in_turn
from api.encoding import JSON
from api.negotiation import VARY, Wanted, wanted_form
from api.ogc_documents import Document, base_of, collection_document, present
from api.validators import Validators, validators_of
from gis.city import City, read_city
from gis.collections.catalogue import COLLECTIONS
from gis.collections.declared import Collection
from gis.collections.extent import LAYERS as EXTENT_LAYERS
from gis.collections.extent import Extent, read_extent
from gis.collections.requests import given_values
from gis.encoding import to_json
from gis.errors import NotFound
from gis.store.version_watch import Versions
from maps.ogc_pages import PageKind, ogc_page

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Asked:
    """A request and the moment it is answered for.

    Parameters
    ----------
    base
        Address of this service without a slash at its end.
    sent
        Query parameters in order.
    """

    request: Request
    city: City
    seen: Versions
    base: str
    sent: Sequence[tuple[str, str]]

    def collection(self, name: str) -> Collection:
        """The declared collection of that name.

        Raises
        ------
        NotFound
            There is none in this city.
        """
        here = {one.id: one for one in present(COLLECTIONS.values(), self.city)}
        if name not in here:
            near = difflib.get_close_matches(name, here, n=1, cutoff=0.5)
            there = f"did you mean {near[0]}?" if near else f"there are {', '.join(here)}"
            msg = f"there is no collection {name[:60]!r}; {there}"
            raise NotFound(msg)
        return here[name]

    def wanted(self, *media: str) -> Wanted:
        """The form, for routes whose other parameters are read elsewhere."""
        values = {name: [value] for name, value in self.sent if name in ("f", "lang")}
        return wanted_form(self.request, values, *media)

    def wanted_alone(self) -> Wanted:
        """The form, for routes that have no other parameters.

        Raises
        ------
        ParameterError
            There is another one.
        """
        given_values(self.sent, ("f", "lang"))
        return self.wanted()

    def validators(self, wanted: Wanted, layers: Sequence[str], *, daily: bool = False) -> Validators:
        """Validators of the answer: links in it carry the address, so it decides too.

        Raises
        ------
        NotModified
            The client has it already.
        """
        return validators_of(self.request, self.seen, layers, wanted, self.base, vary=VARY, daily=daily)

    async def extent(self) -> Extent:
        """The city's extent; from memory as long as its layers stay."""
        state, key = self.request.app.state, self.seen.key(EXTENT_LAYERS)
        if state.extent is None or state.extent[0] != key:
            state.extent = key, await in_turn(self.request, lambda conn: read_extent(conn, self.city))
        extent: Extent = state.extent[1]
        return extent

    async def page_facts(self, collection: Collection) -> Document:
        """What a page of features shows besides: titles and units, the collection and its parameters."""
        document = collection_document(self.base, self.city, await self.extent(), collection, None)
        schema = {
            one.name: {"title": one.title, "title_zh": one.title_zh, "unit": one.unit} for one in collection.properties
        }
        kept = {name: document[name] for name in ("id", "title", "title_zh", "extent")}
        return {"schema": schema, "collection": kept, "parameters": document["parameters"]}

    def answer(
        self,
        kind: PageKind,
        document: Document,
        wanted: Wanted,
        validators: Validators,
        media: str = JSON,
        more: Mapping[str, str] | None = None,
    ) -> Response:
        """A document as JSON, or as the page that shows it."""
        headers = {**validators.headers(), **(more or {})}
        if wanted.form == "html":
            page = ogc_page(kind, document, lang=wanted.lang, asset_root=self.request.app.state.asset_root)
            return Response(page, headers=headers, media_type=HTML)
        return Response(to_json(document) + b"\n", headers=headers, media_type=media)


def pairs(request: Request) -> list[tuple[str, str]]:
    """Query parameters in order, as they were sent."""
    raw = request.scope["query_string"].decode("latin-1")
    return parse_qsl(raw, keep_blank_values=True) if raw else []


async def asked_now(request: Request, seen: Versions | None = None) -> Asked:
    """The city, from memory as long as its description stays, and the data versions of this moment.

    Parameters
    ----------
    seen
        The versions, where they were looked up already.

    Raises
    ------
    CityError
        The database holds no city yet.
    """
    state: Any = request.app.state
    seen = seen or await state.watch.now()
    key = seen.key(("city",))
    if state.city is None or state.city[0] != key:
        state.city = key, await in_turn(request, read_city)
    return Asked(request, state.city[1], seen, base_of(request), pairs(request))
