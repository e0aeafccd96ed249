"""What other servers answer, read; and windows walked, without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import ParameterError
from gis.open311.reading import Row, rows_of
from gis.open311.remote import Refused, Remote, checked_address
from gis.open311.windows import DAY, Walk

BEGIN = datetime(2016, 6, 1, tzinfo=UTC)
CLIENT = httpx.Client


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'[{"service_request_id": 638344, "lat": 37.762221815, "long": null, "x": {"y": 1}, "metadata": true}]',
         [{"service_request_id": "638344", "lat": "37.762221815", "metadata": "true"}]),
        (b'\xef\xbb\xbf {"service_requests": [{"a": " b "}, 7, null]}', [{"a": "b"}]),
        (b"[]", []),
        (b"<service_requests/>", []),
        (b'<?xml version="1.0"?>\n<services><q><id>1</id><d/><lat> 1.50 </lat><n><m>x</m></n></q></services>',
         [{"id": "1", "lat": "1.50"}]),
        (b'<requests xmlns="http://wiki.open311.org/GeoReport_v2"><q><a>b</a></q></requests>', [{"a": "b"}]),
        (b"<services><request><a>b\x01c&#x1;d&#11;e</a></request></services>", [{"a": "b c d e"}]),
        ('<?xml version="1.0" encoding="iso-8859-1"?><data><q><a>é</a></q></data>'.encode("latin-1"), [{"a": "é"}]),
    ],
)  # fmt: skip
def test_lists_in_either_form(body: bytes, expected: list[Row]) -> None:
    assert rows_of(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"sorry",
            b'{"error": "no"}',
            b'"x"',
            b"7",
            b"[" * 100_000,
            b"<html><body>x</body></html>",
            b"<html><br>",
        ),
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><services><q><a>&b;</a></q></services>',
        b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><services><q><a>&a;</a></q></services>',
        b'<?xml version="1.0" encoding="no-such"?><services/>',
        b"<services><q>",
    ],
)
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(ValueError):
        rows_of(body)


@given(body=st.binary(max_size=200))
def test_any_body_is_a_list_or_none(body: bytes) -> None:
    for text in (body, b"<services>" + body + b"</services>", b"[" + body + b"]"):
        try:
            rows = rows_of(text)
        except ValueError:
            continue
        assert all(isinstance(value, str) for row in rows for value in row.values())


@pytest.mark.parametrize("text", ["https://a.b/v2/", "https://a.b/v2/services.json", " https://a.b/v2/discovery.xml"])
def test_addresses_as_people_copy_them(text: str) -> None:
    assert checked_address(text) == "https://a.b/v2"


@pytest.mark.parametrize("text", ["", "a.b/v2", "ftp://a.b", "file:///etc/passwd", "https://", "https://a.b/v2?x=1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ParameterError, match=r"https://311.example.org/open311/v2 is right"):
        checked_address(text)


class Server:
    """Gives the newest `cap` requests of a window, or pages of `page_size`."""

    def __init__(self, seconds: list[int], cap: int | None, page_size: int | None, *, strict: bool = False) -> None:
        self.seconds, self.cap, self.page_size, self.strict = sorted(seconds, reverse=True), cap, page_size, strict
        self.asked = 0

    def __call__(self, start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        self.asked += 1
        assert self.asked < 20_000
        if self.strict and paging:
            raise Refused("unknown parameter page", 400)
        rows = [
            {"service_request_id": str(number)}
            for number, second in enumerate(self.seconds)
            if start <= BEGIN + timedelta(seconds=second) <= end
        ]
        if self.page_size is not None:
            first = (int(paging.get("page", 1)) - 1) * self.page_size
            return rows[first : first + self.page_size]
        return rows[: self.cap]


@settings(max_examples=400, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 200_000), max_size=150),
    burst=st.integers(0, 40),
    cap=st.one_of(st.none(), st.integers(12, 60)),
    page_size=st.one_of(st.none(), st.integers(10, 60)),
    strict=st.booleans(),
)
def test_nothing_is_missed_whatever_the_server_caps(
    seconds: list[int], burst: int, cap: int | None, page_size: int | None, *, strict: bool
) -> None:
    seconds = [*seconds, *(50_000 + number // 8 for number in range(burst))]
    server = Server(seconds, cap, None if strict else page_size, strict=strict)
    end = BEGIN + timedelta(seconds=200_000)
    found: Counter[str] = Counter()
    at = BEGIN
    for piece in Walk(server).slices(BEGIN, end):
        assert piece.start >= BEGIN
        assert piece.start == at < piece.end
        at = piece.end
        found.update(row["service_request_id"] for row in piece.rows)
    assert at == end
    most = max(Counter(seconds).values(), default=0)
    if cap is None or most * 2 < cap or (page_size is not None and not strict):
        assert set(found) == {str(number) for number in range(len(seconds))}


def test_a_server_with_pages_may_still_stop_at_a_thousand() -> None:
    server = Server(list(range(0, 86_000, 40)), None, 100)

    def ask(start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        return [] if int(paging["page"]) > 10 else server(start, end, paging)

    found = {
        row["service_request_id"] for piece in Walk(ask).slices(BEGIN, BEGIN + timedelta(days=1)) for row in piece.rows
    }
    assert len(found) == 2150


def test_a_second_with_more_than_the_cap_is_said_to_be_cut() -> None:
    server = Server([5000] * 100, 30, None)
    walk = Walk(server)
    pieces = list(walk.slices(BEGIN, BEGIN + timedelta(days=1)))
    assert walk.cut in (1, 2)
    assert len({row["service_request_id"] for piece in pieces for row in piece.rows}) == 30


def test_quiet_years_are_walked_in_long_steps() -> None:
    server = Server([1, 2, 3], None, None)
    list(Walk(server).slices(BEGIN, BEGIN + timedelta(days=365)))
    assert server.asked < 25


def test_a_server_that_fails_on_long_windows_is_asked_for_short_ones() -> None:
    server = Server(list(range(0, 864_000, 600)), None, None)

    def ask(start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        if end - start > timedelta(hours=9):
            raise Refused("it answers 500", 500)
        return server(start, end, paging)

    with pytest.raises(Refused):
        list(Walk(ask).slices(BEGIN, BEGIN + timedelta(days=10)))  # it never answered anything: down

    def warmed(start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        return [] if end < BEGIN else ask(start, end, paging)

    begin = BEGIN - timedelta(days=40)
    found = [row for piece in Walk(warmed).slices(begin, BEGIN + timedelta(days=10)) for row in piece.rows]
    assert len({row["service_request_id"] for row in found}) == 1440


def answering(monkeypatch: pytest.MonkeyPatch, *answers: httpx.Response | Exception) -> tuple[Remote, list[float]]:
    """A client whose server answers so, one after the other, and how long it waited."""
    left, waited = list(answers), list[float]()

    def handle(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "Client", lambda **options: CLIENT(transport=httpx.MockTransport(handle), **options))
    return Remote("https://a.b/v2", form="json", pause_s=0.5, sleep=waited.append), waited


GOOD = b'[{"service_code": "1"}]'


def test_it_waits_longer_each_time_and_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    remote, waited = answering(
        monkeypatch,
        httpx.Response(500),
        httpx.ConnectError("gone"),
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503, headers={"Retry-After": "99999"}),
        httpx.Response(200, content=GOOD),
    )
    with remote:
        assert remote.services() == [{"service_code": "1"}]
    assert waited == [0.5, 1.0, 0.5, 2.0, 0.5, 7.0, 0.5, 120.0, 0.5]
    assert remote.asked == 5


def test_it_gives_up_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b'[{"code": 503, "description": "closed on Sundays"}]'
    remote, _ = answering(monkeypatch, *[httpx.Response(503, content=said) for _ in range(5)])
    with remote, pytest.raises(Refused, match="it answers 503 closed on Sundays; 5 tries were made") as refused:
        remote.services()
    assert refused.value.status == 503


def test_what_is_refused_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b'[{"code": 400, "description": "jurisdiction_id was not provided"}]'
    for status in (400, 200):
        remote, _ = answering(monkeypatch, httpx.Response(status, content=said))
        with remote, pytest.raises(Refused, match="jurisdiction_id was not provided"):
            remote.services()
        assert remote.asked == 1


def test_an_answer_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.open311.remote.MOST_BYTES", 1 << 20)
    remote, _ = answering(monkeypatch, httpx.Response(200, content=b"[" + b" " * (2 << 20)))
    with remote, pytest.raises(Refused, match="longer than 1 MiB"):
        remote.services()


def test_a_server_that_counts_in_whole_days_is_not_asked_for_seconds() -> None:
    seconds = list(range(0, 864_000, 400))
    asked: list[timedelta] = []

    def ask(start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        asked.append(end - start)
        first = start.replace(hour=0, minute=0, second=0)
        last = end.replace(hour=23, minute=59, second=59)
        made = [BEGIN + timedelta(seconds=second) for second in seconds]
        return [
            {"service_request_id": str(number), "requested_datetime": at.isoformat()}
            for number, at in enumerate(made)
            if first <= at <= last
        ]

    begin = BEGIN + timedelta(hours=8)
    found = [
        row["service_request_id"] for piece in Walk(ask).slices(begin, begin + timedelta(days=9)) for row in piece.rows
    ]
    assert set(found) == {str(number) for number in range(len(seconds))}
    assert len(asked) < 60


def test_a_server_that_keeps_to_no_window_is_refused() -> None:
    def ask(start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        return [
            {"service_request_id": str(number), "requested_datetime": "2016-08-01T00:00:00Z"} for number in range(50)
        ]

    with pytest.raises(Refused, match="does not keep to start_date and end_date"):
        list(Walk(ask).slices(BEGIN, BEGIN + timedelta(days=90)))


@pytest.mark.parametrize("known", [{"page", "page_size"}, {"page"}, set()])
def test_pages_are_asked_for_as_the_server_lets_us(known: set[str]) -> None:
    server = Server(list(range(0, 86_000, 400)), None if known else 50, 40 if known else None)

    def ask(start: datetime, end: datetime, paging: Mapping[str, str]) -> list[Row]:
        if set(paging) - known:
            raise Refused("unknown parameter", 400)
        return server(start, end, paging)

    found = {row["service_request_id"] for piece in Walk(ask).slices(BEGIN, BEGIN + DAY) for row in piece.rows}
    assert len(found) == 215
