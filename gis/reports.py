"""Importing problem reports 问题上报: read, judged, placed, keyed, rolled up, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from gis.city import City
from gis.errors import CityError, FileError, ParameterError
from gis.geometry.datum import SourceCrs
from gis.ground import load_ground
from gis.locator import Placement, load_locator
from gis.policies import city_policy
from gis.readers.declared import choose_crs
from gis.report_files import Reject, ReportFile
from gis.report_rejects import RejectsFile, store_rejects
from gis.report_rows import AMBIGUOUS, Bounds, Judge, Verdict, judge_rows
from gis.report_writer import ReportWriter, check_keys_again
from gis.shared_positions import SharedPosition, flag_positions, shared_positions_of_import
from gis.store.database import bump_version, own_source, share_ground
from gis.store.schema import SOURCE_KINDS, areas, categories, import_days, imports, sources

Progress = Callable[[int], None]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class ImportSummary:
    """What became of a file; accepted + duplicate + rejected = read, in_cells + outside + no_position = accepted."""

    import_id: int
    read: int
    accepted: int
    duplicate: int
    rejected: int
    in_cells: int
    outside: int
    no_position: int
    shared_positions: list[SharedPosition] = field(default_factory=list)
    rejects_file: str | None = None
    first_rejects: list[Reject] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ImportOrder:
    """What is to be imported and how it is to be understood.

    Parameters
    ----------
    source
        Name of the source; part of each report's identity.
    source_kind
        patrol, supervision_centre, citizen, media, leader_note or sensor; None: the source's own where it is known or
        its name is a kind, else refused.
    crs
        CRS or datum of the coordinates; None: what the file declares.
    rejects
        Where rejected rows go as CSV; None: nowhere but the database.
    """

    file: ReportFile
    source: str
    source_kind: str | None = None
    crs: str | None = None
    rejects: Path | None = None
    keep_unlocated: bool = False
    time_format: str | None = None
    shown_name: str | None = None


def import_reports(conn: Connection, order: ImportOrder, progress: Progress | None = None) -> ImportSummary:
    """Import a file of reports.

    Sending a file twice, or again after a crash, counts nothing twice: identity is (source, source_ref), and all of an
    import is one transaction. Imports of one source wait for each other. While the database writes a chunk, the next
    one is read, judged and placed.

    Parameters
    ----------
    progress
        Called with the number of rows after each chunk.

    Raises
    ------
    InputError
        The file, its columns, the CRS or the source cannot be used, or the city has no categories yet; nothing was
        changed.
    """
    share_ground(conn)
    crs = choose_crs(order.file.path, order.crs, order.file.declared_crs())
    ground = load_ground(conn)
    _need_categories(conn)
    locator = load_locator(conn, ground, city_policy(conn, datetime.now(UTC).date()))
    import_id = conn.execute(
        insert(imports)
        .values(
            file_name=order.shown_name or order.file.path.name, file_sha256=file_digest(order.file.path), crs=crs.name
        )
        .returning(imports.c.id)
    ).scalar_one()
    writer = ReportWriter(conn, ground, import_id)
    reject_days: list[int | None] = []
    with RejectsFile(order.rejects) as rejects, ThreadPoolExecutor(1, "report-writer") as database:
        waiting: list[Future[None]] = []

        def settle() -> None:
            while waiting:
                waiting.pop().result()

        judge = _judge(conn, order, ground.city, crs, settle)
        for chunk in order.file.chunks():
            verdict = judge_rows(chunk, judge)
            placement = locator.place(verdict.good.lon, verdict.good.lat)
            settle()
            waiting.append(database.submit(_store, conn, import_id, writer, verdict, placement))
            rejects.add(verdict.rejects)
            reject_days += verdict.reject_days
            if progress:
                progress(len(chunk) + len(chunk.malformed))
        settle()
        writer.finish()
        summary = close_import(conn, import_id, writer, rejects, reject_days)
        rejects.keep()
    return summary


def _store(conn: Connection, import_id: int, writer: ReportWriter, verdict: Verdict, placement: Placement) -> None:
    writer.write(verdict.good, placement)
    store_rejects(conn, import_id, verdict.rejects)


def _need_categories(conn: Connection) -> None:
    """Refuse a file of which every row would be rejected."""
    if conn.execute(select(categories.c.id).limit(1)).first() is None:
        msg = "this city has no categories yet, so every report would be rejected: load categories first"
        raise CityError(msg)


def _judge(conn: Connection, order: ImportOrder, city: City, crs: SourceCrs, settle: Callable[[], None]) -> Judge:
    known: dict[str, int] = {}

    def source_id(name: str) -> int:
        if name not in known:
            settle()  # the connection is the writing thread's while a chunk is under way
            known[name] = ensure_source(conn, name, order.source_kind)
            own_source(conn, known[name])
        return known[name]

    return Judge(
        zone=city.time_zone,
        crs=crs,
        bounds=city_bounds(conn),
        categories=category_spellings(conn),
        source_id=source_id,
        default_source=source_id(order.source),
        keep_unlocated=order.keep_unlocated,
        time_format=order.time_format,
    )


def ensure_source(conn: Connection, name: str, kind: str | None) -> int:
    """Id of a source, made where it is new.

    Raises
    ------
    ParameterError
        The name is empty, or new with no kind said and no kind's name itself, or known with another kind.
    """
    name = name.strip()
    if not name or "\0" in name:
        msg = "a source needs a name"
        raise ParameterError("source", msg)
    if kind is not None and kind not in SOURCE_KINDS:
        msg = f"{kind!r} is not one of {', '.join(SOURCE_KINDS)}"
        raise ParameterError("--source-kind", msg)
    wanted = kind or (name if name in SOURCE_KINDS else None)
    row = conn.execute(select(sources.c.id, sources.c.kind).where(sources.c.name == name)).first()
    if row is None:
        if wanted is None:
            msg = f"{name!r} is new: say what kind it is, one of {', '.join(SOURCE_KINDS)}"
            raise ParameterError("--source-kind", msg)
        conn.execute(insert(sources).values(name=name, kind=wanted).on_conflict_do_nothing())
        row = conn.execute(select(sources.c.id, sources.c.kind).where(sources.c.name == name)).one()
    if kind is not None and row.kind != kind:
        msg = f"{name!r} is known as {row.kind}, not {kind}"
        raise ParameterError("--source-kind", msg)
    return int(row.id)


def category_spellings(conn: Connection) -> dict[str, int]:
    """What a report may write for a category -> its id: code or either name, also as kind:..., AMBIGUOUS where shared.

    A code beats a name, so that a name that looks like another entry's code does no harm.
    """
    spellings: dict[str, int] = {}
    rows = conn.execute(select(categories)).mappings().all()
    for keys in (("code",), ("name", "name_en")):
        level: dict[str, int] = {}
        for row in rows:
            for spelling in {form for key in keys for form in (row[key], f"{row['kind']}:{row[key]}")}:
                level[spelling] = AMBIGUOUS if level.get(spelling, row["id"]) != row["id"] else row["id"]
        spellings = {**level, **spellings}
    return spellings


def city_bounds(conn: Connection) -> Bounds | None:
    """West, south, east, north of all areas in WGS 84 degrees; None where there are none yet."""
    extent = func.ST_Extent(areas.c.geom)
    row = conn.execute(
        select(*(side(extent) for side in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)))
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file.

    Raises
    ------
    FileError
        It is not there or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as problem:
        msg = f"{path}: cannot be read: {problem.strerror}"
        raise FileError(msg) from problem


def close_import(
    conn: Connection, import_id: int, writer: ReportWriter, rejects: RejectsFile, reject_days: list[int | None]
) -> ImportSummary:
    """Write the sums of an import and give them back."""
    check_keys_again(conn)
    done = writer.written
    shared = shared_positions_of_import(conn, done.positions, import_id, city_policy(conn, datetime.now(UTC).date()))
    sums = {
        "read": done.accepted + done.duplicate + rejects.count,
        "accepted": done.accepted,
        "duplicate": done.duplicate,
        "rejected": rejects.count,
        "in_cells": done.in_cells,
        "outside": done.outside,
        "no_position": done.no_position,
    }
    conn.execute(
        update(imports)
        .where(imports.c.id == import_id)
        .values(**sums, shared_positions=[asdict(place) for place in shared], finished_at=func.clock_timestamp())
    )
    days: dict[int | None, list[int]] = {day: [*counts, 0] for day, counts in done.days.items()}
    for day in reject_days:
        days.setdefault(day, [0, 0, 0])[2] += 1
    if days:
        conn.execute(
            insert(import_days),
            [
                {
                    "import_id": import_id,
                    "day": None if day is None else EPOCH + timedelta(days=day),
                    "accepted": accepted,
                    "duplicate": duplicate,
                    "rejected": rejected,
                }
                for day, (accepted, duplicate, rejected) in days.items()
            ],
        )
    flag_positions(conn, shared)
    bump_version(conn, "imports", *(["reports"] if done.accepted else []))
    kept = str(rejects.path) if rejects.path is not None and rejects.count else None
    return ImportSummary(import_id, **sums, shared_positions=shared, rejects_file=kept, first_rejects=rejects.first)
