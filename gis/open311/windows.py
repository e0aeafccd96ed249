"""Windows of time small enough for a server that caps its answers; no database, no network of its own.

GeoReport v2 has no way to say "there is more": a server answers its first 1,000 requests, or 50, and stops. Two ways
lead to the others: pages, which many servers have though the specification does not, and smaller windows. Which one a
server understands is found out from its answers.

The rule: a server that once gave n requests in an answer has no cap below n, so an answer with fewer is whole. One with
n or more may have been cut; then the next page is asked for, and where there are no pages, both halves of the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gis.open311.reading import Row
from gis.open311.remote import Refused

FIRST = timedelta(days=1)
LONGEST = timedelta(days=30)
SHORTEST = timedelta(seconds=1)
DAY = timedelta(days=1)
NOT_WORTH_HALVING = timedelta(hours=1)
"""Windows as short as this are not halved for a server that fails."""
FEW, MANY = 200, 1000
"""Fewer requests than FEW make the next window longer, more than MANY shorter."""
NO_CAP_BELOW = 10
"""No server is so stingy; without a lower end, a window with one request would be halved down to a second."""
PAGE_SIZE = 1000
SPECIFIED_CAP = 1000
MOST_PAGES = 10_000
# How pages are asked for: some servers refuse a size, some every parameter that the specification does not have.
PAGE_STYLES = (("page", "page_size"), ("page",), ())
Ask = Callable[[datetime, datetime, Mapping[str, str]], list[Row]]


@dataclass(frozen=True)
class Slice:
    """What a server has of a window."""

    start: datetime
    end: datetime
    rows: list[Row]


class Walk:
    """All requests of a window, slice by slice, oldest slice first; each request at least once, hardly any twice.

    Neighbouring windows share the instant between them, because servers differ in whether they include the ends; what
    the slice before had is left out.

    Parameters
    ----------
    ask
        Requests between two instants; the mapping holds the parameters for paging.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._most = 0
        self._suspects: list[int] = []
        self._pages: bool | None = None
        self._style = 0
        self._shortest = SHORTEST
        self._answered = False
        self._length = FIRST

    @property
    def cut(self) -> int:
        """Seconds with as many requests as the server ever gave at once: further ones could not be reached."""
        return sum(count >= self._most for count in self._suspects)

    def slices(self, start: datetime, end: datetime) -> Iterator[Slice]:
        """Walk from start to end.

        Raises
        ------
        RemoteError
            The server does not answer any more; everything before was yielded.
        """
        before: set[str] = set()
        at = start
        while at < end:
            until = min(at + self._length, end)
            count, pieces = 0, 0
            for piece in self._window(at, until):
                here = {name for row in piece.rows if (name := _name(row))}
                rows = [row for row in piece.rows if _name(row) not in before]
                before = here
                count, pieces = count + len(rows), pieces + 1
                yield Slice(piece.start, piece.end, rows)
            self._adapt(count, pieces)
            at = until

    def _adapt(self, count: int, pieces: int) -> None:
        if pieces > 1 or count > MANY:
            self._length = max(self._length / 2, NOT_WORTH_HALVING, self._shortest)
        elif count < FEW:
            self._length = min(self._length * 2, LONGEST)

    def _window(self, start: datetime, end: datetime) -> Iterator[Slice]:
        try:
            rows, whole = self._all(start, end)
        except Refused as refused:
            if not self._answered or refused.status is None or end - start <= NOT_WORTH_HALVING:
                raise
            whole = False  # perhaps it is too much at once for the server
        else:
            self._answered = True
            if whole or end - start <= self._shortest:
                self._suspects += [] if whole else [len(rows)]
                yield Slice(start, end, rows)
                return
        middle = start + timedelta(seconds=round((end - start).total_seconds() / 2))
        yield from self._window(start, middle)
        yield from self._window(middle, end)

    def _all(self, start: datetime, end: datetime) -> tuple[list[Row], bool]:
        """What the server gives of a window, and whether that is certainly all."""
        rows = self._page(start, end, 1)
        count = len(rows)
        if count < max(self._most, NO_CAP_BELOW):
            return rows, True
        self._most = count
        if self._pages is not False:
            rows, whole = self._further(start, end, rows)
            if whole:
                return rows, True
        return rows, False

    def _further(self, start: datetime, end: datetime, rows: list[Row]) -> tuple[list[Row], bool]:
        known = {_name(row) for row in rows}
        for number in range(2, MOST_PAGES):
            page = self._page(start, end, number)
            fresh = [row for row in page if _name(row) not in known]
            if not fresh:
                # The first page again: the server passes over what it does not know. Nothing: it has pages.
                if self._pages is None:
                    self._pages = not page
                # A server with pages may still stop where the specification does.
                return rows, bool(self._pages) and len(rows) % SPECIFIED_CAP != 0
            self._pages = True
            known |= {_name(row) for row in fresh}
            rows = rows + fresh
        return rows, False

    def _page(self, start: datetime, end: datetime, number: int) -> list[Row]:
        if self._pages is False:
            self._style = len(PAGE_STYLES) - 1
        values = {"page": str(number), "page_size": str(PAGE_SIZE)}
        while True:
            names = PAGE_STYLES[self._style]
            try:
                rows = self._ask(start, end, {name: values[name] for name in names})
            except Refused as refused:
                if self._pages is not None or not names or refused.status is None or refused.status >= 500:
                    raise
                self._style += 1
            else:
                break
        if not names:
            self._pages = False
        self._notice(start, end, rows)
        return rows

    def _notice(self, start: datetime, end: datetime, rows: list[Row]) -> None:
        """See how exactly the server keeps to the window.

        Raises
        ------
        Refused
            Not at all: walking windows would bring the same requests again and again, and never the others.
        """
        times = [at for row in rows if (at := _made_at(row)) is not None]
        if sum(not start - DAY <= at <= end + DAY for at in times) * 2 > len(times):
            msg = (
                f"asked for {start.isoformat()} to {end.isoformat()}, it answers requests of other days: it does not "
                "keep to start_date and end_date, so nobody can walk through its requests"
            )
            raise Refused(msg)
        if any(not start - SHORTEST <= at <= end + SHORTEST for at in times):
            # It counts in whole days: shorter windows bring the same requests again.
            self._shortest = DAY


def _made_at(row: Row) -> datetime | None:
    """When a request was made; None where it does not say, or not in which time zone."""
    try:
        at = datetime.fromisoformat(row.get("requested_datetime", ""))
    except ValueError:
        return None
    return None if at.tzinfo is None else at


def _name(row: Row) -> str:
    return row.get("service_request_id") or row.get("token") or ""
