"""Open311's own form of every answer under /open311, errors included: XML or JSON by the ending of the path."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from gis.open311.documents import MEDIA_TYPES, Form, written

ROOT = "/open311"
MISSING = "Not Found"
# The specification knows three: 404 what does not exist, 403 the key, 400 everything else. 405 is HTTP's own.
STATUS_OF = {401: 403, 403: 403, 404: 404, 405: 405}

ERRORS_SCHEMA = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": {"type": "string"}},
        "additionalProperties": False,
    },
}


def ours(path: str) -> bool:
    """Whether a path belongs to Open311."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def form_of(path: str) -> Form:
    """The form that a path's ending names; XML, which every Open311 client reads, where it names none."""
    return "json" if path.endswith(".json") else "xml"


def answer(form: Form, root: str, value: Any, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    """An answer in one of the two forms."""
    return Response(written(form, root, value), status, headers, MEDIA_TYPES[form])


def refusal(request: Request, status: int, detail: str, headers: dict[str, str] | None) -> Response:
    """An error as Open311 writes it: a list of code and description."""
    said = STATUS_OF.get(status, status if status >= 500 else 400)
    kept = {name: value for name, value in (headers or {}).items() if name.lower() != "www-authenticate"}
    errors = [{"code": said, "description": detail}]
    return answer(form_of(request.url.path), "errors", errors, kept, said)
