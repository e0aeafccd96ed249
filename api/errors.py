"""Every error as application/problem+json (RFC 9457): one type -> status table, and nothing about our insides."""

from __future__ import annotations

import difflib
import logging
import re
from http import HTTPStatus
from typing import Any

import psycopg2
import psycopg2.errors
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.open311_answers import ours, refusal
from api.validators import NotModified, answer_not_modified
from gis.encoding import to_json
from gis.errors import (
    CityError,
    ClusterError,
    Conflict,
    FinegridError,
    InputError,
    NotAllowed,
    NotFound,
    NotInstalled,
    ParameterError,
    RemoteError,
    RowsRefused,
    TooLarge,
)

PROBLEM = "application/problem+json"
RETRY_AFTER_S = "5"
logger = logging.getLogger(__name__)


class KeyMissing(NotAllowed):
    """Writing without a key, where one would do."""


# The first entry of which an error is an instance decides.
STATUS_OF: dict[type[FinegridError], int] = {
    CityError: 409,
    InputError: 400,
    NotFound: 404,
    Conflict: 409,
    KeyMissing: 401,
    NotAllowed: 403,
    TooLarge: 413,
    NotInstalled: 501,
    RemoteError: 502,
    ClusterError: 503,
    FinegridError: 500,
}

TITLES = {
    400: "The request is wrong",
    401: "A key is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Another method is needed",
    409: "The state of the city forbids it",
    413: "Too large",
    500: "A fault of the server",
    501: "This server is not set up for it",
    502: "Another server does not answer",
    503: "The database does not answer",
}

PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:finegrid:error: and the kind of error"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and what would be right"},
        "instance": {"type": "string", "description": "The path that was asked for"},
        "parameter": {"type": "string", "description": "The parameter or field that is wrong, where it is one"},
    },
}


def problem(
    request: Request, status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """A problem document.

    Parameters
    ----------
    kind
        Name of an error class; becomes the `type` urn:finegrid:error:parameter-error.
    more
        Further members, e.g. `parameter`; left out where None.

    Notes
    -----
    Clients of Open311 read errors in that standard's own form only.
    """
    if ours(request.url.path):
        return refusal(request, status, _sendable(detail), headers)
    body = {
        "type": "urn:finegrid:error:" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower(),
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": _sendable(detail),
        "instance": _sendable(request.url.path),
        **{name: _sendable(value) if isinstance(value, str) else value for name, value in more.items() if value},
    }
    return Response(to_json(body) + b"\n", status, headers, PROBLEM)


def _sendable(text: str) -> str:
    # JSON is UTF-8, which has no half surrogates; a client may still have sent one.
    return text.encode("utf-8", "replace").decode()


async def refuse_on_purpose(request: Request, error: Exception) -> Response:
    """An error of gis.errors, with the status of its type."""
    status = next(status for kind, status in STATUS_OF.items() if isinstance(error, kind))
    if status >= 500:
        logger.error("%s %s: %s", request.method, request.url.path, error)
    detail, parameter = str(error), None
    if isinstance(error, ParameterError):
        # The command line writes --source-kind where a request writes source_kind; filter-lang is written so in both.
        parameter = error.parameter
        if parameter.startswith("--"):
            parameter = parameter.removeprefix("--").replace("-", "_")
        detail = parameter + detail.removeprefix(error.parameter)
    headers = {401: {"WWW-Authenticate": 'Bearer realm="finegrid"'}, 503: {"Retry-After": RETRY_AFTER_S}}.get(status)
    rows = [str(row) for row in error.problems] if isinstance(error, RowsRefused) else None
    return problem(request, status, type(error).__name__, detail, headers=headers, parameter=parameter, rows=rows)


async def refuse_parameters(request: Request, error: Exception) -> Response:
    """What FastAPI's own validation found: 400 and not 422, the first fault by name."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for no other type
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"][1:]]
    name = place[0] if place else str(fault["loc"][0])
    if fault["type"] == "missing":
        said = "is missing"
    elif isinstance(reason := fault.get("ctx", {}).get("error"), Exception):
        said = str(reason)
    else:
        given = fault.get("input")
        said = fault["msg"] + (f", not {given!r}" if isinstance(given, str) and len(given) < 80 else "")
    return problem(request, 400, "ParameterError", f"{name}: {said}", parameter=name)


async def refuse_http(request: Request, error: Exception) -> Response:
    """What the framework refuses: unknown paths and methods, unreadable bodies."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for no other type
    status = 400 if error.status_code == 422 else error.status_code
    headers = dict(error.headers or {})
    detail = str(error.detail)
    if status == 404 and detail == "Not Found":
        detail = _unknown_path(request)
    elif status == 405:
        allowed = allowed_methods(request)
        headers = {"Allow": ", ".join(allowed)} if allowed else headers
        detail = f"{request.url.path} takes {' and '.join(allowed)}, not {request.method}"
    kind = {404: "NotFound", 405: "MethodNotAllowed", 413: "TooLarge"}.get(status, "HttpError")
    return problem(request, status, kind, detail, headers=headers)


def allowed_methods(request: Request) -> list[str]:
    """Methods of the path that was asked for; HEAD wherever GET is."""
    found: set[str] = set()
    for path, methods in request.app.state.methods.items():
        if re.fullmatch(path, request.url.path):
            found |= methods
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def _unknown_path(request: Request) -> str:
    path = request.url.path
    near = difflib.get_close_matches(path.rstrip("/") or "/", request.app.state.paths, n=1, cutoff=0.6)
    return f"there is no {path[:200]}" + (f"; did you mean {near[0]}?" if near else "; /docs lists what there is")


async def refuse_database(request: Request, error: Exception) -> Response:
    """What the database says where gis did not expect it."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, PoolTimeout) or isinstance(original, psycopg2.OperationalError | psycopg2.InterfaceError):
        if getattr(original, "pgcode", None) in {"40001", "40P01"}:
            detail = "another request changed the same rows at the same moment; nothing was changed, send it again"
            return problem(request, 409, "Conflict", detail)
        logger.error("%s %s: %s", request.method, request.url.path, original)
        detail = "the database does not answer or is busy; nothing was changed"
        return problem(request, 503, "ClusterError", detail, headers={"Retry-After": RETRY_AFTER_S})
    if isinstance(original, psycopg2.DataError):
        detail = "a value cannot be stored or compared: " + str(original).strip().splitlines()[0]
        return problem(request, 400, "InputError", detail)
    logger.error("%s %s", request.method, request.url.path, exc_info=error)
    return await fault(request, error)


async def fault(request: Request, _: Exception) -> Response:
    """What nobody foresaw, told in one sentence; the server logs the rest."""
    return problem(request, 500, "Fault", "something unforeseen went wrong here; the server's log has the details")


def install(app: FastAPI) -> None:
    """Give the app these answers."""
    app.add_exception_handler(NotModified, answer_not_modified)
    app.add_exception_handler(FinegridError, refuse_on_purpose)
    app.add_exception_handler(RequestValidationError, refuse_parameters)
    app.add_exception_handler(HTTPException, refuse_http)
    app.add_exception_handler(DBAPIError, refuse_database)
    app.add_exception_handler(psycopg2.Error, refuse_database)
    app.add_exception_handler(PoolTimeout, refuse_database)
    app.add_exception_handler(Exception, fault)
