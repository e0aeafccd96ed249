"""Open311 without a database: documents, identifiers, instants, words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import NotFound, ParameterError
from gis.open311.documents import NOT_XML, written
from gis.open311.identifiers import report_of, service_request_id
from gis.open311.instants import read_instant, window, write_instant
from gis.open311.words import MOVES, STATES, status_notes, status_of, update_text
from gis.rules.cases import MOVES as RULES
from gis.store.schema_cases import STATES as KNOWN_STATES

SHANGHAI = ZoneInfo("Asia/Shanghai")
BOSTON = ZoneInfo("America/New_York")
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def test_a_document_in_both_forms() -> None:
    value = [{"service_code": "event:1", "metadata": False, "lat": 34.5, "description": None, "name": "a<b&c"}]
    assert orjson.loads(written("json", "services", value)) == value
    assert written("xml", "services", value).decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n<services><service><service_code>event:1</service_code>'
        "<metadata>false</metadata><lat>34.5</lat><description /><name>a&lt;b&amp;c</name></service></services>\n"
    )


def test_lists_within_have_named_items() -> None:
    value = {"changeset": "x", "endpoints": [{"url": "u", "formats": ["text/xml", "application/json"]}]}
    found = fromstring(written("xml", "discovery", value))
    assert [one.text for one in found.findall("endpoints/endpoint/formats/format")] == ["text/xml", "application/json"]
    value = {"service_code": "1", "attributes": [{"code": "a", "values": [{"key": 1, "name": "n"}]}]}
    found = fromstring(written("xml", "service_definition", value))
    assert found.findtext("attributes/attribute/values/value/name") == "n"


@given(text=any_text)
def test_xml_is_well_formed_for_any_text(text: str) -> None:
    found = fromstring(written("xml", "errors", [{"code": 400, "description": text}]))
    read = found.findtext("error/description") or ""
    # Reading XML makes one line feed of every line end.
    assert read == NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).replace("\r\n", "\n").replace("\r", "\n")


@given(source=any_text.filter(bool), ref=any_text.filter(bool))
def test_an_identifier_is_read_back_and_fits_everywhere(source: str, ref: str) -> None:
    identifier = service_request_id(source, ref)
    assert not set(identifier) & set(",/?#%&=;+ \t\n<>\"'\\")
    assert not NOT_XML.search(identifier)
    if "\0" in source + ref:
        with pytest.raises(NotFound):
            report_of(identifier)
    else:
        assert report_of(identifier) == (source, ref)


def test_an_identifier_is_what_people_expect_where_nothing_is_odd() -> None:
    assert service_request_id("open311", "1042") == "open311:1042"
    assert service_request_id("巡查", "P-2016:7_a.b") == "巡查:P-2016:7_a.b"
    assert service_request_id("a:b", "1,2/3") == "a~3Ab:1~2C2~2F3"


@pytest.mark.parametrize("identifier", ["", "1042", ":1", "open311:", "a:~00", "a:~FF", "~ED~A0~80:1", "a:\ud800"])
def test_what_is_no_identifier(identifier: str) -> None:
    with pytest.raises(NotFound, match="service_request_id"):
        report_of(identifier)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-05-03T00:30:00Z", "2016-05-03T00:30:00+00:00"),
        ("2016-05-03T08:30+08:00", "2016-05-03T00:30:00+00:00"),
        ("2016-05-03T08:30:00 08:00", "2016-05-03T00:30:00+00:00"),
        ("2016-05-03T08:30:00.25+0800", "2016-05-03T00:30:00.250000+00:00"),
        ("2016-05-02T19:30:00-05:00", "2016-05-03T00:30:00+00:00"),
        ("2016-05-03", "2016-05-02T16:00:00+00:00"),
    ],
)
def test_instants_as_clients_write_them(text: str, expected: str) -> None:
    assert read_instant("start_date", text, SHANGHAI).astimezone(UTC).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "2016", "2016-05-03T08:30:00", "2016-02-30", "2016-05-03T25:00:00Z", "2016-05-03T08:30:00+99:00"),
        *("0001-01-01", "9999-12-31T00:00:00Z", "２０１６-05-03", "1462235400", "2016-05-03T08:30:00Z; --"),
    ],
)
def test_instants_that_are_none(text: str) -> None:
    with pytest.raises(ParameterError, match=r"start_date: .*2016-05-03T08:30:00\+08:00"):
        read_instant("start_date", text, SHANGHAI)


@given(instant=st.integers(-600_000_000, 3_700_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_an_instant_is_written_with_its_offset_and_read_back(instant: datetime) -> None:
    text = write_instant(instant, BOSTON)
    assert text[-6] in "+-"
    assert read_instant("x", text, SHANGHAI) == instant


def test_windows() -> None:
    now = datetime(2016, 6, 30, 20, tzinfo=UTC)  # the first of July in Shanghai
    usual = window(None, None, SHANGHAI, now)
    assert write_instant(usual.end, SHANGHAI) == "2016-07-01T23:59:59+08:00"
    assert usual.end - usual.start == timedelta(days=90)
    after = window("2016-01-01T00:00:00Z", None, SHANGHAI, now)
    assert after.end - after.start == timedelta(days=90)
    before = window(None, "2016-01-01T00:00:00Z", SHANGHAI, now)
    assert before.end.isoformat() == "2016-01-01T00:00:00+00:00"
    assert before.end - before.start == timedelta(days=90)
    whole = window("2016-01-01", "2016-01-01", SHANGHAI, now)
    assert whole.end - whole.start == timedelta(days=1, microseconds=-1)
    window("2016-01-01", "2016-03-31", SHANGHAI, now)
    window("2016-01-01T00:00:00Z", "2016-03-31T00:00:00Z", SHANGHAI, now)
    with pytest.raises(ParameterError, match="at most 90 days, not 119"):
        window("2016-01-01", "2016-04-29", SHANGHAI, now)
    with pytest.raises(ParameterError, match="lies before start_date"):
        window("2016-01-02", "2016-01-01", SHANGHAI, now)


def test_every_state_and_move_of_a_case_has_words() -> None:
    assert set(STATES) == set(KNOWN_STATES)
    assert set(MOVES) == set(RULES) - {"recount"}


def test_what_a_citizen_reads() -> None:
    due = datetime(2016, 6, 3, 1, 30, tzinfo=UTC)
    plain = status_notes("en", SHANGHAI, "dispatched", "dispatch", "internal", due, 1)
    assert plain == "sent to the department that handles it; due 2016-06-03 09:30"
    several = status_notes("zh", SHANGHAI, "dispatched", "rework", "没扫干净", due, 3)
    assert several == "已派遣；返工；原因：没扫干净；限 2016-06-03 09:30 前办结；同一问题共 3 次上报"
    both = status_notes(None, SHANGHAI, "void", "void", "不属实", None, 1)
    assert both == "已作废；原因：不属实 / void: it was no case; reason: 不属实"
    assert status_notes("en", SHANGHAI, None, None, None, None, 0) == "reported; no case was opened for it yet"
    assert update_text("en", SHANGHAI, "attach", "patrol:7", due, "filed") == "a further report of the same problem"
    assert update_text("en", SHANGHAI, "extend", "rain", due, "filed") == (
        "more time was given; reason: rain; due 2016-06-03 09:30"
    )
    assert [status_of(state) for state in (None, "reported", "suspended", "closed", "void")] == [
        *("open", "open", "open", "closed", "closed")
    ]
