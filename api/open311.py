"""/open311: Open311 GeoReport v2."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response

from api.dependencies import Reading, Writing, true_locator
from api.encoding import SYNTHETIC_HEADER, synthetic_layers
from api.ogc_documents import base_of
from api.open311_answers import ROOT, answer
from api.open311_asked import (
    FORM_SCHEMA,
    FORM_TYPE,
    EndDate,
    Ending,
    Extensions,
    PageNumber,
    PageSize,
    Posted,
    ReadBy,
    RequestIds,
    ServedCity,
    ServiceCodes,
    StartDate,
    Statuses,
    new_request,
    own_city,
    several,
)
from api.validators import valid_by
from gis.city import City, read_city
from gis.errors import TooLarge
from gis.open311.instants import window, write_instant
from gis.open311.requests import MOST, RequestsQuery, read_request, read_requests, requests_by_id
from gis.open311.services import changeset, list_services, service_definition
from gis.open311.taking import take_request
from gis.open311.updates import read_updates
from gis.open311.words import service_notice
from gis.settings import settings

router = APIRouter(tags=["open311"])
V2 = f"{ROOT}/v2"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
REQUEST_LAYERS = ("city", "reports", "categories", "cells", "roads", "cases", "departments", "open311")
JSON_LIST = {"type": "array", "items": {"type": "object"}}
RequestId = Annotated[str, Path(description="Id of a service request, e.g. open311:1042")]


def _forms(schema: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """How an answer in two forms is documented."""
    forms = {"application/json": {"schema": schema or JSON_LIST}, "text/xml": {"schema": {"type": "string"}}}
    return {200: {"description": "As the specification has it", "content": forms}}


@router.get(
    f"{ROOT}/discovery.{{form}}",
    summary="Where the Open311 service is and what it speaks",
    responses=_forms({"type": "object"}),
    dependencies=[valid_by("city", "categories")],
)
@router.get(
    f"{V2}/discovery.{{form}}",
    summary="The same, below the service itself",
    responses=_forms({"type": "object"}),
    dependencies=[valid_by("city", "categories")],
)
def get_discovery(request: Request, conn: Reading, form: Ending) -> Response:
    """Service discovery."""
    city = read_city(conn)
    changed = changeset(conn)
    since = "" if changed is None else write_instant(changed, city.zone)
    endpoint = {
        "specification": SPECIFICATION,
        "url": f"{base_of(request)}{V2}",
        "changeset": since,
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    document = {
        "changeset": since,
        "contact": settings().contact or f"whoever runs this server of {city.name_en} {city.name}",
        "key_service": settings().contact or f"ask whoever runs this server of {city.name_en} {city.name} for a key",
        "endpoints": [endpoint],
    }
    return answer(form, "discovery", document)


@router.get(
    f"{V2}/services.{{form}}",
    summary="What citizens can report: the category dictionary",
    responses=_forms(),
    dependencies=[valid_by("city", "categories", languages=True)],
)
def get_services(conn: Reading, form: Ending, language: ReadBy, _: ServedCity) -> Response:
    """GET Service List."""
    return answer(form, "services", list_services(conn, language))


@router.get(
    f"{V2}/services/{{service_code}}.{{form}}",
    summary="One service and its attributes, of which there are none",
    responses=_forms({"type": "object"}),
    dependencies=[valid_by("city", "categories")],
)
def get_service(
    conn: Reading, service_code: Annotated[str, Path(examples=["event:0505"])], form: Ending, _: ServedCity
) -> Response:
    """GET Service Definition."""
    return answer(form, "service_definition", service_definition(conn, service_code))


@router.post(
    f"{V2}/requests.{{form}}",
    summary="Report something",
    description="A form. The report lands in its cell and category, and a case is opened for it, or it is added to the "
    "open case of the same problem. Who sends it is kept apart and shown to nobody.",
    responses=_forms(),
    openapi_extra={"requestBody": {"required": True, "content": {FORM_TYPE: {"schema": FORM_SCHEMA}}}},
)
def post_request(request: Request, conn: Writing, form: Ending, sent: Posted, language: ReadBy) -> Response:
    """POST Service Request."""
    own_city(read_city(conn), sent.get("jurisdiction_id"))
    live = request.app.state.live
    taken = take_request(conn, lambda locked: true_locator(locked, live), new_request(sent), datetime.now(UTC))
    notice = service_notice(language, taken.case_id, opened=taken.opened, cell=taken.cell, located=taken.located)
    told = {"service_request_id": taken.service_request_id, "service_notice": notice, "account_id": None}
    return answer(form, "service_requests", [told])


@router.get(
    f"{V2}/requests.{{form}}",
    summary="Service requests: reports with the state of their cases",
    description=f"Newest first. Without dates the last 90 days; at most {MOST} at once, `page` has the others.",
    responses=_forms(),
    dependencies=[valid_by(*REQUEST_LAYERS, daily=True, languages=True)],
)
def get_requests(
    request: Request,
    conn: Reading,
    form: Ending,
    language: ReadBy,
    city: ServedCity,
    service_request_id: RequestIds = [],  # noqa: B006 - FastAPI copies it
    service_code: ServiceCodes = [],  # noqa: B006
    start_date: StartDate = None,
    end_date: EndDate = None,
    status: Statuses = [],  # noqa: B006
    page: PageNumber = None,
    page_size: PageSize = None,
    extensions: Extensions = None,
) -> Response:
    """GET Service Requests."""
    more = extensions == "true"
    if identifiers := _identifiers(service_request_id):
        found = requests_by_id(conn, identifiers, language, extensions=more)
        return answer(form, "service_requests", found, _synthetic(city))
    asked = window(start_date, end_date, city.zone, datetime.now(UTC))
    size = min(page_size or MOST, MOST)
    query = RequestsQuery(asked, several(service_code), several(one.lower() for one in status), page or 1, size)
    found = read_requests(conn, query, language, extensions=more)
    return answer(form, "service_requests", found, _synthetic(city) | _next(request, page or 1, len(found) == size))


@router.get(
    f"{V2}/requests/{{service_request_id}}.{{form}}",
    summary="One service request",
    responses=_forms(),
    dependencies=[valid_by(*REQUEST_LAYERS, languages=True)],
)
def get_request(
    conn: Reading,
    service_request_id: RequestId,
    form: Ending,
    language: ReadBy,
    city: ServedCity,
    extensions: Extensions = None,
) -> Response:
    """GET Service Request."""
    found = read_request(conn, service_request_id, language, extensions=extensions == "true")
    return answer(form, "service_requests", found, _synthetic(city))


@router.get(
    f"{V2}/tokens/{{token}}.{{form}}",
    summary="The request of a token; both are the same here",
    responses=_forms(),
    dependencies=[valid_by("city", "reports")],
)
def get_token(conn: Reading, token: RequestId, form: Ending, _: ServedCity) -> Response:
    """GET service_request_id from a token: ids are given at once, so a token is never needed, and any id is one."""
    found = read_request(conn, token, None)
    return answer(form, "service_requests", [{"service_request_id": found[0]["service_request_id"], "token": token}])


@router.get(
    f"{V2}/servicerequestupdates.{{form}}",
    summary="What happened to service requests (extension)",
    description="Oldest first: the history of their cases. The extension that FixMyStreet speaks.",
    responses=_forms(),
    dependencies=[valid_by(*REQUEST_LAYERS, daily=True, languages=True)],
)
def get_updates(
    request: Request,
    conn: Reading,
    form: Ending,
    language: ReadBy,
    city: ServedCity,
    service_request_id: RequestIds = [],  # noqa: B006
    start_date: StartDate = None,
    end_date: EndDate = None,
    page: PageNumber = None,
    page_size: PageSize = None,
) -> Response:
    """GET Service Request Updates."""
    asked = window(start_date, end_date, city.zone, datetime.now(UTC))
    size = min(page_size or MOST, MOST)
    found = read_updates(conn, asked, _identifiers(service_request_id), page or 1, size, language)
    headers = _synthetic(city) | _next(request, page or 1, len(found) == size)
    return answer(form, "service_request_updates", found, headers)


def _identifiers(values: list[str]) -> tuple[str, ...]:
    found = several(values)
    if len(found) > MOST:
        msg = f"service_request_id: {len(found)} ids are asked for; at most {MOST} at once are right"
        raise TooLarge(msg)
    return found


def _synthetic(city: City) -> dict[str, str]:
    made_up = synthetic_layers(city)
    return {SYNTHETIC_HEADER: ", ".join(quote(layer) for layer in made_up)} if made_up else {}


def _next(request: Request, page: int, more: bool) -> dict[str, str]:
    """A link to the next page (RFC 8288), where this one is full: the answer itself has no room for one."""
    return {"Link": f'<{request.url.include_query_params(page=page + 1)}>; rel="next"'} if more else {}
