"""Times of reports: many spellings, the city's zone, daylight saving, days that no calendar has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from gis.errors import ParameterError
from gis.report_times import read_times

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPELLINGS = {
    "2016-06-01T08:30:05": (8, 30, 5),
    "2016-06-01 08:30:05": (8, 30, 5),
    " 2016-06-01 08:30 ": (8, 30, 0),
    "2016-06-01 08": (8, 0, 0),
    "2016-06-01": (0, 0, 0),
    "2016-6-1 8:30:05": (8, 30, 5),
    "2016-6-1 8:30": (8, 30, 0),
    "2016-6-1": (0, 0, 0),
    "2016/06/01 08:30:05": (8, 30, 5),
    "2016/6/1 8:30": (8, 30, 0),
    "2016/6/1": (0, 0, 0),
    "2016年6月1日 8:30:05": (8, 30, 5),
    "2016年06月01日 08:30": (8, 30, 0),
    "2016年6月1日8时30分05秒": (8, 30, 5),
    "2016年6月1日 8时30分": (8, 30, 0),
    "2016年6月1日": (0, 0, 0),
    "20160601083005": (8, 30, 5),
    "2016-06-01T00:30:05Z": (8, 30, 5),
    "2016-06-01T08:30:05+08:00": (8, 30, 5),
    "2016-06-01 03:30:05+0300": (8, 30, 5),
    "2016-06-01T08+08": (8, 0, 0),
    "2016-05-31T19:30:05-05": (8, 30, 5),
}
UNREADABLE = [
    "", None, "yesterday", "01/06/2016", "1.6.2016 8:30", "16/06/01", "2016-13-01", "2016-00-10", "2016-06-31",
    "2016-02-30 08:30:00", "2016/02/30", "2016/2/31 08:30:00", "2016年2月31日", "2015-02-29", "2015/2/29 8:30",
    "20160631083005",
    "2016-06-01T24:30:00", "2016-06-01 08:60", "1464750000", "1899-12-31", "2100-01-02", "9999-12-31 23:59:59",
    "0001-01-01", "2016-06-01T08:30:00+", "2016-02-31T08:30:00Z", "２０１６-06-01",
]  # fmt: skip


def instants(texts: list[str | None], zone: str = SHANGHAI, form: str | None = None) -> list[datetime | None]:
    times = read_times(pa.array(texts, pa.string()), zone, form)
    assert times.instant_us.dtype == np.int64
    assert times.day.dtype == np.int32
    return [
        EPOCH + timedelta(microseconds=int(us)) if good else None
        for us, good in zip(times.instant_us, times.readable, strict=True)
    ]


def days(texts: list[str], zone: str) -> list[date]:
    return [date(1970, 1, 1) + timedelta(days=int(day)) for day in read_times(pa.array(texts), zone).day]


def shanghai(*clock: int) -> datetime:
    return datetime(2016, 6, 1, *clock, tzinfo=ZoneInfo(SHANGHAI))


@pytest.mark.parametrize(("text", "clock"), SPELLINGS.items())
def test_spellings(text: str, clock: tuple[int, int, int]) -> None:
    assert instants([text]) == [shanghai(*clock)]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_time_is_unreadable(text: str | None) -> None:
    assert instants([text]) == [None]


def test_a_text_means_the_same_whatever_its_neighbours_are() -> None:
    everything = [*SPELLINGS, *UNREADABLE]
    together = instants(everything)
    assert together == [instants([text])[0] for text in everything]
    assert together[: len(SPELLINGS)] == [shanghai(*clock) for clock in SPELLINGS.values()]


def test_every_last_day_of_a_month_is_read_in_every_form() -> None:
    last = [date(year, month, 1) - timedelta(days=1) for year in (2015, 2016) for month in range(1, 13)]
    first = [day + timedelta(days=1) for day in last]
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y/%m/%d 23:59", "%Y%m%d235959"):
        for listed in (last, first):
            assert days([day.strftime(form) for day in listed], SHANGHAI) == listed


def test_the_gap_of_daylight_saving_is_its_end_and_the_overlap_its_first_pass() -> None:
    gap, overlap = "2015-03-08 02:30:00", "2015-11-01 01:30:00"
    assert instants([gap, overlap], NEW_YORK) == [
        datetime(2015, 3, 8, 7, 0, tzinfo=UTC),  # 03:00 EDT, the first instant after the gap
        datetime(2015, 11, 1, 5, 30, tzinfo=UTC),  # 01:30 EDT, not EST
    ]
    assert days([gap, overlap], NEW_YORK) == [date(2015, 3, 8), date(2015, 11, 1)]


def test_an_offset_in_the_text_tells_the_two_passes_apart() -> None:
    texts = ["2015-11-01T01:30:00-04:00", "2015-11-01T01:30:00-05:00", "2015-11-01 01:30:00"]
    assert instants(texts, NEW_YORK) == [
        datetime(2015, 11, 1, 5, 30, tzinfo=UTC),
        datetime(2015, 11, 1, 6, 30, tzinfo=UTC),
        datetime(2015, 11, 1, 5, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize("zone", [NEW_YORK, SHANGHAI, "Asia/Kolkata", "Pacific/Apia"])
def test_local_times_agree_with_zoneinfo_over_a_year(zone: str) -> None:
    local = [datetime.fromisoformat("2015-01-01") + timedelta(minutes=97 * n) for n in range(5400)]
    aware = [at.replace(tzinfo=ZoneInfo(zone)) for at in local]
    whole = [at.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at for at in local]
    found = instants([at.isoformat() for at in local], zone)
    assert [at for at, good in zip(found, whole, strict=True) if good] == [
        at.astimezone(UTC) for at, good in zip(aware, whole, strict=True) if good
    ]


def test_days_are_counted_in_the_citys_zone() -> None:
    texts = ["2015-06-01T02:00:00Z", "2015-06-01T04:00:00Z", "2015-06-01T23:59:59-04:00", "1969-12-31 23:00:00-05:00"]
    assert days(texts, NEW_YORK) == [date(2015, 5, 31), date(2015, 6, 1), date(2015, 6, 1), date(1969, 12, 31)]
    assert days(texts[:2], SHANGHAI) == [date(2015, 6, 1), date(2015, 6, 1)]


def test_timestamps_and_dates_of_typed_files() -> None:
    naive = [datetime.fromisoformat("2016-06-01T00:30"), None]
    for unit in ("s", "ms", "us", "ns"):
        local = read_times(pa.array(naive, pa.timestamp(unit)), SHANGHAI)
        utc = read_times(pa.array(naive, pa.timestamp(unit, "UTC")), SHANGHAI)
        assert local.readable.tolist() == utc.readable.tolist() == [True, False]
        assert utc.instant_us[0] - local.instant_us[0] == 8 * 3600 * 1_000_000
    dates = read_times(pa.array([date(2016, 6, 1), None]), NEW_YORK)
    assert dates.readable.tolist() == [True, False]
    assert dates.instant_us[0] == (datetime(2016, 6, 1, 4, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def test_a_format_of_the_callers() -> None:
    texts = ["01.06.2016 08:30", "31.02.2016 08:30", "06/01/2016", "29.02.2016 00:00"]
    assert instants(texts, form="%d.%m.%Y %H:%M") == [
        shanghai(8, 30), None, None, datetime(2016, 2, 29, tzinfo=ZoneInfo(SHANGHAI)),
    ]  # fmt: skip
    assert instants(["06/01/16 08:30 pm", "02/30/16 08:30 pm"], form="%m/%d/%y %I:%M %p") == [shanghai(20, 30), None]
    assert instants(["6/1/2016", "2/31/2016"], form="%D") == [None, None]


@pytest.mark.parametrize("form", ["%d.%m.%Y %z", "%s", "%Y-%m-%d %H:%M %Z"])
def test_a_format_that_would_be_wrong_by_hours_is_refused(form: str) -> None:
    with pytest.raises(ParameterError, match="time-format"):
        instants(["1464750000"], form=form)


def test_no_times_at_all() -> None:
    assert instants([]) == []
    assert len(read_times(pa.array([], pa.timestamp("us")), SHANGHAI).day) == 0
