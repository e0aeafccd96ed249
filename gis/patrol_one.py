"""One patrol pass over a whole segment, judged as a row of a file would be."""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, select

from gis.city import read_city
from gis.errors import InputError
from gis.patrol_rows import RETIRED, RowJudge, whole_passes
from gis.patrol_writer import write_passes
from gis.patrols import PatrolSummary, close_import, need_roads, open_import
from gis.report_files import Chunk
from gis.store.database import own_surveys, share_ground
from gis.store.schema import road_segments

FILE_NAME = "one pass"
FIELDS = ("segment", "time", "surveyor")


def add_pass(conn: Connection, segment: str, time: str, surveyor: str, now: datetime) -> PatrolSummary:
    """Take in one pass.

    Parameters
    ----------
    segment
        Code of a road segment.
    time
        ISO 8601; without a zone, the city's own.
    now
        Aware; a pass after it is refused.

    Returns
    -------
    PatrolSummary
        As of a file with one row; `duplicate` is 1 where the pass was known already.

    Raises
    ------
    InputError
        An import would reject the row; nothing was changed.
    """
    share_ground(conn)
    own_surveys(conn)
    city = read_city(conn)
    need_roads(conn)
    values = (segment, time, surveyor)
    batch = pa.RecordBatch.from_arrays([pa.array([value], pa.string()) for value in values], names=list(FIELDS))
    chunk = Chunk(batch, np.array([1]), {name: name for name in FIELDS})
    columns = road_segments.c.id, road_segments.c.retired_at
    code = segment.strip().replace("\0", "")  # which no code holds, and PostgreSQL cannot be asked about
    found = conn.execute(select(*columns).where(road_segments.c.code == code)).first()
    known = {} if found is None else {code: found.id if found.retired_at is None else RETIRED}
    good, rejects = RowJudge(known, city.time_zone, None, now).judge(chunk)
    if rejects:
        raise InputError(rejects[0].reason)
    digest = hashlib.sha256("\0".join(values).encode()).digest()
    summary = open_import(conn, FILE_NAME, digest, None)
    summary.accepted, summary.segments = write_passes(conn, whole_passes(conn, good, summary.import_id))
    summary.duplicate, summary.passes = 1 - summary.accepted, summary.accepted
    close_import(conn, summary)
    return summary
