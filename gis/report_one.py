"""Taking in a single report 问题上报 by the rules of an import."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from gis.errors import InputError
from gis.geometry.datum import SourceCrs, parse_crs
from gis.locator import Locator
from gis.report_files import Chunk
from gis.report_reads import find_report, read_report
from gis.report_rejects import RejectsFile
from gis.report_rows import GoodRows, Judge, judge_rows
from gis.report_writer import ReportWriter
from gis.reports import category_spellings, city_bounds, close_import, ensure_source
from gis.store.database import share_ground
from gis.store.schema import imports

FILE_NAME = "POST /reports"
COLUMNS = ("source_ref", "lon", "lat", "reported_at", "category", "category_kind", "description")


@dataclass(frozen=True)
class OneReport:
    """A report as somebody sends it, nothing checked yet.

    Parameters
    ----------
    source, source_ref
        Its identity.
    datum
        What lon and lat mean: wgs84, cgcs2000, gcj02, bd09 or an EPSG code. There is no default: between WGS 84 and
        GCJ-02 lie several cells.
    lon, lat
        As text; empty: unknown.
    reported_at
        ISO 8601; without a zone of its own in the city's.
    category, category_kind
        Code or name as the dictionary spells it; the kind where a code alone is ambiguous.
    source_kind
        Needed where the source is new.
    keep_unlocated
        Take it in without position where lon and lat are empty.
    """

    source: str
    source_ref: str
    datum: str
    lon: str
    lat: str
    reported_at: str
    category: str
    category_kind: str | None = None
    description: str | None = None
    source_kind: str | None = None
    keep_unlocated: bool = False


def add_report(
    conn: Connection, current_locator: Callable[[Connection], Locator], report: OneReport
) -> tuple[dict[str, Any], bool]:
    """Take in one report; sending it again changes nothing.

    Parameters
    ----------
    current_locator
        Gives a locator that is true for a transaction that holds the ground lock.

    Returns
    -------
    tuple
        The report as it is stored, and True where it is new. One that is stored already under the same (source,
        source_ref) stays as it was and is not counted again; two that come at the same moment are told apart by the
        primary key.

    Raises
    ------
    InputError
        The reason why an import would reject the row; nothing was changed.
    """
    crs = parse_crs(report.datum)
    known = find_report(conn, report.source.strip(), report.source_ref.strip())
    if known is not None:
        return known, False
    share_ground(conn)
    locator = current_locator(conn)
    with conn.begin_nested() as attempt:
        good = _judged(conn, report, locator.ground.city.time_zone, crs)
        import_id = _open_import(conn, report, crs)
        writer = ReportWriter(conn, locator.ground, import_id)
        writer.write(good, locator.place(good.lon, good.lat))
        added = writer.written.accepted == 1
        if added:
            writer.finish()
            close_import(conn, import_id, writer, RejectsFile(None), [])
        else:
            attempt.rollback()
    return read_report(conn, report.source.strip(), good.source_ref[0].as_py()), added


def _judged(conn: Connection, report: OneReport, zone: str, crs: SourceCrs) -> GoodRows:
    """The report as the one row of a chunk, judged as any row of a file.

    Raises
    ------
    InputError
        It is rejected; says why.
    """
    source_id = ensure_source(conn, report.source, report.source_kind)
    present = {name: getattr(report, name) for name in COLUMNS if getattr(report, name) is not None}
    batch = pa.RecordBatch.from_pydict({name: pa.array([text], pa.string()) for name, text in present.items()})
    judge = Judge(
        zone=zone,
        crs=crs,
        bounds=city_bounds(conn),
        categories=category_spellings(conn),
        source_id=lambda _: source_id,
        default_source=source_id,
        keep_unlocated=report.keep_unlocated,
    )
    verdict = judge_rows(Chunk(batch, np.ones(1, np.int64), {name: name for name in present}), judge)
    if verdict.rejects:
        raise InputError(verdict.rejects[0].reason)
    return verdict.good


def _open_import(conn: Connection, report: OneReport, crs: SourceCrs) -> int:
    """A row of its own in the log of imports, as every number must be traceable to what was read."""
    digest = hashlib.sha256(orjson.dumps(asdict(report), option=orjson.OPT_SORT_KEYS)).digest()
    row = insert(imports).values(file_name=FILE_NAME, file_sha256=digest, crs=crs.name).returning(imports.c.id)
    return int(conn.execute(row).scalar_one())
