"""Another city's Open311 server, asked politely: one question at a time, with pauses and back-off; no database.

Servers differ: some answer JSON, some only XML, some wrap their lists, some answer an error page with status 200. What
they send is data of strangers: read by parsers that resolve nothing, and bounded in size.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version

import httpx

from gis.errors import ParameterError, RemoteError
from gis.open311.documents import Form
from gis.open311.reading import Row, rows_of, said_in

TIMEOUT_S = 60.0
WAITS_S = (1.0, 2.0, 4.0, 8.0)
"""Before each further try."""
TRIES = len(WAITS_S) + 1
FORMS: tuple[Form, ...] = ("json", "xml")
LONGEST_WAIT_S = 120.0
"""However long a server asks us to wait."""
MOST_BYTES = 64 << 20
TRY_AGAIN = {408, 425, 429}


class Refused(RemoteError):
    """The other server understood and refuses, or cannot: asking the same again is no use.

    Parameters
    ----------
    status
        Of its last answer; None: there was none.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Remote:
    """An Open311 server.

    Parameters
    ----------
    address
        Base address, to which `/services.json` is added.
    jurisdiction
        Sent as jurisdiction_id where given.
    form
        json or xml; None: whichever it has, JSON first.
    pause_s
        Time between two questions in seconds.
    sleep
        Waits so many seconds.
    """

    def __init__(
        self,
        address: str,
        jurisdiction: str = "",
        *,
        form: Form | None = None,
        pause_s: float = 0.2,
        sleep: Callable[[float], None] = time.sleep,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.address = checked_address(address)
        self._jurisdiction = {"jurisdiction_id": jurisdiction} if jurisdiction else {}
        self._form, self._pause_s, self._sleep = form, pause_s, sleep
        headers = {"User-Agent": f"finegrid/{version('finegrid')} (Open311 client)", "Accept-Language": "en, zh"}
        self._client = httpx.Client(timeout=timeout_s, headers=headers, follow_redirects=True)
        self.asked = 0

    def __enter__(self) -> Remote:
        """Keep connections open between questions."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of them."""
        self._client.close()

    def services(self) -> list[Row]:
        """What can be reported there.

        Raises
        ------
        RemoteError
            There is no such server, or it does not answer as Open311.
        """
        return self._rows("services", {})

    def requests(
        self, start: datetime, end: datetime, codes: tuple[str, ...] = (), paging: Mapping[str, str] | None = None
    ) -> list[Row]:
        """Service requests made between two instants, as the server gives them: perhaps not all.

        Raises
        ------
        RemoteError
            As for `services`.
        """
        asked = {"start_date": _w3c(start), "end_date": _w3c(end), **(paging or {})}
        if codes:
            asked["service_code"] = ",".join(codes)
        return self._rows("requests", asked)

    def _rows(self, name: str, asked: Mapping[str, str]) -> list[Row]:
        if self._form is None:
            return self._first_rows(name, asked)
        return self._patiently(name, self._form, asked, TRIES)

    def _first_rows(self, name: str, asked: Mapping[str, str]) -> list[Row]:
        """The first question finds out which form the server has: each is tried once, then each with patience.

        A form that a server does not have may end in a fault of its own or in a page for people, not only in 404.
        """
        said: Refused | None = None
        for tries in (1, TRIES):
            for form in FORMS:
                try:
                    rows = self._patiently(name, form, asked, tries)
                except Refused as refused:
                    if said is None or said.status is None:
                        said = refused
                    if refused.status is None and tries == TRIES:
                        raise
                else:
                    self._form = form
                    return rows
        assert said is not None  # noqa: S101 - for the type checker
        raise said

    def _patiently(self, name: str, form: Form, asked: Mapping[str, str], tries: int) -> list[Row]:
        for attempt in range(tries):
            self._sleep(self._pause_s)
            self.asked += 1
            try:
                return self._once(name, form, asked)
            except _Later as later:
                if attempt + 1 == tries:
                    msg = f"{self.address}: {later}" + (f"; {tries} tries were made" if tries > 1 else "")
                    raise Refused(msg, later.status) from later
                self._sleep(WAITS_S[attempt] if later.wait_s is None else min(later.wait_s, LONGEST_WAIT_S))
        raise AssertionError

    def _once(self, name: str, form: Form, asked: Mapping[str, str]) -> list[Row]:
        place = f"{self.address}/{name}.{form}"
        try:
            with self._client.stream("GET", place, params={**self._jurisdiction, **asked}) as answer:
                body = _bounded(answer)
        except httpx.TimeoutException as problem:
            raise _Later("it does not answer in time", 408) from problem
        except httpx.TransportError as problem:
            raise _Later(f"it cannot be reached: {problem or type(problem).__name__}", None) from problem
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            msg = f"{place}: {problem}"
            raise Refused(msg) from problem
        status = answer.status_code
        if status >= 500 or status in TRY_AGAIN:
            raise _Later(f"it answers {status} {said_in(body)}".rstrip(), status, _retry_after(answer))
        if status >= 400:
            msg = f"{place}: it answers {status} {said_in(body)}".rstrip()
            raise Refused(msg, status)
        try:
            rows = rows_of(body)
        except ValueError as problem:
            raise _Later(f"what it answers for {name}.{form} cannot be read: {problem}", status) from problem
        if rows and all(row.keys() <= {"code", "description"} for row in rows):
            msg = f"{place}: it answers {status} with an error: {said_in(body)}"
            raise Refused(msg, 400)
        return rows


class _Later(Exception):
    """Worth another try after a while."""

    def __init__(self, message: str, status: int | None, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.wait_s = status, wait_s


def checked_address(address: str) -> str:
    """A base address without slash at its end.

    Raises
    ------
    ParameterError
        It is no http or https address.
    """
    text = address.strip().rstrip("/")
    text = re.sub(r"/(discovery|services|requests)\.(json|xml)$", "", text)
    if not re.match(r"https?://[^/\s]+[^\s?#]*$", text):
        msg = f"{address[:100]!r}: an address such as https://311.example.org/open311/v2 is right"
        raise ParameterError("URL", msg)
    return text


def _w3c(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            msg = f"{answer.url}: the answer is longer than {MOST_BYTES >> 20} MiB"
            raise Refused(msg, 413)
    return bytes(body)


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks us to wait; None where it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
