"""Tables of special operations 专项行动."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE

from gis.store.schema import code_column, geometry, metadata

special_operations = Table(
    "special_operations",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    code_column(),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("valid", TSTZRANGE, nullable=False, comment="its window: first instant included, last excluded"),
    Column("geom", geometry("MULTIPOLYGON"), nullable=False),
    Column(
        "area_km2",
        Numeric(16, 8),
        Computed("round((ST_Area(geom::geography) / 1000000)::numeric, 8)", persisted=True),
        nullable=False,
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("code"),
    CheckConstraint("NOT isempty(valid) AND NOT lower_inf(valid) AND NOT upper_inf(valid)", name="valid_has_both_ends"),
    CheckConstraint("lower_inc(valid) AND NOT upper_inc(valid)", name="valid_half_open"),
    CheckConstraint("ST_IsValid(geom) AND NOT ST_IsEmpty(geom)", name="geom_valid"),
    CheckConstraint("code <> '' AND name <> ''", name="named"),
    Index("ix_special_operations_geom", "geom", postgresql_using="gist"),
    comment="Special operations 专项行动: a polygon and a window whose problems and work can be shown apart",
)
