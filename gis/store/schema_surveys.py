"""Tables of the survey of all roads 道路普查: patrol passes, their tracks, and what they covered in each period."""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE

from gis.store.schema import code_column, metadata, one_of

PATROL_KINDS = ("rows", "tracks")

surveyors = Table(
    "surveyors",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code_column("ref"),
    UniqueConstraint("ref"),
    comment="Who goes on patrol, by the number that the city gives",
)

patrol_imports = Table(
    "patrol_imports",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("file_sha256", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False, comment="rows: segment by segment; tracks: matched to segments"),
    Column("crs", Text, comment="null: segments were named, there are no coordinates"),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("finished_at", DateTime(timezone=True)),
    Column("read", BigInteger, nullable=False, server_default="0", comment="rows, or fixes of tracks"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("duplicate", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False, server_default="0"),
    Column("tracks", Integer, nullable=False, server_default="0"),
    Column("passes", BigInteger, nullable=False, server_default="0"),
    Column("segments", Integer, nullable=False, server_default="0", comment="that got a pass"),
    Column("track_m", Double, comment="length of the accepted tracks without their gaps; null: rows"),
    Column("matched_m", Double, comment="of it along a road segment"),
    one_of("kind", PATROL_KINDS),
    CheckConstraint("accepted + duplicate + rejected = read", name="adds_up"),
    comment="One row per file of patrol passes, or single pass, taken in",
)

patrol_rejects = Table(
    "patrol_rejects",
    metadata,
    Column("import_id", BigInteger, ForeignKey("patrol_imports.id"), primary_key=True),
    Column("row_number", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("original", Text, nullable=False),
    comment="Rows and fixes that did not go in, as they were",
)

patrol_tracks = Table(
    "patrol_tracks",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("import_id", BigInteger, ForeignKey("patrol_imports.id"), nullable=False),
    Column("surveyor_id", Integer, ForeignKey("surveyors.id"), nullable=False),
    Column(
        "sha256", LargeBinary, nullable=False, comment="of surveyor, times and positions: the same track again is known"
    ),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column(
        "geom",
        Geometry("LINESTRINGM", srid=4326, dimension=3, spatial_index=False),
        nullable=False,
        comment="M: seconds since 1970 UTC; kept so that it can be matched anew when roads change",
    ),
    UniqueConstraint("sha256"),
    CheckConstraint("started_at <= ended_at", name="forward"),
    comment="GPS tracks of patrols, as they were accepted",
)

patrol_passes = Table(
    "patrol_passes",
    metadata,
    Column("segment_id", Integer, ForeignKey("road_segments.id"), primary_key=True, autoincrement=False),
    Column("passed_at", DateTime(timezone=True), primary_key=True),
    Column("surveyor_id", Integer, ForeignKey("surveyors.id"), primary_key=True, autoincrement=False),
    Column(
        "from_dm", Integer, primary_key=True, autoincrement=False, comment="decimetres from the segment's beginning"
    ),
    Column("to_dm", Integer, comment="null: to its end"),
    Column("day", Date, nullable=False, comment="of passed_at in the city's time zone"),
    Column("import_id", BigInteger, ForeignKey("patrol_imports.id"), nullable=False),
    Column("track_id", BigInteger, ForeignKey("patrol_tracks.id"), comment="null: the row named the segment"),
    CheckConstraint("from_dm >= 0 AND (to_dm IS NULL OR to_dm > from_dm)", name="forward"),
    Index("ix_patrol_passes_day", "day"),
    Index("ix_patrol_passes_track_id", "track_id"),
    comment="Patrol passes 巡查: who went along which part of a segment, and when",
)

survey_periods = Table(
    "survey_periods",
    metadata,
    Column("first", Date, primary_key=True, comment="first day of the ten-day period"),
    Column("segment_id", Integer, ForeignKey("road_segments.id"), primary_key=True, autoincrement=False),
    Column(
        "covered",
        INT4MULTIRANGE,
        nullable=False,
        comment="union of all passes, decimetres from the segment's beginning; open: to its end",
    ),
    Column("passes", Integer, nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("NOT isempty(covered)", name="covers_something"),
    Index("ix_survey_periods_segment_id", "segment_id", "first"),
    comment="Roll-up: what the passes of a ten-day period covered of each segment",
)
