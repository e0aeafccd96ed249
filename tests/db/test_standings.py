"""Standings against a plain count, their chain, their revisions, and what several commands do at once."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from gis.cases import Move
from gis.cases import record as record_case
from gis.city import read_city
from gis.errors import Conflict, NotFound, ParameterError
from gis.fact_text import read_facts, sha256, unpacked
from gis.geometry.datum import metric_transformer
from gis.ground import load_ground
from gis.rules.deductions import Problem, problem_units, times_noticed
from gis.rules.periods import parse_period
from gis.rules.policy import POLICIES
from gis.standing_chain import verify_chain
from gis.standing_reads import opened, read_standing
from gis.standing_rows import rows_text, work_out
from gis.standings import draft, publish
from gis.store.database import transaction
from gis.store.schema_standings import standing_rows, standings
from tests.api.conftest import facts, standing_engine, standing_url, tiny_url
from tests.standing_city import NOW, T1, T2, T3

__all__ = ["facts", "standing_engine", "standing_url", "tiny_url"]
POLICY = POLICIES[0]
REPORTS = text(
    "SELECT r.source_ref, s.name AS source, s.kind AS source_kind, k.kind || ':' || k.code AS category,"
    " coalesce(k.chaos, '') AS chaos, g.code AS segment, a.code AS street, ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat,"
    " r.reported_at, b.case_id, c.state = 'void' AND c.merged_into IS NULL AS void"
    " FROM reports r JOIN sources s ON s.id = r.source_id JOIN categories k ON k.id = r.category_id"
    " JOIN cells z ON z.id = r.cell_id JOIN areas a ON a.id = z.area_id"
    " LEFT JOIN road_segments g ON g.id = r.segment_id"
    " LEFT JOIN case_reports b ON b.source_id = r.source_id AND b.source_ref = r.source_ref"
    " LEFT JOIN cases c ON c.id = b.case_id WHERE r.day >= :first AND r.day < :after"
)
SURVEYED = {T1: {"R1"}, T2: {"R1", "R2"}}
WELL_SURVEYED = {T1: {"990101001"}, T2: {"990101001", "990101002"}}
"""Streets that have no other roads."""


@pytest.fixture
def city(standing_engine: Engine) -> Engine:
    return standing_engine


def put_out(engine: Engine, name: str, reason: str | None = None, now: datetime = NOW) -> str:
    """Draft and publish; answers the digest."""
    period = parse_period(name)
    with transaction(engine, snapshot=True) as conn:
        draft(conn, load_ground(conn), period, "office", now, reason)
    with transaction(engine) as conn:
        return str(publish(conn, read_city(conn), period, "office", now).sha256)


def void_one(engine: Engine) -> None:
    """A case of the first period turns out to be none."""
    with engine.begin() as conn:
        first = "SELECT min(id) FROM cases WHERE day < '2016-05-11' AND state = 'reported'"
        record_case(conn, conn.execute(text(first)).scalar_one(), Move("void", "centre", NOW, "nothing there"), NOW)


def plain_problems(conn: Connection, name: str, earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The problems of a period, counted report by report in plain Python."""
    period = parse_period(name)
    rows = [dict(one) for one in conn.execute(REPORTS, {"first": period.first, "after": period.after}).mappings()]
    x_y = metric_transformer(read_city(conn).metric_crs).transform
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: (one["reported_at"], one["source"], one["source_ref"])):
        row["x"], row["y"] = x_y(row["lon"], row["lat"])
        if row["void"]:
            continue
        key: Any = ("case", row["case_id"]) if row["case_id"] else ("own", row["source"], row["source_ref"])
        if not row["case_id"] and row["source_kind"] == "media":
            same = [one for other in groups.values() for one in other if loose(one) and is_same(one, row)]
            key = same[0]["key"] if same else key
        row["key"] = key
        groups[key].append(row)
    problems = []
    for members in groups.values():
        first = dict(members[0])
        first["exposed"] = any(one["source_kind"] == "media" for one in members)
        first["surveyed"] = looked_at(first, name)
        first["before"] = max((one["times"] for one in earlier if is_same(one, first)), default=0)
        first["times"] = times_noticed(first["before"], surveyed=first["surveyed"])
        problems.append(first)
    return problems


def looked_at(row: dict[str, Any], name: str) -> bool:
    return row["segment"] in SURVEYED[name] if row["segment"] else row["street"] in WELL_SURVEYED[name]


def loose(row: dict[str, Any]) -> bool:
    return not row["case_id"] and row["source_kind"] == "media"


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one["category"] != other["category"]:
        return False
    if one["segment"] and other["segment"]:
        return bool(one["segment"] == other["segment"])
    return math.dist((one["x"], one["y"]), (other["x"], other["y"])) <= 50


def units(problem: dict[str, Any]) -> int:
    key = Problem(problem["chaos"], problem["source_kind"], problem["exposed"], problem["before"], problem["surveyed"])
    return problem_units(key, POLICY)


def test_points_of_problems_are_those_of_a_plain_count_period_after_period(city: Engine) -> None:
    earlier: list[dict[str, Any]] = []
    repeated = 0
    for name in (T1, T2):
        put_out(city, name)
        with city.connect() as conn:
            found = plain_problems(conn, name, earlier)
            standing = read_standing(conn, "street", parse_period(name))
            rows = {row["code"]: row for row in standing.rows}
            for code, row in rows.items():
                mine = [one for one in found if one["street"] == code]
                assert row["problems"] == len(mine)
                assert row["parts"].get("problem", 0) == Decimal(sum(map(units, mine))) / 100_000
                deep = opened(standing, code)
                assert sum((term["points"] for term in deep.terms), Decimal(0)) == row["deduction"]
                assert sum((cause["points"] for cause in deep.causes), Decimal(0)) == row["deduction"]
                squares = conn.execute(
                    select(standing_rows.c.square_deduction).where(
                        standing_rows.c.standing_id == standing.record.id, standing_rows.c.code == code
                    )
                ).scalar_one()
                assert squares == sum((cause["points"] ** 2 for cause in deep.causes), Decimal(0))
                listed = {(one["source"], one["source_ref"]) for one in deep.causes if one["kind"] == "problem"}
                assert listed == {(one["source"], one["source_ref"]) for one in mine}
            counted = standing.facts().head["reports"]
            assert counted["problems"] == sum(row["problems"] for row in rows.values())
            assert sum(counted.values()) - counted["reports"] == counted["reports"]
            repeated += sum(one["before"] > 0 for one in found)
            # Held over: noticed before, not again, and nobody looked there since.
            kept = [one for one in earlier if not any(is_same(one, new) for new in found)]
            held = [one for one in kept if not looked_at(one, name)]
            assert standing.facts().table("held").num_rows == len(held)
            earlier = found + held
    assert repeated > 20


def test_steps_of_double_ten_are_those_of_the_response_table(city: Engine) -> None:
    put_out(city, T1)
    with city.connect() as conn:
        row = {one["code"]: one for one in read_standing(conn, "street", parse_period(T1)).rows}["990101001"]
        wrong = conn.execute(
            text(
                "SELECT count(*) FILTER (WHERE arrived_at IS NOT NULL), count(*) FILTER (WHERE arrived_at IS NULL)"
                " FROM cases c JOIN reports r USING (source_id, source_ref) JOIN cells z ON z.id = r.cell_id"
                " JOIN areas a ON a.id = z.area_id JOIN categories k ON k.id = c.category_id WHERE a.code = '990101001'"
                " AND c.day >= '2016-05-01' AND c.day < '2016-05-11' AND c.merged_into IS NULL AND k.chaos IS NOT NULL"
                " AND (arrived_at IS NULL OR arrived_at > found_at + interval '10 minutes')"
            )
        ).one()
    assert wrong[0]
    assert wrong[1]
    assert row["parts"]["double_ten"] == wrong[0] * Decimal("0.1") + wrong[1] * Decimal("0.2")


def test_without_the_published_period_before_the_same_is_found_by_going_back(city: Engine) -> None:
    with transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), parse_period(T2), "office", NOW)
        alone = read_standing(conn, "street", parse_period(T2))
    put_out(city, T1)
    put_out(city, T2)
    with city.connect() as conn:
        after = read_standing(conn, "street", parse_period(T2))
    for name in ("problems", "held"):
        assert alone.facts().table(name).to_pylist() == after.facts().table(name).to_pylist()


def test_a_draft_again_is_the_same_byte_for_byte_and_a_void_case_changes_it(city: Engine) -> None:
    period = parse_period(T1)
    with transaction(city, snapshot=True) as conn:
        first = draft(conn, load_ground(conn), period, "office", NOW)
    with transaction(city, snapshot=True) as conn:
        second = draft(conn, load_ground(conn), period, "office", NOW + timedelta(hours=1))
        assert conn.execute(text("SELECT count(*) FROM standings")).scalar() == 1
    assert (first.changed, second.changed) == (True, False)
    assert first.facts_sha256 == second.facts_sha256
    with city.begin() as conn:
        # Rows that are written anew stand elsewhere in the table; the order of storing does not matter.
        conn.execute(text("UPDATE reports SET description = 'moved' WHERE hashtext(source_ref) % 3 = 0"))
        conn.execute(text("UPDATE case_reports SET case_id = case_id WHERE hashtext(source_ref) % 2 = 0"))
    with transaction(city, snapshot=True) as conn:
        assert draft(conn, load_ground(conn), period, "office", NOW).facts_sha256 == first.facts_sha256
    void_one(city)
    with transaction(city, snapshot=True) as conn:
        assert draft(conn, load_ground(conn), period, "office", NOW).changed is True


def test_replay_from_stored_facts_is_equal_byte_for_byte(city: Engine) -> None:
    put_out(city, T1)
    with city.connect() as conn:
        record = conn.execute(select(standings)).one()
    kept = unpacked(record.facts)
    assert sha256(kept) == record.facts_sha256
    again = read_facts(kept)
    assert again.text() == kept
    assert sha256(rows_text(work_out(again, POLICY))) == record.result_sha256


def test_what_was_published_cannot_be_changed(city: Engine) -> None:
    put_out(city, T1)
    for statement in (
        "UPDATE standings SET drafted_by = 'somebody'",
        "DELETE FROM standings",
        "TRUNCATE standings CASCADE",
        "UPDATE standing_rows SET rank = 1",
        "DELETE FROM standing_rows",
        "INSERT INTO standing_rows SELECT * FROM standing_rows LIMIT 1",
    ):
        with pytest.raises(DBAPIError, match=r"append-only|published standing"), city.begin() as conn:
            conn.execute(text(statement))


def force(engine: Engine, statement: str) -> None:
    """What only somebody who owns the database could do."""
    with engine.begin() as conn:
        for table in ("standings", "standing_rows"):
            conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        conn.execute(text(statement))
        for table in ("standings", "standing_rows"):
            conn.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


@pytest.mark.parametrize(
    ("statement", "seen"),
    [
        ("UPDATE standing_rows SET reward_yuan = 1 WHERE code = '990101001'", "stored rows differ"),
        ("UPDATE standing_rows SET rank = 9 WHERE code = '990101001'", "stored rows differ"),
        ("DELETE FROM standing_rows WHERE code = '990102002'", "stored rows differ"),
        ("UPDATE standings SET facts = decode('00', 'hex')", "cannot be unpacked"),
        ("UPDATE standings SET published_by = 'somebody else'", "its digest is not"),
        ("UPDATE standings SET policy = policy || '{\"media_multiplier\": 9}'", "its digest is not"),
        ("UPDATE standings SET previous_sha256 = repeat('1', 64) WHERE link = 2", "the digest before it"),
        (
            (
                "DELETE FROM standing_rows WHERE standing_id = (SELECT id FROM standings WHERE link = 1);"
                " DELETE FROM standings WHERE link = 1"
            ),
            "a publication is missing",
        ),
    ],
)
def test_verify_sees_what_was_bent_around_the_triggers(city: Engine, statement: str, seen: str) -> None:
    put_out(city, T1)
    put_out(city, T2)
    with city.connect() as conn:
        assert not any(link.problems for link in verify_chain(conn))
    force(city, statement)
    with city.connect() as conn:
        assert any(seen in problem for link in verify_chain(conn) for problem in link.problems)


def test_the_chain_holds_the_digest_of_the_one_before(city: Engine) -> None:
    digests = [put_out(city, T1), put_out(city, T2)]
    with city.connect() as conn:
        rows = conn.execute(select(standings.c.previous_sha256, standings.c.sha256).order_by(standings.c.link)).all()
    assert [tuple(row) for row in rows] == [("0" * 64, digests[0]), (digests[0], digests[1])]


def test_a_correction_is_a_revision_with_reason_and_difference(city: Engine) -> None:
    put_out(city, T1)
    period = parse_period(T1)
    with pytest.raises(ParameterError, match="needs the reason"), transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), period, "office", NOW)
    void_one(city)
    put_out(city, T1, "a case was void")
    with city.connect() as conn:
        newest, oldest = (read_standing(conn, "street", period, number) for number in (None, 1))
        assert (newest.record.revision, newest.record.reason) == (2, "a case was void")
        changed = {one["code"]: (one["before"], one["after"]) for one in newest.record.difference}
        before, after = ({row["code"]: row for row in one.rows} for one in (oldest, newest))
        assert changed
        for code in before:
            same = all(before[code][name] == after[code][name] for name in ("rank", "deduction", "reward_yuan"))
            assert same or changed[code][1]["deduction"] == f"{after[code]['deduction']:f}"
        assert not any(link.problems for link in verify_chain(conn))


def test_what_may_not_be_published(city: Engine) -> None:
    period = parse_period(T1)
    with pytest.raises(NotFound, match="there is no draft"), transaction(city) as conn:
        publish(conn, read_city(conn), period, "office", NOW)
    early = datetime(2016, 5, 8, tzinfo=UTC)
    with transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), period, "office", early)
    with pytest.raises(Conflict, match="may be published from"), transaction(city) as conn:
        publish(conn, read_city(conn), period, "office", early)
    with pytest.raises(Conflict, match="before the end"), transaction(city) as conn:
        publish(conn, read_city(conn), period, "office", NOW)
    with pytest.raises(ParameterError, match="begins on"), transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), parse_period("2016-08-T1"), "office", NOW)
    with pytest.raises(Conflict, match="drafted again"), transaction(city) as conn:
        publish(conn, read_city(conn), period, "office", NOW, expected="0" * 64)
    with pytest.raises(ParameterError, match="nothing to correct"), transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), period, "office", NOW, "no reason")
    put_out(city, T1)
    with transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), parse_period(T3), "office", NOW)
    with pytest.raises(Conflict, match="2016-05-T2 comes first"), transaction(city) as conn:
        publish(conn, read_city(conn), parse_period(T3), "office", NOW)
    later = NOW + timedelta(days=1)
    put_out(city, T2, now=later)
    with pytest.raises(Conflict, match="published after 2016-05-T3 was drafted"), transaction(city) as conn:
        publish(conn, read_city(conn), parse_period(T3), "office", later)


def test_two_cannot_publish_one_period(city: Engine) -> None:
    with transaction(city, snapshot=True) as conn:
        draft(conn, load_ground(conn), parse_period(T1), "office", NOW)
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def attempt(number: int) -> None:
        ready.wait()
        try:
            with transaction(city) as conn:
                publish(conn, read_city(conn), parse_period(T1), f"office {number}", NOW)
            outcomes.append("published")
        except (Conflict, NotFound) as problem:
            outcomes.append(type(problem).__name__)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["NotFound", "NotFound", "NotFound", "published"]
    with city.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM standings")).scalar() == 1
        assert not any(link.problems for link in verify_chain(conn))


def test_two_cannot_draft_one_period_at_once(city: Engine) -> None:
    period = parse_period(T1)
    with transaction(city, snapshot=True) as one:
        draft(one, load_ground(one), period, "office", NOW)
        waiting: list[str] = []

        def attempt() -> None:
            try:
                with transaction(city, snapshot=True) as other:
                    draft(other, load_ground(other), period, "another", NOW)
                waiting.append("drafted")
            except Conflict:
                waiting.append("Conflict")

        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join(2)
    thread.join()
    assert waiting == ["Conflict"]


def test_the_policy_of_the_period_is_kept_with_it(city: Engine) -> None:
    put_out(city, T1)
    with city.connect() as conn:
        found = read_standing(conn, "street", parse_period(T1))
        assert found.policy == POLICY
        assert conn.execute(select(standing_rows.c.code)).scalars().all()
