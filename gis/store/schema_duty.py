"""Tables of duty: hand-overs 交接 as they were ordered; who answers when stands in `responsibilities`."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Identity, Integer, Table, Text, func

from gis.store.schema import code_column, metadata, one_of

SCOPES = ("cell", "cells", "area")
"""What a code names: one cell; every cell of an area; an area itself, whose head is meant, without its cells."""

handovers = Table(
    "handovers",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("scope", Text, nullable=False),
    code_column(),
    Column("person_id", Integer, ForeignKey("persons.id"), nullable=False, comment="who took over"),
    Column("at", DateTime(timezone=True), nullable=False, comment="the last holder's end and the new one's beginning"),
    Column("until", DateTime(timezone=True), comment="first instant no longer; null: open"),
    Column("actor", Text, nullable=False, comment="who ordered it"),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    one_of("scope", SCOPES),
    CheckConstraint('until IS NULL OR until > "at"', name="until_after_at"),
    CheckConstraint("actor <> '' AND reason <> ''", name="somebody_had_a_reason"),
    comment="Hand-overs 交接: who ordered that whom takes over what, and why; the places are in responsibilities",
)
