"""GET /maps/response: the live board of double ten."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from api.case_parameters import PastInstant, Street
from api.dependencies import Reading, TrueGround
from api.encoding import synthetic_layers
from api.maps import ASSET_ROOT, Lang
from api.negotiation import preferred_language
from api.parameters import only_known
from api.response import Within
from api.validators import valid_by
from gis.breakdowns import areas_within
from gis.policies import city_policy
from maps.response_board import BoardChoice, board_page

router = APIRouter(tags=["maps"], dependencies=[Depends(only_known)])


@router.get(
    "/maps/response",
    summary="The live board of double ten",
    description="What runs out in the next minutes, as a list with countdowns and a map; it asks GET /response/live of "
    "its own server every few seconds, and no other server for anything. With `at` it replays the city from a past "
    "instant on.",
    response_class=HTMLResponse,
    dependencies=[valid_by("city", "areas", "policy", daily=True, languages=True)],
)
def get_response_board(
    request: Request,
    conn: Reading,
    ground: TrueGround,
    at: PastInstant,
    within_s: Within = 600,
    street: Street = None,
    lang: Lang = None,
) -> HTMLResponse:
    """Make the page."""
    if street is not None:
        areas_within(ground, street)  # refuses what there is not
    today = (at or datetime.now(UTC)).astimezone(ground.city.zone).date()
    page = board_page(
        ground,
        BoardChoice(within_s, street, at, city_policy(conn, today).response_limit_s),
        lang=lang or preferred_language(request),
        synthetic=synthetic_layers(ground.city),
        asset_root=ASSET_ROOT,
    )
    return HTMLResponse(page, headers={"Vary": "Accept-Language"})
