"""Tables of evidence: engineering measures 工程措施, facilities, media reports, satisfaction surveys."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import DATERANGE

from gis.store.schema import code_column, geometry, metadata, one_of

TONES = ("positive", "exposure")

media_reports = Table(
    "media_reports",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    code_column("ref"),
    Column("day", Date, nullable=False, comment="on which it was printed or broadcast"),
    Column("outlet", Text, nullable=False, comment="newspaper, station or site"),
    Column("title", Text, nullable=False),
    Column("url", Text, comment="a link, never fetched"),
    Column("tone", Text, nullable=False),
    code_column("incident", nullable=True),
    Column("area_id", Integer, ForeignKey("areas.id"), comment="street or district; null: not said"),
    Column("category_id", SmallInteger, ForeignKey("categories.id")),
    Column("source_id", SmallInteger, comment="with source_ref: the stored report of the same problem"),
    Column("source_ref", String(collation="C")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("ref"),
    ForeignKeyConstraint(["source_id", "source_ref"], ["reports.source_id", "reports.source_ref"]),
    one_of("tone", TONES),
    CheckConstraint("tone <> 'exposure' OR incident IS NOT NULL", name="exposure_has_incident"),
    CheckConstraint("num_nonnulls(source_id, source_ref) IN (0, 2)", name="report_whole"),
    CheckConstraint("ref <> '' AND outlet <> '' AND title <> '' AND incident <> ''", name="named"),
    Index("ix_media_reports_day", "day"),
    Index("ix_media_reports_incident", "incident", postgresql_where=text("tone = 'exposure'")),
    comment="What the media printed about the city's order: praise, and exposures 媒体曝光 that deduct by incident",
)

satisfaction = Table(
    "satisfaction",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    code_column("survey"),
    Column("day", Date, nullable=False, comment="the last day on which people were asked"),
    Column("area_id", Integer, ForeignKey("areas.id"), comment="null: the whole city"),
    Column("respondents", Integer, nullable=False),
    Column("satisfied_share", Numeric(7, 6), comment="of the respondents"),
    Column("score", Numeric(5, 2), comment="mean, of 100"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("survey", "day", "area_id", postgresql_nulls_not_distinct=True),
    CheckConstraint("respondents > 0", name="somebody_answered"),
    CheckConstraint("satisfied_share BETWEEN 0 AND 1", name="share_in_range"),
    CheckConstraint("score BETWEEN 0 AND 100", name="score_in_range"),
    CheckConstraint("num_nonnulls(satisfied_share, score) > 0", name="says_something"),
    CheckConstraint("survey <> ''", name="named"),
    Index("ix_satisfaction_day", "day"),
    comment="Satisfaction surveys 满意度调查: how many of those asked were satisfied",
)

facilities = Table(
    "facilities",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code_column(),
    code_column("kind"),
    Column("name", Text, nullable=False),
    Column("capacity", Integer, comment="spaces, seats, ...; null: not counted in any"),
    Column("valid", DATERANGE, nullable=False, comment="first day there included, first day no longer excluded"),
    Column("area_id", Integer, ForeignKey("areas.id"), comment="null: the area that its point lies in, if any"),
    Column("geom", geometry("POINT"), nullable=False, comment="where it is; of an outline, a point on it"),
    Column("outline", geometry("MULTIPOLYGON"), comment="null: only a point is known"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("code"),
    CheckConstraint("code <> '' AND kind <> '' AND name <> ''", name="named"),
    CheckConstraint("capacity >= 0", name="capacity_counts"),
    CheckConstraint("NOT isempty(valid) AND NOT lower_inf(valid)", name="valid_has_beginning"),
    Index("ix_facilities_geom", "geom", postgresql_using="gist"),
    comment="Facilities 设施: parking places with their spaces, public toilets, ..., and when they were there",
)

measures = Table(
    "measures",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code_column("ref"),
    code_column("kind"),
    Column("name", Text, nullable=False),
    Column("valid", DATERANGE, nullable=False, comment="first day in place included, first day no longer excluded"),
    Column("begun", Date, comment="first day of the works; null: the day it was in place"),
    Column("cost_yuan", BigInteger, comment="null: not known"),
    Column("geom", geometry("GEOMETRY"), nullable=False, comment="points, lines or polygons, as drawn"),
    Column(
        "length_m",
        Numeric(12, 3),
        Computed("round(ST_Length(geom::geography)::numeric, 3)", persisted=True),
        nullable=False,
        comment="of lines, else 0",
    ),
    Column(
        "area_m2",
        Numeric(14, 2),
        Computed("round(ST_Area(geom::geography)::numeric, 2)", persisted=True),
        nullable=False,
        comment="of polygons, else 0",
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("ref"),
    CheckConstraint("ref <> '' AND kind <> '' AND name <> ''", name="named"),
    CheckConstraint("cost_yuan >= 0", name="cost_counts"),
    CheckConstraint("NOT isempty(valid) AND NOT lower_inf(valid)", name="valid_has_beginning"),
    CheckConstraint("begun <= lower(valid)", name="begun_before_in_place"),
    CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid"),
    CheckConstraint(
        "GeometryType(geom) IN ('POINT', 'MULTIPOINT', 'MULTILINESTRING', 'MULTIPOLYGON')", name="geom_of_one_kind"
    ),
    Index("ix_measures_geom", "geom", postgresql_using="gist"),
    Index("ix_measures_kind", "kind"),
    comment="Engineering measures 工程措施 (barriers, pocket greens, ...): where, since when, at what cost",
)
