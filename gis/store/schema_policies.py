"""Policy numbers that a city overrides, dated: every file that was loaded, and what it said."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    String,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.schema import metadata

policy_loads = Table(
    "policy_loads",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("loaded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("loaded_by", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("document", Text, nullable=False, comment="the file as it was"),
    Column("sha256", Text, nullable=False, comment="over the canonical text of what it overrides"),
    CheckConstraint("btrim(loaded_by) <> ''", name="loaded_by_somebody"),
    comment="The city's policy files; the newest holds, the others are the history",
)

policy_overrides = Table(
    "policy_overrides",
    metadata,
    Column("load_id", Integer, ForeignKey("policy_loads.id"), primary_key=True),
    Column("effective", Date, primary_key=True, comment="from this day of the city on"),
    Column("name", String(collation="C"), primary_key=True, comment="a field of gis.rules.policy.Policy"),
    Column("value", JSONB(none_as_null=True), comment="null: back to the rule book"),
    Column("reason", Text, nullable=False),
    comment="What a policy file overrides",
)
