"""The queue of webhooks, step by step: who holds a line, who has lost it, what follows."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from gis.cases import Move, record
from gis.store.database import transaction
from gis.webhooks.deliveries import retry
from gis.webhooks.lines import Claim, LineBusy, settle, take
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.sending import Outcome
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
