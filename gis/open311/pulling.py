"""Pulling service requests from another Open311 server: resumable, nothing twice.

Requests are taken in by the rules of an import: identity is (source, service_request_id), each batch is one transaction
and one row in the log of imports, and the cursor moves in that same transaction. Killed at any instant, the next pull
goes on behind the last batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from gis.city import City
from gis.errors import ParameterError, RemoteError
from gis.geometry.datum import SourceCrs
from gis.ground import load_ground
from gis.live import LAYERS
from gis.locator import Locator, load_locator
from gis.open311.cursor import Series, advance, begin, finish
from gis.open311.incoming import Incoming, check_categories
from gis.open311.reading import Row
from gis.open311.remote import Remote
from gis.open311.taking import SOURCE_KIND
from gis.open311.windows import Slice, Walk
from gis.policies import city_policy
from gis.report_rejects import RejectsFile, store_rejects
from gis.report_rows import GoodRows, Judge
from gis.report_writer import ReportWriter
from gis.reports import category_spellings, city_bounds, close_import, ensure_source
from gis.store.database import bump_version, own_source, share_ground, versions
from gis.store.schema import imports, sources
from gis.store.schema_open311 import open311_requests

BATCH_ROWS = 500
BATCH_SLICES = 50
"""Whichever comes first ends a batch: little is lost where a pull is killed, and little time goes into commits."""
Transactions = Callable[[], AbstractContextManager[Connection]]
Progress = Callable[[datetime, int], None]


@dataclass(frozen=True)
class PullOrder:
    """What is to be pulled and how it is to be understood.

    Parameters
    ----------
    source, source_kind
        As for an import; a new source is of kind citizen where nobody says.
    categories
        Service code or name there -> category here.
    services
        Only these codes; none: all.
    since, until
        Aware; None: where the pull before stopped, or 90 days ago; now.
    crs
        What lat and long mean; the specification knows WGS 84 only.
    restart
        Walk from `since` again, though the cursor is further.
    """

    source: str
    source_kind: str | None
    crs: SourceCrs
    categories: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    jurisdiction: str = ""
    since: datetime | None = None
    until: datetime | None = None
    keep_unlocated: bool = False
    restart: bool = False


@dataclass
class PullSummary:
    """What a pull brought; accepted + duplicate + rejected = read.

    Parameters
    ----------
    asked
        Questions to the other server, repeated ones too.
    cut
        Seconds with as many requests as the server ever gave at once: further ones cannot be reached.
    unknown_services
        Services that are no category here: code, name, requests; most frequent first.
    """

    since: datetime
    reached: datetime
    asked: int = 0
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    in_cells: int = 0
    outside: int = 0
    no_position: int = 0
    cut: int = 0
    unknown_services: list[dict[str, Any]] = field(default_factory=list)
    rejects_file: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


SUMS = ("read", "accepted", "duplicate", "rejected", "in_cells", "outside", "no_position")


class Pull:
    """One pull; the ground and its indexes stay in memory between batches as long as nobody changes them."""

    def __init__(
        self, transactions: Transactions, remote: Remote, order: PullOrder, rejects: RejectsFile, now: datetime
    ) -> None:
        self._transactions, self._remote, self._order = transactions, remote, order
        self._rejects, self._now = rejects, now
        self._incoming = Incoming(order.categories)
        self._locator: tuple[tuple[int, ...], Locator] | None = None
        self._waiting: list[Slice] = []
        self.start = now

    def run(self, progress: Progress | None = None) -> PullSummary:
        """Pull everything up to the end.

        Parameters
        ----------
        progress
            Called with the instant reached and the requests since the call before.

        Raises
        ------
        RemoteError
            The other server does not answer any more. What came before is in; the next pull goes on behind it.
        ParameterError
            A category or the source cannot be.
        """
        until = self._order.until or self._now
        with self._transactions() as conn:
            source_id = self._source(conn)
            check_categories(self._order.categories, category_spellings(conn))
            services = ",".join(sorted(self._order.services))
            series = Series(self._remote.address, self._order.jurisdiction, services, source_id)
            cursor_id, start = begin(conn, series, self._order.since, self._now, restart=self._order.restart)
        self.start, self._summary = start, PullSummary(start, start)
        walk = Walk(lambda at, to, paging: self._remote.requests(at, to, self._order.services, paging))
        try:
            for piece in walk.slices(start, until):
                self._waiting.append(piece)
                if progress:
                    progress(piece.end, len(piece.rows))
                if len(self._waiting) >= BATCH_SLICES or sum(len(one.rows) for one in self._waiting) >= BATCH_ROWS:
                    self._store(cursor_id, source_id)
        except RemoteError as problem:
            self._store(cursor_id, source_id)
            done = f"{self._summary.read} requests up to {self._summary.reached.isoformat()} are in"
            msg = f"{problem}\n{done}; run the same command again and it goes on from there"
            raise RemoteError(msg) from problem
        self._store(cursor_id, source_id)
        self._summary.cut = walk.cut
        with self._transactions() as conn:
            finish(conn, cursor_id, self._now)
        return self._summed_up()

    def _source(self, conn: Connection) -> int:
        known = conn.execute(select(sources.c.id).where(sources.c.name == self._order.source.strip())).scalar()
        kind = self._order.source_kind or (SOURCE_KIND if known is None else None)
        return ensure_source(conn, self._order.source, kind)

    def _store(self, cursor_id: int, source_id: int) -> None:
        """Take in what is waiting, in one transaction with the cursor."""
        if not self._waiting:
            return
        rows = [row for piece in self._waiting for row in piece.rows]
        reached = self._waiting[-1].end
        with self._transactions() as conn:
            if rows:
                self._take_in(conn, rows, source_id)
            advance(conn, cursor_id, reached)
        self._summary.reached = reached
        self._waiting = []

    def _take_in(self, conn: Connection, rows: Sequence[Row], source_id: int) -> None:
        share_ground(conn)
        own_source(conn, source_id)
        locator = self._current_locator(conn)
        judge = self._judge(conn, locator.ground.city, source_id)
        verdict = self._incoming.judged(rows, judge)
        sent = hashlib.sha256(orjson.dumps(rows)).digest()
        first, last = self._waiting[0].start.astimezone(UTC), self._waiting[-1].end.astimezone(UTC)
        name = f"{self._remote.address} {first:%Y-%m-%dT%H:%M:%SZ}/{last:%Y-%m-%dT%H:%M:%SZ}"
        opened = insert(imports).values(file_name=name, file_sha256=sent, crs=self._order.crs.name)
        import_id = int(conn.execute(opened.returning(imports.c.id)).scalar_one())
        writer = ReportWriter(conn, locator.ground, import_id)
        writer.write(verdict.good, locator.place(verdict.good.lon, verdict.good.lat))
        writer.finish()
        store_rejects(conn, import_id, verdict.rejects)
        counted = RejectsFile(None)
        counted.add(verdict.rejects)
        self._rejects.add(verdict.rejects)
        summary = close_import(conn, import_id, writer, counted, verdict.reject_days)
        self._keep_places(conn, rows, verdict.good, source_id)
        for part in SUMS:
            setattr(self._summary, part, getattr(self._summary, part) + getattr(summary, part))

    def _judge(self, conn: Connection, city: City, source_id: int) -> Judge:
        return Judge(
            zone=city.time_zone,
            crs=self._order.crs,
            bounds=city_bounds(conn),
            categories=category_spellings(conn),
            source_id=lambda _: source_id,
            default_source=source_id,
            keep_unlocated=self._order.keep_unlocated,
        )

    def _current_locator(self, conn: Connection) -> Locator:
        seen = versions(conn)
        version = tuple(seen.get(layer, 0) for layer in LAYERS)
        if self._locator is None or self._locator[0] != version:
            self._locator = version, load_locator(conn, load_ground(conn), city_policy(conn, datetime.now(UTC).date()))
        return self._locator[1]

    def _keep_places(self, conn: Connection, rows: Sequence[Row], good: GoodRows, source_id: int) -> None:
        """Address and link of each request that is in, where there is one; what is known stays."""
        names = {"address": "address", "address_id": "address_id", "media_url": "media_url"}
        found = []
        for number, ref in zip(good.rows.tolist(), good.source_ref.to_pylist(), strict=True):
            row = rows[number - 1]
            values = {mine: row.get(theirs, "").replace("\0", "") or None for mine, theirs in names.items()}
            if any(values.values()):
                found.append({"source_id": source_id, "source_ref": ref, **values})
        if found:
            conn.execute(insert(open311_requests).on_conflict_do_nothing(), found)
            bump_version(conn, "open311")

    def _summed_up(self) -> PullSummary:
        self._summary.asked = self._remote.asked
        self._summary.unknown_services = [
            {"service_code": code, "service_name": name, "requests": count}
            for (code, name), count in self._incoming.unknown.most_common()
        ]
        if self._rejects.path is not None and self._rejects.count:
            self._summary.rejects_file = str(self._rejects.path)
        return self._summary


def checked_window(since: datetime | None, until: datetime | None) -> None:
    """See that a window goes forward.

    Raises
    ------
    ParameterError
        It does not.
    """
    if since is not None and until is not None and until <= since:
        msg = f"{until.isoformat()} is not after --from {since.isoformat()}"
        raise ParameterError("--to", msg)
