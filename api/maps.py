"""GET /maps/heatmap and GET /maps/listings: the pages, from the live data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.dependencies import Reading, TrueGround
from api.listings import Kind, On, PeriodText, State, Street, named_period
from api.negotiation import preferred_language
from api.parameters import (
    BoxText,
    Categories,
    OpenFromDay,
    OpenToDay,
    OperationCode,
    Sources,
    WithoutShared,
    box,
    days_or_operation,
    only_known,
)
from api.validators import valid_by
from gis.city import read_city
from gis.density import DensityQuery
from gis.listing_map import read_background
from gis.listing_reads import OPEN, ListingQuery, list_listings, listing_shapes
from maps.heatmap import heatmap_page
from maps.listings_page import PAGE as LISTINGS_PAGE
from maps.listings_page import listings_page

router = APIRouter(tags=["maps"], dependencies=[Depends(only_known)])
ASSET_ROOT = "/static/maps"
PAGE = "/maps/heatmap"
Lang = Annotated[Literal["zh", "en"] | None, Query(description="Language; else what the browser prefers")]


@router.get(
    PAGE,
    summary="The heat map",
    description="Reports per km2 as a page that asks no other server for anything. Without `from` and `to` it opens "
    "with the days that the city's description names. With an operation it holds only what lies inside, and draws "
    "its edge.",
    response_class=HTMLResponse,
    dependencies=[
        valid_by(
            "city",
            "reports",
            "categories",
            "cells",
            "areas",
            "roads",
            "coordinators",
            "operations",
            "policy",
            daily=True,
            languages=True,
        )
    ],
)
def get_heatmap(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    source: Sources = [],  # noqa: B006
    bbox: BoxText = None,
    operation: OperationCode = None,
    lang: Lang = None,
    *,
    without_shared: WithoutShared = False,
) -> HTMLResponse:
    """Make the page."""
    if operation is None and from_day is None and to_day is None and ground.city.demo_window is not None:
        from_day, to_day = ground.city.demo_window
    first, last, within = days_or_operation(conn, operation, from_day, to_day)
    query = DensityQuery(first, last, tuple(category), tuple(source), box(bbox), without_shared, within)
    page = heatmap_page(
        conn, ground, query, lang=lang or preferred_language(request), assets="linked", asset_root=ASSET_ROOT
    )
    return HTMLResponse(page, headers={"Vary": "Accept-Language"})


@router.get(
    LISTINGS_PAGE,
    summary="The public list of places under supervision",
    description="Map and table of GET /listings as a page that asks no other server for anything; without `state`, "
    "what is on the list now. Most urgent first.",
    response_class=HTMLResponse,
    dependencies=[valid_by("city", "listings", "roads", "areas", "responsibles", "policy", daily=True, languages=True)],
)
def get_listings_page(
    request: Request,
    conn: Reading,
    state: State = None,
    period: PeriodText = None,
    kind: Kind = None,
    street: Street = None,
    on: On = None,
    lang: Lang = None,
) -> HTMLResponse:
    """Make the page."""
    city = read_city(conn)
    today = on or datetime.now(city.zone).date()
    query = ListingQuery(state or OPEN, None if period is None else named_period(period), kind, street)
    rows = list_listings(conn, query, today)
    page = listings_page(
        city,
        rows,
        listing_shapes(conn, [row["id"] for row in rows]),
        read_background(conn),
        today=today,
        asked={name: value for name, value in request.query_params.items() if name != "lang"},
        lang=lang or preferred_language(request),
        asset_root=ASSET_ROOT,
    )
    return HTMLResponse(page, headers={"Vary": "Accept-Language"})
