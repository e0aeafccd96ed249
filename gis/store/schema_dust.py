"""Dust by weight 以克论净: frames, draws, what was revealed of them, weighing points and results; all append-only.

No seed is kept here before it is revealed: whoever can read the database, a copy of it or a backup must not learn
where the brooms will be weighed.
"""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from gis.store.schema import ROAD_CLASSES, code_column, metadata, one_of

HEX_64 = "~ '^[0-9a-f]{64}$'"

dust_frames = Table(
    "dust_frames",
    metadata,
    Column("sha256", Text, primary_key=True, comment="over the text"),
    Column("roads", Integer, nullable=False),
    Column("length_mm", BigInteger, nullable=False, comment="of all its roads, geodesic"),
    Column("lines", LargeBinary, nullable=False, comment="the text, zlib: a line of JSON per road, by code"),
    CheckConstraint(f"sha256 {HEX_64}", name="digest"),
    comment="Frames of dust draws: all roads as they were; one row for all draws of the same roads",
)

dust_draws = Table(
    "dust_draws",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("period", String(collation="C"), nullable=False, comment="ten-day period such as 2016-06-T1"),
    Column("first_day", Date, nullable=False),
    Column("after_day", Date, nullable=False, comment="the first day that is not of the period"),
    Column("roads", Integer, nullable=False, comment="to be drawn"),
    Column("points", SmallInteger, nullable=False, comment="per road"),
    Column("policy_effective", Date, nullable=False),
    Column("frame_sha256", Text, ForeignKey("dust_frames.sha256"), nullable=False),
    Column("seed_sha256", Text, nullable=False, comment="over the seed's 64 hexadecimal digits"),
    Column("public_source", Text, comment="what public value will be mixed in; null: none"),
    Column("commitment_sha256", Text, nullable=False, comment="over all that is fixed; to be published elsewhere, too"),
    Column("committed_at", DateTime(timezone=True), nullable=False),
    Column("committed_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("period"),
    CheckConstraint(f"seed_sha256 {HEX_64} AND commitment_sha256 {HEX_64}", name="digests"),
    CheckConstraint("roads > 0 AND points > 0", name="something_drawn"),
    CheckConstraint("first_day < after_day", name="period_not_empty"),
    CheckConstraint("committed_by <> ''", name="somebody_did_it"),
    comment="Dust draws: what was fixed before the period began",
)

dust_reveals = Table(
    "dust_reveals",
    metadata,
    Column("draw_id", BigInteger, ForeignKey("dust_draws.id"), primary_key=True, autoincrement=False),
    Column("seed", Text, nullable=False, comment="64 hexadecimal digits"),
    Column("public_value", Text, comment="mixed in; null: none was announced"),
    Column("revealed_at", DateTime(timezone=True), nullable=False),
    Column("revealed_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint(f"seed {HEX_64}", name="seed_form"),
    CheckConstraint("revealed_by <> ''", name="somebody_did_it"),
    comment="The seed of each draw, from the first day of its period on",
)

dust_roads = Table(
    "dust_roads",
    metadata,
    Column("draw_id", BigInteger, ForeignKey("dust_reveals.draw_id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... in the order of the draw"),
    Column("segment_id", Integer, ForeignKey("road_segments.id"), nullable=False),
    code_column(),
    Column("name", Text, nullable=False, comment="as it was called then"),
    Column("class", Text, nullable=False, comment="of the frame"),
    Column("length_mm", BigInteger, nullable=False),
    UniqueConstraint("draw_id", "segment_id"),
    one_of("class", ROAD_CLASSES),
    comment="Roads that were drawn",
)

dust_points = Table(
    "dust_points",
    metadata,
    Column("draw_id", BigInteger, primary_key=True, autoincrement=False),
    Column("road", Integer, primary_key=True, autoincrement=False, comment="number of the road in the draw"),
    Column("point", SmallInteger, primary_key=True, autoincrement=False, comment="1, 2, 3 ... along the road"),
    Column("at_mm", BigInteger, nullable=False, comment="from the beginning of the segment"),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False, comment="to 1e-7 degrees"),
    ForeignKeyConstraint(["draw_id", "road"], ["dust_roads.draw_id", "dust_roads.number"]),
    Index("ix_dust_points_geom", "geom", postgresql_using="gist"),
    comment="Where dust is weighed",
)

dust_results = Table(
    "dust_results",
    metadata,
    Column("draw_id", BigInteger, primary_key=True, autoincrement=False),
    Column("road", Integer, primary_key=True, autoincrement=False),
    Column("point", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", SmallInteger, primary_key=True, autoincrement=False, comment="1; a correction is the next"),
    Column("g_per_m2", Numeric(7, 3), nullable=False, comment="all that was swept up"),
    Column("weighed_on", Date, nullable=False, comment="day of the city"),
    Column("weighed_by", Text, nullable=False),
    Column("reason", Text, comment="of a correction: what was wrong"),
    Column("file_name", Text, comment="null: sent one by one"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    ForeignKeyConstraint(
        ["draw_id", "road", "point"], ["dust_points.draw_id", "dust_points.road", "dust_points.point"]
    ),
    CheckConstraint("g_per_m2 >= 0", name="weight"),
    CheckConstraint("(revision = 1) = (reason IS NULL)", name="correction_has_reason"),
    CheckConstraint("weighed_by <> ''", name="somebody_did_it"),
    comment="Dust weighed at each point; the highest revision counts",
)
