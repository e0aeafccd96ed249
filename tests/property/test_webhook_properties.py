"""The queue of webhooks under random sequences of events, answers, deaths, late sleepers and retries.

After every step: whoever is handed an event of a case has nothing earlier of it left to tell, nobody else holds the
case, and whatever is pending stands in a line. In the end everything was told or given up, and nothing else was.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine, text

from gis.store.database import transaction
from gis.webhooks import announce
from gis.webhooks.deliveries import retry
from gis.webhooks.lines import Claim, settle, take
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.sending import Outcome
from tests.telling import begin, subscribe, town_  # noqa: F401 - a fixture

PLAN = RetryPlan(first_s=600, attempts=2)
LEASE_S = 600.0
CASES = 3
ANSWERS = {"taken": 204, "refused": 500, "busy": 503, "nobody": None}

WEIGHTS = {"event": 8, "undone": 1, "take": 8, "answer": 10, "wake": 3, "die": 1, "oversleep": 3, "wait": 6, "retry": 2}
STEPS, WALKS = 120, 8


@dataclass
class Walk:
    """The queue, and who holds what as the walk knows it."""

    engine: Engine
    ids: list[int]
    webhook_id: int
    chance: random.Random
    held: list[Claim] = field(default_factory=list)
    asleep: list[Claim] = field(default_factory=list)

    def step(self) -> None:
        """One thing that may happen."""
        (name,) = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        getattr(self, name)()

    def event(self, *, undone: bool = False) -> None:
        case_id = self.chance.choice(self.ids)
        with self.engine.connect() as conn:
            number = conn.execute(
                text(
                    "INSERT INTO case_events (case_id, number, move, state, at, actor) SELECT :case, max(number) + 1,"
                    " 'arrive', 'reported', now(), 'a' FROM case_events WHERE case_id = :case RETURNING number"
                ),
                {"case": case_id},
            ).scalar_one()
            announce(conn, case_id, number)
            if not undone:
                conn.commit()

    def undone(self) -> None:
        self.event(undone=True)

    def take(self) -> None:
        """As a courier does that holds nothing else: there are several."""
        with transaction(self.engine) as conn:
            claims = take(conn, self.chance.randint(1, 3), {}, LEASE_S)
        for claim in claims:
            self.handed(claim)
            self.held.append(claim)

    def handed(self, claim: Claim) -> None:
        assert claim.subject_id not in {one.subject_id for one in self.held}, "two hold one case"
        earlier = text(
            "SELECT count(*) FROM deliveries d JOIN outbox o ON o.id = d.outbox_id WHERE d.state = 'pending'"
            " AND o.subject_id = :case AND o.id < :id"
        )
        with self.engine.connect() as conn:
            left = conn.execute(earlier, {"case": claim.subject_id, "id": claim.outbox_id}).scalar()
        assert left == 0 or not claim.pending, "an earlier event of the case is not told yet"

    def answer(self) -> None:
        """An answer to whoever holds a line."""
        self.answered(self.held, self.chance.choice(("taken", "taken", "refused", "busy", "nobody")))

    def wake(self) -> None:
        """An answer to somebody whose lease has ended."""
        self.answered(self.asleep, self.chance.choice(("taken", "refused", "nobody")))

    def answered(self, holders: list[Claim], kind: str) -> None:
        if not holders:
            return
        claim = holders.pop(self.chance.randrange(len(holders)))
        status = ANSWERS[kind]
        outcome = Outcome(status, None if status == 204 else "no") if claim.pending else None
        with transaction(self.engine) as conn:
            following = settle(conn, claim, outcome, PLAN, LEASE_S, self.chance)
        if following is not None:
            self.handed(following)
            self.held.append(following)

    def die(self) -> None:
        """A worker is gone, and its lease ends."""
        if self.held:
            self.lease_ends(self.held.pop(self.chance.randrange(len(self.held))))

    def oversleep(self) -> None:
        """A worker's lease ends while it waits for an answer that still comes."""
        if self.held:
            claim = self.held.pop(self.chance.randrange(len(self.held)))
            self.lease_ends(claim)
            self.asleep.append(claim)

    def lease_ends(self, claim: Claim) -> None:
        with transaction(self.engine) as conn:
            conn.execute(
                text("UPDATE delivery_lines SET next_at = now() WHERE subject_id = :case AND claim = :claim"),
                {"case": claim.subject_id, "claim": claim.claim},
            )

    def wait(self) -> None:
        """All waits pass, but no lease."""
        with transaction(self.engine) as conn:
            conn.execute(text("UPDATE webhooks SET paused_until = NULL"))
            conn.execute(
                text("UPDATE delivery_lines SET next_at = now() WHERE NOT (subject_id = ANY (:held))"),
                {"held": [claim.subject_id for claim in self.held]},
            )

    def retry(self) -> None:
        with transaction(self.engine) as conn:
            retry(conn, self.webhook_id)
        # Whoever holds a line that is told again has lost it.
        claims = text("SELECT claim FROM delivery_lines WHERE subject_id = :case")
        with self.engine.connect() as conn:
            lost = [one for one in self.held if conn.execute(claims, {"case": one.subject_id}).scalar() != one.claim]
        self.held = [one for one in self.held if one not in lost]
        self.asleep += lost

    def nothing_is_left_behind(self) -> None:
        stray = text(
            "SELECT count(*) FROM deliveries d JOIN outbox o ON o.id = d.outbox_id LEFT JOIN delivery_lines l"
            " ON l.webhook_id = d.webhook_id AND l.subject = o.subject AND l.subject_id = o.subject_id"
            " WHERE d.state = 'pending' AND (l.front IS NULL OR l.front > o.id)"
        )
        with self.engine.connect() as conn:
            assert conn.execute(stray).scalar() == 0

    def to_the_end(self) -> None:
        while self.held:
            self.die()
        for _ in range(100):
            self.wait()
            self.take()
            if not self.held:
                break
            while self.held:
                self.answered(self.held, "taken")
        with self.engine.connect() as conn:
            states = dict(conn.execute(text("SELECT state, count(*) FROM deliveries GROUP BY state")).all())
            assert conn.execute(text("SELECT count(*) FROM delivery_lines")).scalar() == 0
            events = conn.execute(text("SELECT count(*) FROM outbox")).scalar()
        assert set(states) <= {"delivered", "given_up"}
        assert sum(states.values()) == events > STEPS / 10


@pytest.fixture
def walking(town: Engine) -> tuple[Engine, list[int]]:
    return town, [begin(town, number) for number in range(CASES)]


def test_whatever_happens_the_order_is_kept_and_nothing_is_lost(walking: tuple[Engine, list[int]]) -> None:
    engine, ids = walking
    for seed in range(WALKS):
        with transaction(engine) as conn:
            conn.execute(text("TRUNCATE webhooks, outbox, deliveries, delivery_lines"))
        webhook_id = subscribe(engine, "http://127.0.0.1:9/")["id"]
        queue = Walk(engine, ids, webhook_id, random.Random(seed))
        for _ in range(STEPS):
            queue.step()
            queue.nothing_is_left_behind()
        queue.to_the_end()
