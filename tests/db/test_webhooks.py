"""Webhooks against a real receiver: in order, at least once, signed, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from gis.cases import Move, record
from gis.errors import Conflict
from gis.store.database import transaction
from gis.webhooks.deliveries import list_deliveries, retry
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.subscriptions import change_secret, list_webhooks, read_webhook, remove_webhook, resume_webhook
from tests.receiving import Answer, Received, Receiver, is_signed_by, receiver, wait_until
from tests.telling import (  # noqa: F401 - fixtures
    CASES,
    FAST,
    FOUND,
    NOW,
    STEPS,
    begin,
    courier,
    deliver,
    history,
    move,
    rows,
    run_,
    subscribe,
    told_,
    town_,
)

# -- what is told ------------------------------------------------------------------------------------------------------


def test_a_case_is_told_from_the_first_event_to_the_last(town: Engine, told: Receiver) -> None:
    hook = subscribe(town, told.url)
    case_id = history(town, 0)
    assert deliver(town).counts == {"delivered": 7}
    assert told.numbers() == {case_id: [1, 2, 3, 4, 5, 6, 7]}
    first = told.requests[0]
    assert first.headers["content-type"] == "application/json"
    assert all(is_signed_by(hook["secret"], one) for one in told.requests)
    assert not is_signed_by("whsec_" + "A" * 43 + "=", first)
    assert len({one.message for one in told.requests}) == 7
    assert not any("." in one.message for one in told.requests)
    assert first.data == {
        "case": case_id, "number": 1, "move": "open", "state": "reported", "at": "2016-06-01T00:31:00+00:00",
        "actor": "centre", "reason": None, "task": None, "other": None, "due_at": None, "category": "event:0505",
        "category_name": "机动车乱停", "category_name_en": "cars", "source": "patrol", "source_ref": "r0",
        "department": None, "cell": first.data["cell"], "street_code": "410101001", "street": "410101001",
        "lon": first.data["lon"], "lat": first.data["lat"], "link": f"/cases/{case_id}",
    }  # fmt: skip
    with town.connect() as conn:
        cell = conn.execute(
            text("SELECT c.code, ST_X(r.geom), ST_Y(r.geom) FROM reports r JOIN cells c ON c.id = r.cell_id"
                 " WHERE r.source_ref = 'r0'")
        ).one()  # fmt: skip
    assert (first.data["cell"], first.data["lon"], first.data["lat"]) == tuple(cell)
    assert [one.data["reason"] for one in told.requests[1:]] == ["雨"] * 6
    assert "雨" in told.requests[1].body.decode()
    assert rows(town, "delivery_lines") == 0
    assert deliver(town).counts == {}


def test_nothing_is_written_where_nobody_listens(town: Engine, told: Receiver) -> None:
    history(town, 0)
    hook = subscribe(town, told.url)
    with transaction(town) as conn:
        conn.execute(text("UPDATE webhooks SET stopped_because = 'for the test'"))
    history(town, 1)
    assert (rows(town, "outbox"), rows(town, "deliveries"), rows(town, "delivery_lines")) == (0, 0, 0)
    with transaction(town) as conn:
        resume_webhook(conn, hook["id"])
    history(town, 2)
    assert rows(town, "outbox") == 7


def test_what_is_rolled_back_is_not_told(town: Engine, told: Receiver) -> None:
    subscribe(town, told.url)
    case_id = begin(town, 0)
    with town.connect() as conn:
        record(conn, case_id, Move("verify", "centre", FOUND + timedelta(minutes=2)), NOW)
        assert conn.execute(text("SELECT count(*) FROM outbox")).scalar() == 2
        conn.rollback()
    with pytest.raises(Conflict):
        move(town, case_id, "close")
    deliver(town)
    assert told.numbers() == {case_id: [1]}


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"moves": ("file", "verify")}, {0: [2, 4], 1: [2, 4], 7: [2, 4]}),
        ({"states": ("suspended",)}, {0: [6], 1: [6], 7: [6]}),
        ({"states": ("filed",), "moves": ("resume",)}, {0: [7], 1: [7], 7: [7]}),
        ({"categories": ("chaos:trading",), "moves": ("open",)}, {1: [1], 7: [1]}),
        ({"areas": ("410101002",), "moves": ("open",)}, {7: [1]}),
        ({"areas": ("410101",), "moves": ("open",)}, {0: [1], 1: [1], 7: [1]}),
        ({"areas": ("410101002",), "categories": ("0505",)}, {}),
    ],
)
def test_only_what_is_wanted_is_told(town: Engine, told: Receiver, wanted: dict, numbers: dict) -> None:
    subscribe(town, told.url, **wanted)
    ids = {number: history(town, number) for number in (0, 1, 7)}
    deliver(town)
    assert told.numbers() == {ids[number]: events for number, events in numbers.items()}
    assert rows(town, "outbox") == len(told.requests)


def test_two_webhooks_hear_the_same_message_under_their_own_secrets(town: Engine, told: Receiver) -> None:
    with receiver() as other:
        hooks = subscribe(town, told.url), subscribe(town, other.url)
        history(town, 0)
        deliver(town)
        assert [one.message for one in told.requests] == [one.message for one in other.requests]
        assert [one.body for one in told.requests] == [one.body for one in other.requests]
        assert is_signed_by(hooks[0]["secret"], told.requests[0])
        assert is_signed_by(hooks[1]["secret"], other.requests[0])
        assert not is_signed_by(hooks[1]["secret"], told.requests[0])


def test_links_begin_with_the_public_address(town: Engine, told: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINEGRID_PUBLIC_URL", "https://grid.city.cn/")
    subscribe(town, told.url)
    case_id = begin(town, 0)
    deliver(town)
    assert told.requests[0].data["link"] == f"https://grid.city.cn/cases/{case_id}"


def test_an_old_secret_signs_for_a_day(town: Engine, told: Receiver) -> None:
    hook = subscribe(town, told.url)
    case_id = begin(town, 0)
    with transaction(town) as conn:
        fresh = change_secret(conn, hook["id"], None, datetime.now(UTC))
    deliver(town)
    assert is_signed_by(hook["secret"], told.requests[0])
    assert is_signed_by(fresh, told.requests[0])
    with transaction(town) as conn:
        conn.execute(text("UPDATE webhooks SET old_until = now()"))
    move(town, case_id, "verify")
    deliver(town)
    assert not is_signed_by(hook["secret"], told.requests[1])
    assert is_signed_by(fresh, told.requests[1])


# -- what fails --------------------------------------------------------------------------------------------------------


def fail_twice(kind: Answer) -> Callable[[Received], Answer]:
    """Every message is refused twice, then taken."""
    seen: dict[str, int] = {}

    def decide(one: Received) -> Answer:
        seen[one.message] = seen.get(one.message, 0) + 1
        return 204 if seen[one.message] > 2 else kind

    return decide


@pytest.mark.parametrize("kind", [500, 400, 302, 404, 503, 429, None])
def test_order_is_kept_through_failures(town: Engine, told: Receiver, run: Callable, kind: Answer) -> None:
    told.decide = fail_twice((302, {"location": "http://127.0.0.1:1/"}) if kind == 302 else kind)
    subscribe(town, told.url)
    ids = [history(town, number, STEPS[:2]) for number in range(3)]
    run(courier(town))
    told.wait_for(9)
    assert told.numbers() == {case_id: [1, 2, 3] for case_id in ids}
    for case_id in ids:  # the second event was not even tried before the first was taken
        of_case = [one.data["number"] for one in told.requests if one.data["case"] == case_id]
        assert of_case == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    by_message = {
        one.message: {other.body for other in told.requests if other.message == one.message} for one in told.requests
    }
    assert len(by_message) == 9
    assert all(len(bodies) == 1 for bodies in by_message.values())
    wait_until(lambda: rows(town, "delivery_lines") == 0)


def test_one_refused_case_holds_up_no_other(town: Engine, told: Receiver) -> None:
    subscribe(town, told.url)
    stuck, *others = [history(town, number, ("verify",)) for number in range(4)]
    told.decide = lambda one: 500 if one.data["case"] == stuck else 204
    slow = RetryPlan(first_s=60, attempts=3)
    deliver(town, slow)
    assert told.numbers() == {case_id: [1, 2] for case_id in others}
    assert len([one for one in told.requests if one.data["case"] == stuck]) == 1
    deliver(town, slow)
    assert len(told.requests) == 7


def test_a_receiver_that_is_away_is_left_alone_as_a_whole_and_told_all_when_it_is_back(
    town: Engine, told: Receiver
) -> None:
    hook = subscribe(town, told.url)
    ids = [history(town, number, STEPS[:1]) for number in range(CASES)]
    told.decide = lambda _: 503
    slow = RetryPlan(first_s=600, longest_pause_s=600)
    assert deliver(town, slow).counts == {"away": 8}  # the first go; nobody is asked in the pause
    assert deliver(town, slow).counts == {}
    with town.connect() as conn:
        shown = read_webhook(conn, hook["id"])
    assert (shown["away"], shown["pending"], shown["active"]) == (True, 2 * CASES, True)

    def pause_ends() -> None:
        with transaction(town) as conn:
            conn.execute(text("UPDATE webhooks SET paused_until = now()"))

    pause_ends()
    assert deliver(town, slow).counts == {"away": 1}  # one asks for all
    told.decide = lambda _: 204
    pause_ends()
    assert deliver(town, slow).counts == {"delivered": 2 * CASES}
    assert told.numbers() == {case_id: [1, 2] for case_id in ids}
    with town.connect() as conn:
        assert read_webhook(conn, hook["id"])["away"] is False


def test_retry_after_is_obeyed(town: Engine, told: Receiver) -> None:
    hook = subscribe(town, told.url)
    begin(town, 0)
    told.decide = lambda _: (503, {"retry-after": "600"})
    deliver(town)
    with town.connect() as conn:
        paused = read_webhook(conn, hook["id"])["paused_until"] - datetime.now(UTC)
        again = list_deliveries(conn, hook["id"])[0]["next_at"] - datetime.now(UTC)
    assert timedelta(seconds=540) < paused < timedelta(seconds=601)
    assert timedelta(seconds=540) < again < timedelta(seconds=601)


def test_what_is_given_up_is_listed_and_can_be_told_again(town: Engine, told: Receiver, run: Callable) -> None:
    hook = subscribe(town, told.url)
    case_id = history(town, 0, ("verify", "accept"))
    told.decide = lambda one: 422 if one.data["number"] == 2 else 204
    running = run(courier(town))
    told.wait_for(2)
    running.stop()
    assert told.numbers() == {case_id: [1, 3]}
    assert len([one for one in told.requests if one.data["number"] == 2]) == FAST.attempts
    with town.connect() as conn:
        (failed,) = list_deliveries(conn, hook["id"], "given_up")
        assert (failed["number"], failed["attempts"], failed["last_status"]) == (2, FAST.attempts, 422)
        assert failed["last_error"] == "answered 422"
        assert [one["state"] for one in list_deliveries(conn, hook["id"])] == ["delivered", "given_up", "delivered"]
        assert list_webhooks(conn)[0]["given_up"] == 1
    told.decide = lambda _: 204
    with transaction(town) as conn:
        assert retry(conn, hook["id"]) == 1
    deliver(town)
    assert told.numbers() == {case_id: [1, 3, 2]}
    with transaction(town) as conn:
        assert retry(conn, hook["id"]) == 0
        with pytest.raises(Conflict, match=r"took delivery .* already"):
            retry(conn, hook["id"], failed["id"])


def test_gone_means_never_again(town: Engine, told: Receiver) -> None:
    hook = subscribe(town, told.url)
    case_id = history(town, 0)
    told.decide = lambda _: 410
    deliver(town)
    history(town, 1)
    deliver(town)
    assert len(told.requests) == 1
    with town.connect() as conn:
        shown = read_webhook(conn, hook["id"])
    assert shown["active"] is False
    assert "410 Gone" in shown["stopped_because"]
    with transaction(town) as conn:
        with pytest.raises(Conflict, match="is stopped; resume it first"):
            retry(conn, hook["id"])
        resume_webhook(conn, hook["id"])
    told.decide = lambda _: 204
    with transaction(town) as conn:
        conn.execute(text("UPDATE delivery_lines SET next_at = now()"))
    deliver(town)
    assert told.numbers() == {case_id: [1, 2, 3, 4, 5, 6, 7]}  # nothing of what happened while it was stopped


def test_a_removed_webhook_hears_nothing_more(town: Engine, told: Receiver) -> None:
    hook = subscribe(town, told.url)
    history(town, 0)
    with transaction(town) as conn:
        remove_webhook(conn, hook["id"])
    deliver(town)
    assert told.requests == []
    assert (rows(town, "deliveries"), rows(town, "delivery_lines")) == (0, 0)
