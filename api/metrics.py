"""Counting requests: numbers for Prometheus, one set per process or one for all workers."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where several workers put their numbers together; `finegrid serve --workers` sets it before they start."""

UNKNOWN = "(no such route)"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

disable_created_metrics()
REGISTRY = CollectorRegistry()
LABELS = ("method", "route", "status")
REQUESTS = Counter("finegrid_requests", "Requests answered", LABELS, registry=REGISTRY)
SECONDS = Histogram(
    "finegrid_request_seconds",
    "From the first byte in to the last byte out",
    ("route",),
    buckets=BUCKETS,
    registry=REGISTRY,
)
WEBHOOKS = Counter("finegrid_webhook_attempts", "Attempts to tell a webhook", ("outcome",), registry=REGISTRY)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
if FOLDER not in os.environ:
    PlatformCollector(registry=REGISTRY)
    ProcessCollector(registry=REGISTRY)


def exposition() -> tuple[bytes, str]:
    """All numbers in Prometheus' text format, and its media type."""
    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST


@cache
def _counter(method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(method if method in METHODS else "other", route, str(status))


@cache
def _seconds(route: str) -> Histogram:
    return SECONDS.labels(route)


def count_webhook(outcome: str) -> None:
    """Count an attempt: delivered, refused, away or gone."""
    WEBHOOKS.labels(outcome).inc()


class Edge:
    """The outermost layer: counts and times each request by its route's template, answers HEAD wherever GET is.

    It also adds the validators that a route left in its state, because an answer's headers exist only when it begins.

    Pure ASGI, because Starlette's own middleware base class costs more than a lookup takes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        method = scope["method"]
        bodiless = method == "HEAD"
        if bodiless:
            scope["method"] = "GET"
        status = 500

        async def passing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == 200 and (validators := scope.get("state", {}).get("validators")):
                    _add_headers(message, validators.headers())
                if status in (200, 304):
                    _settle_vary(message)
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, passing)
        finally:
            route = _template(scope)
            _counter(method if method in METHODS else "other", route, status).inc()
            _seconds(route).observe(time.perf_counter() - began)


def _add_headers(message: Message, headers: Mapping[str, str]) -> None:
    """Add headers that the answer does not have; Vary may come several times."""
    present = {name.lower() for name, _ in message["headers"]} - {b"vary"}
    for name, value in headers.items():
        key = name.lower().encode("latin-1")
        if key not in present:
            message["headers"].append((key, value.encode("latin-1")))


def _settle_vary(message: Message) -> None:
    """What can be kept says on what it depends, 304 just as 200 (RFC 9110, 15.4.5); compression is always one."""
    headers = message["headers"]
    if not any(name == b"etag" for name, _ in headers):
        return
    named = [value.decode("latin-1").split(",") for name, value in headers if name == b"vary"]
    tokens = {token.strip() for several in named for token in several} | {"Accept-Encoding"}
    message["headers"] = [one for one in headers if one[0] != b"vary"]
    message["headers"].append((b"vary", ", ".join(sorted(tokens)).encode("latin-1")))


def _template(scope: Scope) -> str:
    """The path as the route writes it: few values, whatever clients ask for."""
    route: Any = scope.get("route")
    path = getattr(route, "path", None)
    return UNKNOWN if path is None else str(path)
