"""What an Open311 client asks for: parameters of the query and of a form, an empty one the same as none.

Parameters that nobody here knows are passed over, unlike elsewhere in this API: clients of other cities send extensions
of their own, and the specification lets them.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from fastapi import Depends, Path, Query, Request
from pydantic import BeforeValidator, Field

from api.bodies import limited
from api.dependencies import Reading
from api.errors import KeyMissing
from api.negotiation import preferred_language
from gis.city import City, read_city
from gis.errors import InputError, NotAllowed, NotFound, ParameterError
from gis.open311.requests import MOST
from gis.open311.taking import LONGEST, NewRequest
from gis.open311.words import Language
from gis.settings import settings

FORM_TYPE = "application/x-www-form-urlencoded"
FORM_LIMIT = 1 << 16
MOST_FIELDS = 100
MOST_PAGES = 1_000_000
FIELDS = tuple(one.name for one in fields(NewRequest))


def _given(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Given = BeforeValidator(_given)
Ending = Annotated[Literal["json", "xml"], Path(description="The form of the answer")]
Jurisdiction = Annotated[
    str | None, Query(alias="jurisdiction_id", description="The city's short name, or nothing: one city is served here")
]
ServiceCodes = Annotated[
    list[str], Query(alias="service_code", description="Codes of services, comma between; may be repeated")
]
RequestIds = Annotated[
    list[str],
    Query(alias="service_request_id", description="Ids, comma between; may be repeated. Overrides everything else"),
]
Statuses = Annotated[list[str], Query(alias="status", description="open, closed, or both with a comma between")]
StartDate = Annotated[
    str | None,
    Given,
    Query(description="Earliest instant, e.g. 2016-05-03T00:00:00Z", examples=["2016-05-01T00:00:00Z"]),
]
EndDate = Annotated[
    str | None, Given, Query(description="Latest instant; at most 90 days later", examples=["2016-05-21T00:00:00Z"])
]
PageNumber = Annotated[
    Annotated[int, Field(ge=1, le=MOST_PAGES)] | None, Given, Query(description="Page, from 1 (extension)")
]
PageSize = Annotated[
    Annotated[int, Field(ge=1)] | None,
    Given,
    Query(description=f"Rows of a page, {MOST} at most and if not given (extension)"),
]
Extensions = Annotated[
    str | None, Query(description="true: extended_attributes too: case, state, cell, segment, source (extension)")
]


def several(values: Iterable[str]) -> tuple[str, ...]:
    """Values that are written with commas between, repeated, or both."""
    parts = (part.strip() for value in values for part in value.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def language_of(request: Request) -> Language:
    """The language of Accept-Language; both where it names neither of ours."""
    tags = [part.strip().lower()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return preferred_language(request) if {"zh", "en"} & set(tags) else None


ReadBy = Annotated[Language, Depends(language_of)]


def own_city(city: City, jurisdiction_id: str | None) -> City:
    """The city, where the jurisdiction that a client names is it.

    Raises
    ------
    NotFound
        It is another one.
    """
    if jurisdiction_id and jurisdiction_id.strip() not in ("", city.slug):
        msg = f"jurisdiction_id {jurisdiction_id.strip()[:80]!r} was not found; this server serves {city.slug}"
        raise NotFound(msg)
    return city


def served_city(conn: Reading, jurisdiction_id: Jurisdiction = None) -> City:
    """The city that a question is about."""
    return own_city(read_city(conn), jurisdiction_id)


ServedCity = Annotated[City, Depends(served_city, scope="function")]


async def posted(request: Request) -> dict[str, str]:
    """Fields of a form, and of the query where the form has no field of that name.

    Raises
    ------
    NotAllowed, KeyMissing
        Without a key that may report.
    InputError
        No form, not UTF-8, or a field given twice with different values.
    TooLarge
        Longer than FORM_LIMIT.
    """
    body = b"".join([piece async for piece in limited(request, FORM_LIMIT, "the form")])
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != FORM_TYPE:
        msg = f"send the request as a form: Content-Type {FORM_TYPE}; charset=utf-8, not {kind[:60] or 'none'}"
        raise InputError(msg)
    sent = _once(request.query_params.multi_items()) | _once(_pairs(body))
    key = check_key(request, sent.pop("api_key", None))
    if sent.get("requested_datetime") and key != settings().api_key:
        msg = "requested_datetime is for the city's own key: an app's request is made when it arrives; leave it out"
        raise NotAllowed(msg)
    return sent


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except UnicodeError as problem:
        msg = "the form is not percent-encoded UTF-8"
        raise InputError(msg) from problem
    except ValueError as problem:
        msg = f"the form has more than {MOST_FIELDS} fields"
        raise InputError(msg) from problem


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value and name in (*FIELDS, "api_key", "jurisdiction_id"):
            raise ParameterError(name, "is given twice, with different values")
    return found


def check_key(request: Request, api_key: str | None) -> str:
    """Let only those report who send a key, as the specification has it (api_key) or as this API does elsewhere.

    Returns
    -------
    str
        The key, one of this server's.

    Raises
    ------
    NotAllowed
        No key is configured, or another one was sent.
    KeyMissing
        None was sent.
    """
    accepted = [key for key in (settings().api_key, settings().open311_key) if key]
    if not accepted:
        msg = (
            "reporting over HTTP is switched off: set FINEGRID_OPEN311_KEY (16 characters or more) and start the server"
            " again"
        )
        raise NotAllowed(msg)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    sent = api_key or request.headers.get("x-api-key") or bearer
    if not sent:
        msg = "api_key was not provided; send it as a field of the form"
        raise KeyMissing(msg)
    # Compared as bytes and in constant time, with every key whichever fits.
    fits = [key for key in accepted if hmac.compare_digest(sent.encode("utf-8", "replace"), key.encode())]
    if not fits:
        msg = "api_key is not one of this server's"
        raise NotAllowed(msg)
    return fits[0]


Posted = Annotated[dict[str, str], Depends(posted)]


def new_request(sent: dict[str, str]) -> NewRequest:
    """The fields of a service request.

    Raises
    ------
    ParameterError
        An attribute, as no service has any: what was typed into it would be lost.
    """
    for name, value in sent.items():
        if name.startswith("attribute[") and value.strip():
            raise ParameterError(name[:60], "no service here has attributes; say it in description")
    return NewRequest(**{name: sent.get(name, "").strip() for name in FIELDS})


FORM_SCHEMA = {
    "type": "object",
    "required": ["service_code"],
    "properties": {
        "api_key": {"type": "string", "description": "The server's key, unless a header carries it"},
        "jurisdiction_id": {"type": "string"},
        **{name: {"type": "string", "maxLength": LONGEST[name]} for name in FIELDS},
    },
}
