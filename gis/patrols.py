"""Importing patrol passes 巡查: rows that name segments, or tracks that are matched to them, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from gis.city import read_city
from gis.errors import CityError, ParameterError
from gis.patrol_files import PatrolFile
from gis.patrol_fixes import MAX_REF, FixJudge, GoodFixes, judge_fixes
from gis.patrol_rows import RowJudge, segments_by_code, whole_passes
from gis.patrol_tracks import LONELY, by_rules, keep_tracks, load_network, tracks_of
from gis.patrol_writer import Passes, surveyor_ids, write_passes
from gis.policies import policy_by_day
from gis.readers.declared import choose_crs
from gis.report_files import Reject
from gis.report_rejects import RejectsFile, store_rejects
from gis.reports import city_bounds, file_digest
from gis.store.database import bump_version, own_surveys, share_ground
from gis.store.schema import road_segments
from gis.store.schema_surveys import patrol_imports

Progress = Callable[[int], None]
SUMS = ("read", "accepted", "duplicate", "rejected", "tracks", "passes", "segments", "track_m", "matched_m")
LEAST_MATCHED = 0.2
"""Where less of a file's tracks runs along roads, something is wrong with it."""


@dataclass(frozen=True)
class PatrolOrder:
    """What is to be imported and how it is to be understood.

    Parameters
    ----------
    surveyor
        Of rows and tracks that name none.
    crs
        CRS or datum of the coordinates; None: what the file declares. Rows that name segments need none.
    rejects
        Where rejected rows go as CSV; None: nowhere but the database.
    shown_name
        What the file is called; None: its own name.
    """

    file: PatrolFile
    surveyor: str | None = None
    crs: str | None = None
    rejects: Path | None = None
    time_format: str | None = None
    shown_name: str | None = None


@dataclass
class PatrolSummary:
    """What became of a file; accepted + duplicate + rejected = read.

    Parameters
    ----------
    kind
        rows: each names a segment; tracks: `read` and its parts count fixes.
    tracks
        New ones, a surveyor's day each; 0 for rows.
    passes, segments
        New passes, and on how many segments.
    track_m, matched_m
        Length of the new tracks without their gaps, and of it along a segment; None for rows.
    """

    import_id: int
    kind: str
    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    tracks: int = 0
    passes: int = 0
    segments: int = 0
    track_m: float | None = None
    matched_m: float | None = None
    warnings: list[str] = field(default_factory=list)
    rejects_file: str | None = None
    first_rejects: list[Reject] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


def import_patrols(
    conn: Connection, order: PatrolOrder, now: datetime, progress: Progress | None = None
) -> PatrolSummary:
    """Import a file of patrol passes.

    Sending a file twice counts nothing twice: a row is known by segment, time and surveyor, a track by surveyor, times
    and positions; and all of an import is one transaction. Imports wait for each other.

    Parameters
    ----------
    now
        Aware; passes after it are refused.
    progress
        Called with the number of rows, or fixes, after each part of the file.

    Raises
    ------
    InputError
        The file, its columns or the CRS cannot be used, or the city has no roads yet; nothing was changed.
    """
    share_ground(conn)
    own_surveys(conn)
    city = read_city(conn)
    need_roads(conn)
    surveyor = checked_surveyor(order.surveyor)
    is_rows = order.file.names_segments()
    crs = None if is_rows else choose_crs(order.file.path, order.crs, order.file.declared_crs())
    name = order.shown_name or order.file.path.name
    summary = open_import(conn, name, file_digest(order.file.path), crs.name if crs else None)
    with RejectsFile(order.rejects) as rejects:
        work = _Import(conn, order.file, summary, rejects, progress or (lambda _: None))
        if crs is None:
            work.rows(RowJudge(segments_by_code(conn), city.time_zone, surveyor, now, order.time_format))
        else:
            judge = FixJudge(city.time_zone, crs, city_bounds(conn), surveyor, now, order.time_format)
            work.tracks(judge)
        summary.rejected, summary.first_rejects = rejects.count, rejects.first
        close_import(conn, summary)
        rejects.keep()
    summary.rejects_file = str(rejects.path) if rejects.path is not None and rejects.count else None
    return summary


@dataclass(frozen=True)
class _Import:
    """One import under way."""

    conn: Connection
    file: PatrolFile
    summary: PatrolSummary
    rejects: RejectsFile
    progress: Progress

    def rows(self, judge: RowJudge) -> None:
        """Take in rows that name segments."""
        touched: set[int] = set()
        for chunk in self.file.chunks():
            good, rejects = judge.judge(chunk)
            self.refuse(rejects)
            passes = whole_passes(self.conn, good, self.summary.import_id)
            new, _ = write_passes(self.conn, passes)
            touched |= set(passes.segment_id.tolist()) if new else set()
            self.summary.accepted += new
            self.summary.duplicate += len(passes) - new
            self.progress(len(chunk) + len(chunk.malformed))
        self.summary.passes, self.summary.segments = self.summary.accepted, len(touched)

    def tracks(self, judge: FixJudge) -> None:
        """Take in tracks, each matched by the policy of its day."""
        parts = []
        for fixes in self.file.fixes():
            good, rejects = judge_fixes(fixes, judge)
            self.refuse(rejects)
            parts.append(good)
            self.progress(len(fixes) + len(fixes.malformed))
        fixes_of_all = GoodFixes.joined(parts)
        ids = surveyor_ids(self.conn, fixes_of_all.surveyor.to_pylist())
        tracks, names, lonely = tracks_of(fixes_of_all, ids)
        self.refuse([fixes_of_all.reject(int(at), LONELY) for at in np.sort(lonely)])
        kept = keep_tracks(self.conn, self.summary.import_id, tracks, names)
        new = [tracks[at] for at in kept]
        summary = self.summary
        summary.tracks, summary.accepted = len(new), sum(map(len, new))
        summary.duplicate = sum(map(len, tracks)) - summary.accepted
        track_m = matched_m = summary.track_m = summary.matched_m = 0.0
        if not new:
            return
        track_ids, passes = list(kept.values()), []
        for rules, chosen in by_rules(new, policy_by_day(self.conn)).items():
            network, own = load_network(self.conn, rules), [new[at] for at in chosen]
            matched = network.match(own)
            track_m, matched_m = track_m + matched.track_m, matched_m + matched.matched_m
            own_ids = [track_ids[at] for at in chosen]
            passes.append(network.passes(matched, own, own_ids, [summary.import_id] * len(own)))
        summary.track_m, summary.matched_m = round(track_m, 1), round(matched_m, 1)
        summary.passes, summary.segments = write_passes(self.conn, Passes.joined(passes))
        if summary.matched_m < LEAST_MATCHED * summary.track_m:
            summary.warnings.append(
                f"only {summary.matched_m:,.0f} m of {summary.track_m:,.0f} m run along roads: is the datum right?"
            )

    def refuse(self, rejects: list[Reject]) -> None:
        """Keep rejects in the file and in the database."""
        self.rejects.add(rejects)
        store_rejects(self.conn, self.summary.import_id, rejects, "patrol_rejects")


def need_roads(conn: Connection) -> None:
    """Refuse passes where there is nothing to pass.

    Raises
    ------
    CityError
        The city has no roads.
    """
    if conn.execute(select(road_segments.c.id).limit(1)).first() is None:
        msg = "this city has no roads yet, so no pass would belong to any: load roads first"
        raise CityError(msg)


def checked_surveyor(surveyor: str | None) -> str | None:
    """The surveyor that is said for all rows.

    Raises
    ------
    ParameterError
        It cannot be a reference.
    """
    ref = (surveyor or "").strip()
    if len(ref.encode()) > MAX_REF or "\0" in ref:
        raise ParameterError("surveyor", f"a reference of at most {MAX_REF} bytes, without a null character")
    return ref or None


def open_import(conn: Connection, name: str, sha256: bytes, crs: str | None) -> PatrolSummary:
    """Begin an import; a CRS means that it holds tracks."""
    kind = "rows" if crs is None else "tracks"
    values = {"file_name": name, "file_sha256": sha256, "kind": kind, "crs": crs}
    added = insert(patrol_imports).values(**values).returning(patrol_imports.c.id)
    return PatrolSummary(conn.execute(added).scalar_one(), kind)


def close_import(conn: Connection, summary: PatrolSummary) -> None:
    """Write the sums of an import."""
    summary.read = summary.accepted + summary.duplicate + summary.rejected
    sums = {name: getattr(summary, name) for name in SUMS}
    done = update(patrol_imports).where(patrol_imports.c.id == summary.import_id)
    conn.execute(done.values(**sums, finished_at=func.clock_timestamp()))
    bump_version(conn, "surveys")
