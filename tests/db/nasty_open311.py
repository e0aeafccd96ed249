"""An Open311 server as there are some: caps its answers, fails, forgets coordinates, speaks XML only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gis.open311.documents import written

Row = dict[str, Any]


@dataclass
class Nasty:
    """What the server has and how it behaves.

    Parameters
    ----------
    cap
        Most requests of an answer, newest first; None: all.
    page_size
        It has pages of at most this size; None: it passes over `page`.
    strict
        It refuses parameters that the specification does not have.
    forms
        Which forms it has, and what it answers to another one: a status, or 200 with a page for people.
    ends
        Whether the ends of a window belong to it.
    failing
        Answers a status (and headers) instead, given the number of the question and its window; None: does not fail.
    """

    rows: list[Row]
    cap: int | None = None
    page_size: int | None = None
    strict: bool = False
    forms: tuple[str, ...] = ("json", "xml")
    other_form: int = 404
    ends: tuple[bool, bool] = (True, True)
    failing: Callable[[int, datetime, datetime], tuple[int, dict[str, str]] | None] = lambda *_: None
    before: Callable[[int], None] = lambda _: None
    asked: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v2/{name}.{form}", self._answer)])

    def _answer(self, request: Request) -> Response:
        form, query = request.path_params["form"], dict(request.query_params)
        with self.lock:
            number = len(self.asked)
            self.asked.append({"form": form, **query})
        self.before(number)
        if form not in self.forms:
            return Response("<html><body>Not here<br></body></html>", self.other_form, media_type="text/html")
        if self.strict and set(query) - {"start_date", "end_date", "service_code", "jurisdiction_id"}:
            return self._written(form, "errors", [{"code": 400, "description": "unknown parameter"}], 400)
        start, end = (datetime.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        if (fault := self.failing(number, start, end)) is not None:
            return Response("<h1>sorry</h1>", fault[0], fault[1])
        found = [row for row in self.rows if self._within(row, start, end)]
        if "service_code" in query:
            found = [row for row in found if row["service_code"] in query["service_code"].split(",")]
        found.sort(key=lambda row: row["requested_datetime"], reverse=True)
        if self.page_size is not None:
            size = min(self.page_size, int(query.get("page_size", self.page_size)))
            first = (int(query.get("page", 1)) - 1) * size
            found = found[first : first + size]
        elif self.cap is not None:
            found = found[: self.cap]
        return self._written(form, "service_requests", found, 200)

    def _within(self, row: Row, start: datetime, end: datetime) -> bool:
        at = datetime.fromisoformat(row["requested_datetime"])
        return (start < at or (self.ends[0] and start == at)) and (at < end or (self.ends[1] and at == end))

    @staticmethod
    def _written(form: str, root: str, value: list[Row], status: int) -> Response:
        kind = "text/xml" if form == "xml" else "application/json"
        return Response(written(form, root, value), status, media_type=kind)  # type: ignore[arg-type]


BEGIN = datetime(2016, 6, 1, tzinfo=UTC)


def some_requests(count: int, days: float = 10, place: Callable[[int], tuple[float, float]] | None = None) -> list[Row]:
    """Requests at even distances, a third of each service, with numbers as some servers write them."""
    codes = (("p1", "Illegal parking"), ("event:0102", "Rubbish"), ("x9", "Pothole"))
    rows = []
    for number in range(count):
        lon, lat = place(number) if place else (113.6 + number % 10 / 1000, 34.7 + number % 7 / 1000)
        code, name = codes[number % 3]
        at = BEGIN + timedelta(seconds=round(days * 86400 * number / count))
        rows.append(
            {
                "service_request_id": 700_000 + number if number % 2 else str(700_000 + number),
                "status": "open",
                "service_code": code,
                "service_name": name,
                "description": f"number {number}",
                "requested_datetime": at.isoformat(),
                "address": f"{number} Main St" if number % 5 == 0 else None,
                "media_url": None,
                "lat": lat,
                "long": lon,
            }
        )
    return rows
