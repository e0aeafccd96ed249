"""Tables of Open311 GeoReport v2, as server and as client."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from gis.store.schema import metadata

open311_numbers = Sequence("open311_numbers", metadata=metadata)
"""Numbers of the requests that citizens send: short enough to be read out on the telephone."""

open311_requests = Table(
    "open311_requests",
    metadata,
    Column("source_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("source_ref", String(collation="C"), primary_key=True),
    Column("address", Text, comment="where it is, in the words of whoever reports"),
    Column("address_id", Text, comment="the same as a number in a register of addresses"),
    Column("media_url", Text, comment="a link, never fetched"),
    ForeignKeyConstraint(["source_id", "source_ref"], ["reports.source_id", "reports.source_ref"]),
    comment="What a service request says beyond its report; anybody may see it",
)

open311_contacts = Table(
    "open311_contacts",
    metadata,
    Column("source_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("source_ref", String(collation="C"), primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("device_id", Text),
    Column("account_id", Text),
    ForeignKeyConstraint(["source_id", "source_ref"], ["reports.source_id", "reports.source_ref"]),
    CheckConstraint(
        "num_nonnulls(email, phone, first_name, last_name, device_id, account_id) > 0", name="says_something"
    ),
    comment="Who sent a service request: personal data, apart from everything else and in no answer",
)

open311_pulls = Table(
    "open311_pulls",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("endpoint", Text, nullable=False, comment="address of the other server"),
    Column("jurisdiction_id", Text, nullable=False, server_default=""),
    Column(
        "services",
        Text,
        nullable=False,
        server_default="",
        comment="service codes asked for, comma between; empty: all",
    ),
    Column("source_id", SmallInteger, ForeignKey("sources.id"), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False, comment="where pulling began"),
    Column("reached", DateTime(timezone=True), nullable=False, comment="everything from `since` to here is in"),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("finished_at", DateTime(timezone=True), comment="null: under way, or broken off"),
    UniqueConstraint("endpoint", "jurisdiction_id", "services", "source_id"),
    CheckConstraint("since <= reached", name="forward"),
    comment="How far requests were pulled from other Open311 servers",
)
