"""Who answers for what, and when: the database's answers against intervals counted in Python."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from gis.duty import Places, changes, holders_at, persons, vacancies
from gis.errors import Conflict, NotFound, ParameterError
from gis.handovers import HandoverOrder, hand_over
from gis.instants import instants_of_days, midnight, read_instant
from gis.store.database import transaction, versions
from tests.conftest import json_of
from tests.town import build_town, town

CITY = town()
STREET, OTHER = "410101001", "410101002"
DAY0 = datetime(2016, 6, 1, tzinfo=UTC)
# Hours from DAY0, half-open; None is open.
Term = tuple[str, int | None, int | None]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def hour(number: int | None) -> datetime | None:
    return None if number is None else DAY0 + timedelta(hours=number)


@pytest.fixture
def here(conn: Connection) -> Iterator[Connection]:
    """The town without anybody responsible."""
    build_town(conn)
    yield conn
    conn.rollback()


def some_codes(conn: Connection) -> list[str]:
    """Two cells, a street and the district."""
    cells = conn.execute(text("SELECT code FROM cells ORDER BY code LIMIT 2")).scalars().all()
    return [*cells, STREET, "410101"]


def put(conn: Connection, code: str, terms: list[Term]) -> None:
    for ref, since, until in terms:
        conn.execute(
            text("INSERT INTO persons (ref, name) VALUES (:ref, :ref) ON CONFLICT (ref) DO NOTHING"), {"ref": ref}
        )
        conn.execute(
            text(
                "INSERT INTO responsibilities (person_id, cell_id, area_id, valid) SELECT p.id,"
                " (SELECT id FROM cells WHERE code = :code), (SELECT id FROM areas WHERE code = :code),"
                " tstzrange(:since, :until) FROM persons p WHERE p.ref = :ref"
            ),
            {"ref": ref, "code": code, "since": hour(since), "until": hour(until)},
        )


def clear(conn: Connection) -> None:
    conn.execute(text("DELETE FROM responsibilities"))
    conn.execute(text("DELETE FROM handovers"))


@st.composite
def terms(draw: st.DrawFn) -> list[Term]:
    """Terms of one place that never overlap; some meet, some leave gaps, the outer ones may be open."""
    cuts = sorted(draw(st.sets(st.integers(-40, 40), min_size=2, max_size=8)))
    ends: list[int | None] = list(cuts)
    if draw(st.booleans()):
        ends[0] = None
    if draw(st.booleans()):
        ends[-1] = None
    found = []
    for since, until in pairwise(ends):
        if draw(st.booleans()):
            found.append((draw(st.sampled_from("ABC")), since, until))
    return found


def low(term: Term) -> float:
    return float("-inf") if term[1] is None else term[1]


def high(term: Term) -> float:
    return float("inf") if term[2] is None else term[2]


def holder(of: list[Term], at: float) -> str | None:
    """Who holds a place at an hour; fails where two do."""
    found = [term[0] for term in of if low(term) <= at < high(term)]
    assert len(found) <= 1
    return found[0] if found else None


def gaps(of: list[Term], begin: int, end: int) -> list[tuple[int, int]]:
    """Hours of a window that nobody holds, joined; every term begins and ends at a whole hour."""
    found: list[tuple[int, int]] = []
    for one in range(begin, end):
        if holder(of, one) is None:
            if found and found[-1][1] == one:
                found[-1] = found[-1][0], one + 1
            else:
                found.append((one, one + 1))
    return found


def hands(of: list[Term], begin: int, end: int) -> list[tuple[str, str | None, float | None, str | None, float | None]]:
    """Changes of a place that touch a window: (kind, from, left, to, taken), found by walking through the hours."""
    walk = [(one, holder(of, one)) for one in range(-60, 61)]
    found: list[tuple[str, str | None, float | None, str | None, float | None]] = []
    last: str | None = None
    left: int | None = None
    for (_, before), (at, now) in pairwise(walk):
        if before == now:
            continue
        if before is not None:
            last, left = before, at
        if now is not None:
            kind = "begun" if last is None else "handover" if left == at else "gap"
            found.append((kind, last, left, now, at))
    if walk[-1][1] is None and last is not None:
        found.append(("ended", last, left, None, None))
    inside = [one for one in found if any(at is not None and begin <= at < end for at in (one[2], one[4]))]
    return sorted(inside, key=lambda one: one[2] if one[2] is not None else one[4])


def hours_of(row: dict[str, Any], name: str) -> float | None:
    return None if row[name] is None else (row[name] - DAY0) / timedelta(hours=1)


@FEW
@given(
    everybody=st.lists(terms(), min_size=4, max_size=4),
    at=st.integers(-45, 45),
    window=st.tuples(*[st.integers(-45, 45)] * 2),
)
def test_holders_gaps_and_changes_as_counted_hour_by_hour(
    here: Connection, everybody: list[list[Term]], at: int, window: tuple[int, int]
) -> None:
    clear(here)
    codes = some_codes(here)
    for code, of in zip(codes, everybody, strict=True):
        put(here, code, of)
    begin, end = min(window), max(window) + 1
    held = {row["code"]: row for row in holders_at(here, CITY, Places(), hour(at))}
    assert len(held) == 95 + 3
    empty = vacancies(here, CITY, Places(), hour(begin), hour(end))
    changed = changes(here, CITY, Places(), hour(begin), hour(end))
    for code, of in zip(codes, everybody, strict=True):
        assert held[code]["ref"] == holder(of, at)
        found = [(hours_of(one, "vacant_from"), hours_of(one, "vacant_to")) for one in empty if one["code"] == code]
        assert found == gaps(of, begin, end)
        for one in (one for one in empty if one["code"] == code):
            assert one["whole"] == (gaps(of, begin, end) == [(begin, end)])
            first, last = hours_of(one, "vacant_from"), hours_of(one, "vacant_to")
            assert one["hours"] == last - first
            assert one["left_by"] == holder(of, first - 1)
            assert one["taken_by"] == holder(of, last)
        of_place = [one for one in changed if one["code"] == code]
        assert [
            (one["kind"], one["from_ref"], hours_of(one, "left_at"), one["to_ref"], hours_of(one, "taken_at"))
            for one in of_place
        ] == hands(of, begin, end)
        for one in of_place:
            both = one["left_at"] is not None and one["taken_at"] is not None
            assert one["gap_s"] == ((one["taken_at"] - one["left_at"]).total_seconds() if both else None)
    others = [one for one in empty if one["code"] not in codes]
    assert len(others) == 94  # 93 further cells and a street
    assert all(one["whole"] for one in others)


@FEW
@given(
    of=terms(),
    orders=st.lists(
        st.tuples(st.sampled_from("ABCD"), st.integers(-40, 40), st.none() | st.integers(1, 30)), min_size=1, max_size=6
    ),
)
def test_any_hand_overs_leave_one_holder_and_no_new_gap(here: Connection, of: list[Term], orders: list[tuple]) -> None:
    """What a place says after each order is what a list of hours says; a refused order changes nothing."""
    clear(here)
    code = some_codes(here)[0]
    put(here, code, of)
    before = {one: holder(of, one) for one in range(-60, 61)}
    stored = sorted(of, key=low)
    for ref, at, length in orders:
        until = None if length is None else at + length
        order = HandoverOrder("cell", code, ref, hour(at), "office", "test", hour(until), name=ref)
        end = float("inf") if until is None else until
        later = [term for term in stored if at < low(term) < end]
        there = [term for term in stored if low(term) <= at < high(term)]
        same = [term for term in there if term[0] == ref]
        covers = bool(same) and high(same[0]) >= end
        refused = bool(later) or (bool(same) and not covers) or (bool(there) and not same and low(there[0]) == at)
        if refused:
            with pytest.raises(Conflict):
                hand_over(here, order)
        else:
            done = hand_over(here, order)
            assert (done["changed"], done["unchanged"]) == ((0, 1) if covers else (1, 0))
            assert done["vacant"] == (0 if there else 1)
            if not covers:
                stored = [term for term in stored if term not in there]
                stored += [(term[0], term[1], at) for term in there]
                stored = sorted([*stored, (ref, at, until)], key=low)
                for one in range(at, 61 if until is None else until):
                    before[one] = ref
                for one in range(until, 61) if until is not None else ():
                    if there and one < high(there[0]):
                        before[one] = None  # the last one does not come back by himself
        kept = here.execute(
            text(
                "SELECT p.ref, lower(r.valid) AS since, upper(r.valid) AS until FROM responsibilities r"
                " JOIN persons p ON p.id = r.person_id ORDER BY r.valid"
            )
        ).mappings()
        now = [(row["ref"], hours_of(dict(row), "since"), hours_of(dict(row), "until")) for row in kept]
        assert now == stored
        assert {one: holder(now, one) for one in before} == before


def order(code: str, **more: Any) -> HandoverOrder:
    facts = {"scope": "cells", "to": "N", "at": DAY0, "actor": "office", "reason": "moved", "name": "新人", **more}
    return HandoverOrder(code=code, **facts)


def test_a_street_changes_hands_in_one_transaction(here: Connection) -> None:
    cells = here.execute(
        text("SELECT code FROM cells WHERE code LIKE :street ORDER BY code"), {"street": f"{STREET}%"}
    ).scalars()
    codes = list(cells)
    for code in codes[:3]:
        put(here, code, [("A", None, None)])
    put(here, codes[3], [("B", -10, 10)])
    put(here, STREET, [("HEAD", None, None)])
    before = versions(here).get("responsibles", 0)
    done = hand_over(here, order(STREET))
    assert done["changed"] == len(codes)
    assert done["vacant"] == len(codes) - 4
    assert done["from"] == [{"ref": "A", "name": "A", "places": 3}, {"ref": "B", "name": "B", "places": 1}]
    assert versions(here)["responsibles"] == before + 1
    held = {row["code"]: row for row in holders_at(here, CITY, Places(None, STREET), DAY0)}
    assert {held[code]["ref"] for code in codes} == {"N"}
    assert held[STREET]["ref"] == "HEAD"  # the head of the street is somebody else's matter
    assert OTHER not in held
    (first,) = [one for one in changes(here, CITY, Places("cell"), DAY0, hour(1)) if one["code"] == codes[0]]
    assert (first["kind"], first["from_ref"], first["to_ref"], first["gap_s"]) == ("handover", "A", "N", 0)
    assert (first["actor"], first["reason"]) == ("office", "moved")
    again = hand_over(here, order(STREET))
    assert (again["changed"], again["unchanged"], again["handover"]) == (0, len(codes), None)
    assert versions(here)["responsibles"] == before + 1


def test_it_says_who_stands_in_the_way(here: Connection) -> None:
    code = some_codes(here)[0]
    put(here, code, [("A", -5, 5), ("B", 8, 20)])
    with pytest.raises(Conflict, match=rf"B B answers for {code} from 2016-06-01T16:00:00\+08:00 to 2016-06-02T04:00"):
        hand_over(here, order(code, scope="cell"))
    with pytest.raises(Conflict, match=f"A A begins at {code} at that very instant"):
        hand_over(here, order(code, scope="cell", at=hour(-5), until=hour(2)))
    with pytest.raises(Conflict, match=f"A A answers for {code} already, until 2016-06-01T13:00"):
        hand_over(here, order(code, scope="cell", to="A", name=None, until=hour(7)))
    done = hand_over(here, order(code, scope="cell", until=hour(8)))
    assert done["changed"] == 1
    assert [row["ref"] for row in holders_at(here, CITY, Places("cell"), hour(7)) if row["code"] == code] == ["N"]


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"scope": "street"}, ParameterError, "none of cell, cells, area"),
        ({"reason": " "}, ParameterError, "says nothing"),
        ({"actor": ""}, ParameterError, "says nothing"),
        ({"name": None}, ParameterError, "no person 'N' yet"),
        ({"until": DAY0}, ParameterError, "is not after"),
        ({"at": datetime(2016, 6, 1)}, ParameterError, "no time zone"),  # noqa: DTZ001
        ({"code": "410101009"}, NotFound, "no area '410101009'"),
        ({"code": STREET, "scope": "cell"}, NotFound, f"no cell '{STREET}'"),
    ],
)
def test_wrong_orders(here: Connection, wrong: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        hand_over(here, order(wrong.pop("code", STREET), **wrong))


def test_a_known_person_keeps_the_name_and_may_get_a_phone(here: Connection) -> None:
    put(here, STREET, [("A", None, 0)])
    with pytest.raises(ParameterError, match="A is A, not 新人"):
        hand_over(here, order(OTHER, to="A", scope="area"))
    done = hand_over(here, order(OTHER, to="A", scope="area", name=None, phone="0371-1"))
    assert done["to"] == {"ref": "A", "name": "A", "phone": "0371-1"}


def test_two_at_once_hand_the_same_cell_over_one_after_the_other(engine: Engine) -> None:
    """Whoever comes second hands over from the first, or is refused; the place never has two."""
    with transaction(engine) as conn:
        build_town(conn)
        code = some_codes(conn)[0]
    outcomes: list[str] = []

    def run(ref: str, at: int) -> None:
        try:
            with transaction(engine) as conn:
                hand_over(conn, order(code, scope="cell", to=ref, at=hour(at), name=ref))
            outcomes.append(ref)
        except Conflict:
            outcomes.append("refused")

    # Two, because each rings the bell over a connection of its own and the engine gives four.
    threads = [threading.Thread(target=run, args=(f"T{n}", n)) for n in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(outcomes) == 2
    with engine.connect() as conn:
        for at in range(-1, 3):
            held = [row["ref"] for row in holders_at(conn, CITY, Places("cell"), hour(at)) if row["code"] == code]
            assert len(held) == 1
        assert len([row for row in vacancies(conn, CITY, Places("cell"), hour(0), hour(9)) if row["code"] == code]) <= 1


def test_how_much_each_person_answers_for(here: Connection) -> None:
    rows = here.execute(text("SELECT code, area_km2 FROM cells ORDER BY code")).all()
    for code, _ in rows[:7]:
        put(here, code, [("A", None, None)])
    for code, _ in rows[7:10]:
        put(here, code, [("B", None, 5)])
    put(here, "410101", [("B", None, None)])
    put(here, STREET, [("C", None, None)])
    found = persons(here, CITY, None, DAY0)
    assert [(one["ref"], one["cells"], one["areas"]) for one in found] == [
        ("A", 7, []),
        ("B", 3, ["410101"]),
        ("C", 0, [STREET]),
    ]
    assert found[0]["cells_km2"] == sum(row[1] for row in rows[:7])
    assert [one["ref"] for one in persons(here, CITY, None, DAY0, more_than=3)] == ["A"]
    assert [(one["ref"], one["cells"]) for one in persons(here, CITY, None, hour(5))] == [("A", 7), ("B", 0), ("C", 0)]


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (Places("community"), "has the levels district, street, cell, not 'community'"),
        (Places(None, "nowhere"), "no street or other area 'nowhere'"),
        (Places("district", STREET), "a district does not lie in a street"),
    ],
)
def test_places_that_cannot_be_asked_about(here: Connection, places: Places, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        holders_at(here, CITY, places, DAY0)


def test_instants_as_people_write_them() -> None:
    zone = CITY.zone
    for written in ("2016-06-01T08:00:00+08:00", "2016-06-01T08:00", "2016-06-01 08:00:00", "2016-06-01T00:00:00Z"):
        assert read_instant("at", written, zone) == DAY0
    assert read_instant("at", "2016-06-01", zone) == DAY0 - timedelta(hours=8) == midnight("at", date(2016, 6, 1), zone)
    for written in ("", "soon", "2016-02-30", "0001-01-01", "9999-12-31T23:59:59", "2016-06-01T25:00"):
        with pytest.raises(ParameterError):
            read_instant("at", written, zone)
    assert instants_of_days(date(2016, 6, 1), date(2016, 6, 2), zone)[1] == DAY0 + timedelta(hours=16)
    with pytest.raises(ParameterError):
        instants_of_days(date(2016, 6, 1), date(2016, 6, 1), zone)
    with pytest.raises(ParameterError):
        instants_of_days(date(1, 1, 1), date(2016, 6, 1), zone)


def test_the_commands_say_the_same(engine: Engine, finegrid: Callable[..., Result]) -> None:
    with transaction(engine) as conn:
        build_town(conn)
        code = some_codes(conn)[0]
        put(conn, code, [("A", -5, 5)])
    asked = ("--cell", code, "--to", "N", "--at", "2016-06-01T10:00", "--actor", "office", "--reason", "moved")
    refused = finegrid("duty", "handover", *asked)
    assert refused.exit_code == 1
    assert "a new one needs it" in refused.stderr
    done = finegrid("duty", "handover", *asked, "--name", "新人")
    assert "N 新人 takes 1 places over from A A (1) at 2016-06-01T10:00:00+08:00" in done.stdout
    listed = json_of(finegrid("duty", "list", "--level", "cell", "--at", "2016-06-01T10:00", "--json"))
    assert [row["ref"] for row in listed["rows"] if row["code"] == code] == ["N"]
    gap = finegrid("duty", "vacancies", "--level", "cell", "--from", "2016-06-01", "--to", "2016-06-02").stdout
    (line,) = [line for line in gap.splitlines() if code in line]
    assert "2016-06-01T00:00:00+08:00" in line
    assert "2016-06-01T03:00:00+08:00" in line  # five hours before 08:00
    table = finegrid("duty", "handovers", "--from", "2016-06-01", "--to", "2016-06-02", "--format", "csv").stdout
    assert f"{code},{STREET},handover,A,A,2016-06-01T10:00:00+08:00,N,新人" in table
    assert finegrid("duty", "persons", "--at", "2016-06-02").stdout.split()[6:8] == ["N", "新人"]
    assert finegrid("duty", "handover", "--to", "N", *asked[4:]).exit_code == 2
