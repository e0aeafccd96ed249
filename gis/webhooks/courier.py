"""The courier: takes lines that are due, tells them, many at once, one event of a case after the other.

It runs in a thread of each server process, or in a command. HTTP is asynchronous, so that one thread waits for many
receivers; the database is asked in between, for a millisecond at a time, over one connection.
"""

from __future__ import annotations

import asyncio
import logging
import random
from asyncio import FIRST_COMPLETED
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from gis.errors import FinegridError
from gis.settings import Settings
from gis.store.database import transaction
from gis.webhooks.addresses import AllowedHosts
from gis.webhooks.announcing import anybody_listens
from gis.webhooks.lines import Claim, LineBusy, forget, give_back, settle, take
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.sending import AT_ONCE, Outcome, Sender
from gis.webhooks.signing import signed_headers

LEASE_MARGIN_S = 30.0
"""How much longer a lease lasts than the longest attempt: for the database, and for a machine that is busy."""
IDLE_POLL_S = 2.0
"""How often is asked whether there is a webhook at all."""
GATHER_S = 0.01
"""After one attempt is done, others may be as well: what is due next is asked for once for all of them."""
BUSY_LINE_S = 0.05
DATABASE_AWAY_S = 2.0
FORGET_EVERY = timedelta(hours=1)

logger = logging.getLogger(__name__)


@dataclass
class Courier:
    """Tells webhooks what is due.

    Parameters
    ----------
    engine
        The city's database; one connection at a time.
    allowed
        Hosts that may be told.
    timeout_s
        Longest time of one attempt in seconds.
    keep
        How long what is done with is kept.
    chance
        Spreads the waits.
    clock
        The time, aware; for signatures and for what is forgotten.
    poll_s
        How often is asked for what is due, in seconds: so long after its commit a change is told at the latest.
    note
        Called with the kind of every outcome, to count them.
    """

    engine: Engine
    allowed: AllowedHosts
    plan: RetryPlan = field(default_factory=RetryPlan)
    timeout_s: float = 15.0
    keep: timedelta = timedelta(days=30)
    chance: random.Random = field(default_factory=random.SystemRandom)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    poll_s: float = 0.5
    note: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._held: dict[asyncio.Task[None], Claim] = {}
        self._forgotten_at: datetime | None = None
        self._listening = False

    @classmethod
    def of(cls, engine: Engine, chosen: Settings, note: Callable[[str], None] | None = None) -> Courier:
        """As the settings want it."""
        return cls(
            engine,
            AllowedHosts.from_text(chosen.webhook_hosts),
            RetryPlan(attempts=chosen.webhook_attempts),
            chosen.webhook_timeout_s,
            timedelta(days=chosen.webhook_keep_days),
            note=note,
        )

    @property
    def lease_s(self) -> float:
        """Seconds after which another may take over a line."""
        return self.timeout_s + LEASE_MARGIN_S

    async def once(self) -> None:
        """Tell what is due now and whatever comes up meanwhile; what has to wait is not waited for.

        Raises
        ------
        ClusterError
            The database went away.
        """
        sender = Sender(self.allowed, self.timeout_s)
        try:
            while self._begin(sender) or self._held:
                done, _ = await asyncio.wait(self._held, return_when=FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            await self._end(sender, grace_s=0.0)

    async def run(self, stopped: asyncio.Event, grace_s: float = 3.0) -> None:
        """Go on until told to stop; a database that went away is waited for.

        Parameters
        ----------
        grace_s
            Seconds for attempts under way when it stops; what is not done then is left to others.
        """
        sender = Sender(self.allowed, self.timeout_s)
        stopping = asyncio.create_task(stopped.wait())
        reachable = True
        try:
            while not stopped.is_set():
                try:
                    self._begin(sender)
                    self._forget_old()
                    reachable, wait_s = True, self.poll_s if self._listening else IDLE_POLL_S
                except FinegridError as problem:
                    if reachable:
                        logger.warning("webhooks wait for the database: %s", problem)
                    reachable, wait_s = False, DATABASE_AWAY_S
                under_way = [*self._held] if reachable else []
                done, _ = await asyncio.wait([stopping, *under_way], timeout=wait_s, return_when=FIRST_COMPLETED)
                if done and not stopped.is_set():
                    await asyncio.sleep(GATHER_S)
        finally:
            stopping.cancel()
            await self._end(sender, grace_s)

    def _begin(self, sender: Sender) -> int:
        """Take what is due, as far as there is room, and begin to tell it; answers how many lines."""
        room = AT_ONCE - len(self._held)
        if room <= 0:
            return 0
        with transaction(self.engine) as conn:
            self._listening = anybody_listens(conn)
            if not self._listening:
                return 0
            taken = Counter(claim.webhook_id for claim in self._held.values())
            claims = take(conn, room, taken, self.lease_s)
        for claim in claims:
            task = asyncio.create_task(self._tell_line(sender, claim))
            self._held[task] = claim
            task.add_done_callback(self._let_go)
        return len(claims)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task, None)
        if not task.cancelled() and (problem := task.exception()) is not None:
            # The lease ends by itself, and the event is told again.
            logger.warning("a line of webhooks was left as it is: %s", problem)

    async def _tell_line(self, sender: Sender, claim: Claim | None) -> None:
        """Tell a line to its end, or until something has to wait."""
        while claim is not None:
            outcome = await self._attempt(sender, claim) if claim.pending else None
            claim = await self._settled(claim, outcome)

    async def _attempt(self, sender: Sender, claim: Claim) -> Outcome:
        now = self.clock()
        outcome = await sender.send(
            claim.url, signed_headers(claim.keys, claim.message, now, claim.body), claim.body, now
        )
        self.counts[outcome.kind] += 1
        if self.note is not None:
            self.note(outcome.kind)
        if outcome.kind == "gone":
            logger.warning("webhook %d wants no more (410); it is stopped", claim.webhook_id)
        elif outcome.kind != "delivered" and claim.attempts + 1 >= self.plan.attempts:
            self.counts["given_up"] += 1
            logger.warning(
                "webhook %d: %s is given up after %d attempts: %s",
                claim.webhook_id,
                claim.message,
                claim.attempts + 1,
                outcome.error,
            )
        return outcome

    async def _settled(self, claim: Claim, outcome: Outcome | None) -> Claim | None:
        """What to tell next; waits while a transaction is adding to the line, as long as the lease lasts."""
        patience = self.lease_s
        while True:
            try:
                with transaction(self.engine) as conn:
                    return settle(conn, claim, outcome, self.plan, self.lease_s, self.chance)
            except LineBusy:
                patience -= BUSY_LINE_S
                if patience <= 0:
                    return None
                await asyncio.sleep(BUSY_LINE_S)

    def _forget_old(self) -> None:
        now = self.clock()
        if self._forgotten_at is not None and now - self._forgotten_at < FORGET_EVERY:
            return
        with transaction(self.engine) as conn:
            full = forget(conn, now - self.keep)
        if not full:
            self._forgotten_at = now

    async def _end(self, sender: Sender, grace_s: float) -> None:
        """Let attempts under way come to their end, give back the rest."""
        held = dict(self._held)
        if held:
            _, late = await asyncio.wait(held, timeout=grace_s) if grace_s else (set(), set(held))
            for task in late:
                task.cancel()
            await asyncio.gather(*held, return_exceptions=True)
            for task in late:
                self._give_back(held[task])
        await sender.close()

    def _give_back(self, claim: Claim) -> None:
        try:
            with transaction(self.engine) as conn:
                give_back(conn, claim)
        except FinegridError as problem:
            logger.warning("a line of webhooks waits for its lease to end: %s", problem)
