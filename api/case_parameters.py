"""Query parameters of questions about cases: a window or a period, a place, an instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from api.dependencies import TrueGround
from api.parameters import FormatChoice, OpenFromDay, OpenToDay, OperationCode
from api.validators import validators_of
from gis.errors import ParameterError
from gis.instants import read_instant
from gis.rules.periods import parse_period

PeriodName = Annotated[
    str | None, Query(description="Instead of `from` and `to`: a ten-day period 2016-05-T2, or a month 2016-05")
]
Street = Annotated[str | None, Query(description="Code of a street, or another area: where the problem lies")]
LATEST_MIDNIGHT = timedelta(hours=14)
"""A day begins nowhere on earth later than so long after its beginning in UTC."""
NOT_KEPT = {"Cache-Control": "no-store"}
"""The answer changes with the clock."""
Window = tuple[date | None, date | None]
"""Both days, or, with an operation, as far as they are given."""


def window_or_period(
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    period: PeriodName = None,
    operation: OperationCode = None,
) -> Window:
    """The days that are asked for, `to` exclusive.

    Raises
    ------
    ParameterError
        Both or none is given, or a period that is none.
    """
    if period is not None:
        if from_day is not None or to_day is not None:
            raise ParameterError("period", "is given beside from or to; give the one or the others")
        try:
            found = parse_period(period)
        except ValueError as problem:
            raise ParameterError("period", str(problem)) from problem
        return found.first, found.after
    if (from_day is None or to_day is None) and operation is None:
        said = "is missing; an ISO day such as 2016-06-01 is right, or period=2016-06-T1 instead of both"
        raise ParameterError("from" if from_day is None else "to", said)
    return from_day, to_day


AskedWindow = Annotated[Window, Depends(window_or_period)]


At = Annotated[
    str | None,
    Query(
        description="A past instant, 2016-05-03T08:40:00+08:00, or in the city's time zone where none is said, of "
        "which only what had happened by then counts; now if not given",
        json_schema_extra={"format": "date-time"},
    ),
]


def past_instant(ground: TrueGround, at: At = None) -> datetime | None:
    """A past instant, where one is given.

    Raises
    ------
    ParameterError
        It is none, or lies in the future.
    """
    now = datetime.now(UTC)
    instant = None if at is None else read_instant("at", at, ground.city.zone)
    if instant is not None and instant > now:
        raise ParameterError("at", f"lies in the future; it is {now.isoformat(timespec='seconds')}")
    return instant


PastInstant = Annotated[datetime | None, Depends(past_instant)]


def judged_at(at: PastInstant) -> datetime:
    """The instant at which something is judged: now, or a past one."""
    return at or datetime.now(UTC)


JudgedAt = Annotated[datetime, Depends(judged_at)]


def is_over(to_day: date | None, now: datetime) -> bool:
    """Whether a window is known to have ended, wherever on earth the city is."""
    return to_day is not None and datetime(to_day.year, to_day.month, to_day.day, tzinfo=UTC) + LATEST_MIDNIGHT <= now


def valid_when_over(*layers: str) -> Any:
    """A route's dependency: an answer about a window that is over holds until its layers change."""

    async def check(request: Request, window: AskedWindow, f: FormatChoice = None) -> None:
        if not is_over(window[1], datetime.now(UTC)):
            return
        accept = None if f is not None else request.headers.get("accept")
        vary = None if f is not None else "Accept"
        seen = await request.app.state.watch.now()
        request.state.validators = validators_of(request, seen, layers, accept, vary=vary)

    return Depends(check)
