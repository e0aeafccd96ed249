"""A tiny city with surveyed roads, cases, media reports and repeats: what standings are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from gis.case_opening import open_cases
from gis.cases import Move
from gis.cases import record as record_case
from gis.patrol_one import add_pass
from gis.road_areas import place_segments
from gis.store.database import bump_version

NOW = datetime(2016, 7, 1, tzinfo=UTC)
T1, T2, T3 = "2016-05-T1", "2016-05-T2", "2016-05-T3"


def prepare(conn: Connection) -> None:
    """Roads belong to streets; R1 is surveyed in T1 and T2, R2 in T2 only; some reports are cases, a few media's."""
    place_segments(conn)
    bump_version(conn, "roads")
    for segment, time in (("R1", "2016-05-03T08:00"), ("R1", "2016-05-13T08:00"), ("R2", "2016-05-14T08:00")):
        add_pass(conn, segment, time, "car 7", NOW)
    conn.execute(text("INSERT INTO sources (name, kind) VALUES ('evening news', 'media')"))
    # Media say again what others found, twice on one day and once elsewhere.
    conn.execute(
        text(
            "INSERT INTO reports (source_id, source_ref, category_id, import_id, reported_at, day, cell_id, segment_id,"
            " geom) SELECT (SELECT id FROM sources WHERE kind = 'media'), 'M' || r.source_ref, r.category_id,"
            " r.import_id, r.reported_at + interval '1 minute', r.day, r.cell_id, r.segment_id, r.geom FROM reports r"
            " WHERE r.source_ref IN ('T0011', 'T0014', 'T0037', 'T0047', 'T0101', 'T0102', 'T0103')"
        )
    )
    keys = [
        tuple(row)
        for row in conn.execute(
            text(
                "SELECT s.name, r.source_ref FROM reports r JOIN sources s ON s.id = r.source_id"
                " WHERE r.cell_id IS NOT NULL ORDER BY r.reported_at, s.name, r.source_ref"
            )
        )
    ]
    open_cases(conn, keys[::2], "centre", NOW - timedelta(days=1))
    cases = conn.execute(text("SELECT id, found_at FROM cases WHERE state = 'reported' ORDER BY id")).all()
    for number, case in enumerate(cases):
        if number % 4 == 0:
            at = case.found_at + timedelta(minutes=9 if number % 8 else 11)
            record_case(conn, case.id, Move("arrive", "P", at), NOW)
        if number % 7 == 0:
            record_case(conn, case.id, Move("void", "centre", NOW, "nothing there"), NOW)
