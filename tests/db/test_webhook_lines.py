"""The queue of webhooks, step by step: who holds a line, who has lost it, what follows."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, text

from gis.cases import Move, record
from gis.store.database import create_database_engine, transaction
from gis.webhooks import announce
from gis.webhooks.deliveries import retry
from gis.webhooks.lines import Claim, LineBusy, settle, take
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.sending import Outcome
from gis.webhooks.subscriptions import remove_webhook
from tests.telling import (  # noqa: F401 - a fixture
    FAST,
    FOUND,
    NOW,
    begin,
    end_leases,
    history,
    rows,
    subscribe,
    town_,
)


def test_who_was_asleep_for_too_long_changes_nothing(town: Engine) -> None:
    subscribe(town, "http://127.0.0.1:9/")
    history(town, 0, ("verify",))
    chance = random.Random(1)
    with transaction(town) as conn:
        (slow,) = take(conn, 8, {}, 60)
        assert take(conn, 8, {}, 60) == []
    end_leases(town)
    with transaction(town) as conn:
        (quick,) = take(conn, 8, {}, 60)
    assert (slow.message, slow.claim + 1) == (quick.message, quick.claim)
    with transaction(town) as conn:
        assert settle(conn, slow, Outcome(500, "answered 500"), FAST, 60, chance) is None
    with transaction(town) as conn:
        following = settle(conn, quick, Outcome(204), FAST, 60, chance)
        assert following is not None
        assert following.message != quick.message
    assert rows(town, "deliveries WHERE attempts > 0") == 1
    with transaction(town) as conn:  # what is delivered stays delivered
        assert settle(conn, slow, Outcome(500, "answered 500"), FAST, 60, chance) is None
    assert rows(town, "deliveries WHERE state = 'delivered'") == 1
    assert rows(town, "delivery_lines") == 1


def test_a_line_that_is_being_added_to_is_busy(town: Engine) -> None:
    subscribe(town, "http://127.0.0.1:9/")
    case_id = begin(town, 0)
    with transaction(town) as conn:
        (claim,) = take(conn, 8, {}, 60)
    with town.connect() as adding:
        record(adding, case_id, Move("verify", "centre", FOUND + timedelta(minutes=2)), NOW)
        with pytest.raises(LineBusy), transaction(town) as conn:
            settle(conn, claim, Outcome(204), FAST, 60, random.Random(1))
        assert rows(town, "deliveries WHERE attempts > 0") == 0
        adding.rollback()
    with transaction(town) as conn:
        assert settle(conn, claim, Outcome(204), FAST, 60, random.Random(1)) is None
    assert rows(town, "delivery_lines") == 0


def test_a_line_that_somebody_holds_is_not_brought_forward(town: Engine) -> None:
    """When a receiver is back, what waits for it is due at once, but not what is just on its way."""
    subscribe(town, "http://127.0.0.1:9/")
    for number in (0, 1, 2):
        begin(town, number)
    chance = random.Random(1)

    def settled(claim: Claim, outcome: Outcome) -> None:
        with transaction(town) as conn:
            assert settle(conn, claim, outcome, RetryPlan(first_s=60), 60, chance) is None

    with transaction(town) as conn:
        first, second, third = take(conn, 8, {}, 60)
    settled(first, Outcome(None, "away"))
    settled(second, Outcome(None, "away"))
    settled(third, Outcome(503, "away"))
    with transaction(town) as conn:
        assert take(conn, 8, {}, 60) == []
        conn.execute(text("UPDATE webhooks SET paused_until = now()"))
        conn.execute(text("UPDATE delivery_lines SET next_at = now() WHERE subject_id < 3"))
    with transaction(town) as conn:
        held = take(conn, 2, {}, 60) + take(conn, 2, {}, 60)  # one at a time while nobody is there
    assert [claim.subject_id for claim in held] == [1, 2]
    settled(held[0], Outcome(204))
    with transaction(town) as conn:
        assert [claim.subject_id for claim in take(conn, 8, {}, 60)] == [3]


def test_telling_again_goes_before_what_is_on_its_way(town: Engine) -> None:
    hook = subscribe(town, "http://127.0.0.1:9/")
    history(town, 0, ("verify", "accept"))
    chance = random.Random(1)
    strict = RetryPlan(first_s=60, attempts=1)
    with transaction(town) as conn:
        (claim,) = take(conn, 8, {}, 60)
        assert settle(conn, claim, Outcome(500, "answered 500"), strict, 60, chance) is None
    end_leases(town)
    with transaction(town) as conn:
        (second,) = take(conn, 8, {}, 60)
        assert second.outbox_id > claim.outbox_id
        assert retry(conn, hook["id"]) == 1
    with transaction(town) as conn:
        (again,) = take(conn, 8, {}, 60)
        assert again.message == claim.message
        assert settle(conn, second, Outcome(204), strict, 60, chance) is None  # taken, but the line is not its any more
    with transaction(town) as conn:
        third = settle(conn, again, Outcome(204), strict, 60, chance)
        assert third is not None
        assert third.outbox_id > second.outbox_id
        assert settle(conn, third, Outcome(204), strict, 60, chance) is None
    assert rows(town, "delivery_lines") == 0


def test_what_was_given_up_is_not_made_pending_by_who_was_asleep(town: Engine) -> None:
    subscribe(town, "http://127.0.0.1:9/")
    begin(town, 0)
    chance = random.Random(1)
    with transaction(town) as conn:
        (slow,) = take(conn, 8, {}, 60)
    end_leases(town)
    with transaction(town) as conn:
        (quick,) = take(conn, 8, {}, 60)
        assert settle(conn, quick, Outcome(500, "answered 500"), RetryPlan(attempts=1), 60, chance) is None
    assert rows(town, "deliveries WHERE state = 'given_up'") == 1
    with transaction(town) as conn:
        assert settle(conn, slow, Outcome(500, "answered 500"), RetryPlan(attempts=9), 60, chance) is None
    assert rows(town, "deliveries WHERE state = 'given_up'") == 1
    with transaction(town) as conn:
        assert settle(conn, slow, Outcome(204), RetryPlan(attempts=9), 60, chance) is None
    assert rows(town, "deliveries WHERE state = 'delivered'") == 1
    assert rows(town, "delivery_lines") == 0


@contextlib.contextmanager
def meanwhile(*works: Callable[[], None]) -> Iterator[None]:
    """Each work again and again in a thread of its own; fails where one of them does."""
    done = threading.Event()
    problems: list[Exception] = []

    def repeat(work: Callable[[], None]) -> None:
        try:
            while not done.is_set():
                work()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not problems


def tell_in_vain(engine: Engine, status: int) -> int:
    """Take what is due, and settle it as not taken; answers how many."""
    plan = RetryPlan(first_s=0, attempts=10**6, longest_pause_s=0)
    with transaction(engine) as conn:
        claims = take(conn, 8, {}, 60)
    settled = 0
    for claim in claims:
        with contextlib.suppress(LineBusy), transaction(engine) as conn:
            settle(conn, claim, Outcome(status, f"answered {status}"), plan, 60, random.Random(1))
            settled += 1
    return settled


def test_telling_again_and_settling_do_not_stop_each_other(town: Engine) -> None:
    """Both write the delivery and its line; whoever took them in another order would end in a deadlock."""
    hook = subscribe(town, "http://127.0.0.1:9/")
    begin(town, 0)
    with town.connect() as conn:
        outbox_id = conn.execute(text("SELECT id FROM outbox")).scalar_one()

    def again() -> None:
        with transaction(town) as conn:
            retry(conn, hook["id"], outbox_id)

    settled, end = 0, time.monotonic() + 3
    with meanwhile(again):
        while time.monotonic() < end:
            settled += tell_in_vain(town, 500)
    assert settled > 5


def test_removing_a_webhook_stops_nobody(town: Engine) -> None:
    """State changes and couriers go on while webhooks come and go."""
    ids = [begin(town, number) for number in range(3)]
    own = create_database_engine(town.url.render_as_string(hide_password=False), pool_size=5)
    add = text(
        "INSERT INTO case_events (case_id, number, move, state, at, actor) SELECT :case, max(number) + 1, 'arrive',"
        " 'reported', now(), 'a' FROM case_events WHERE case_id = :case RETURNING number"
    )

    def change(case_id: int) -> None:
        with transaction(own) as conn:
            for _ in range(2):
                announce(conn, case_id, conn.execute(add, {"case": case_id}).scalar_one())

    removed, end = 0, time.monotonic() + 5
    with meanwhile(*[partial(change, case_id) for case_id in ids], lambda: tell_in_vain(own, 503) and None):
        while time.monotonic() < end:
            hook = subscribe(town, "http://127.0.0.1:9/")
            time.sleep(0.05)
            with transaction(town) as conn:
                remove_webhook(conn, hook["id"])
            removed += 1
    own.dispose()
    assert removed > 5
    assert rows(town, "delivery_lines") == 0
