"""Requests for features as HTTP sends them; what the words mean is gis.collections.requests'."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import Request

from gis.collections.requests import (
    FILTER_LANGS,
    LIMIT,
    MOST,
    ItemsRequest,
    given_values,
    items_request,
    own_values,
)

__all__ = ["FILTER_LANGS", "LIMIT", "MOST", "ItemsRequest", "given_values", "items_request", "own_values", "pairs"]


def pairs(request: Request) -> list[tuple[str, str]]:
    """Query parameters in order, as they were sent."""
    raw = request.scope["query_string"].decode("latin-1")
    return parse_qsl(raw, keep_blank_values=True) if raw else []
