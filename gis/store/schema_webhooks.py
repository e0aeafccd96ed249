"""Tables of webhooks: who is told of state changes, what there is to tell, and what was told to whom.

The queue is these tables: a row of `delivery_lines` stands for all that one webhook still has to hear about one case,
in order; whoever delivers takes such rows with SKIP LOCKED. A library's queue was measured and is slower by orders of
magnitude where it matters, with a receiver that is away (docs/architecture.md).
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from gis.store.schema import metadata, one_of

SUBJECTS = ("case", "listing")
DELIVERY_STATES = ("pending", "delivered", "given_up")

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False, comment="whsec_ and base64; shown once, when it is made"),
    Column("old_secret", Text, comment="the one before, which signs as well for a while"),
    Column("old_until", DateTime(timezone=True), comment="until then"),
    Column("moves", ARRAY(Text), comment="null: all"),
    Column("states", ARRAY(Text), comment="after the move; null: all"),
    Column("category_ids", ARRAY(SmallInteger), comment="null: all"),
    Column("area_ids", ARRAY(Integer), comment="streets and districts; null: everywhere"),
    Column("stopped_because", Text, comment="null: active"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("failures", Integer, nullable=False, server_default="0", comment="times in a row that nobody was there"),
    Column("paused_until", DateTime(timezone=True), comment="nothing is sent before"),
    CheckConstraint("(old_secret IS NULL) = (old_until IS NULL)", name="old_secret_ends"),
    CheckConstraint("failures >= 0", name="failures_not_negative"),
    comment="Webhooks: addresses that are told of state changes",
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="of one subject: in the order of its events"),
    Column("message", Text, nullable=False, comment="webhook-id: the same on every attempt, everywhere"),
    Column("subject", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False, comment="e.g. cases.id"),
    Column("number", Integer, nullable=False, comment="of the event within its subject"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it happened"),
    Column("announced_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("body", Text, nullable=False, comment="JSON, byte for byte what is sent and signed"),
    UniqueConstraint("message"),
    UniqueConstraint("subject", "subject_id", "number"),
    one_of("subject", SUBJECTS),
    Index("ix_outbox_announced_at", "announced_at"),
    comment="What there is to tell, written in the transaction of the change",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("webhook_id", Integer, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("outbox_id", BigInteger, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_at", DateTime(timezone=True), comment="of the last attempt"),
    Column("last_status", SmallInteger, comment="HTTP status of the last attempt; null: there was no answer"),
    Column("last_error", Text, comment="null: none"),
    one_of("state", DELIVERY_STATES),
    CheckConstraint("attempts >= 0", name="attempts_not_negative"),
    CheckConstraint("attempts = 0 OR last_at IS NOT NULL", name="attempted_at_some_time"),
    Index("ix_deliveries_outbox_id", "outbox_id"),
    Index(
        "ix_deliveries_unfinished", "webhook_id", "state", "outbox_id", postgresql_where=text("state <> 'delivered'")
    ),
    comment="What was told to whom, and what is still to be told",
)

delivery_lines = Table(
    "delivery_lines",
    metadata,
    Column("webhook_id", Integer, ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("front", BigInteger, nullable=False, comment="outbox.id of what is told next"),
    Column(
        "next_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
        comment="when it is told; while somebody does, when another may take over",
    ),
    Column("claim", Integer, nullable=False, server_default="0", comment="raised by whoever takes the line"),
    Column("away", Boolean, nullable=False, server_default="false", comment="the last attempt found nobody there"),
    one_of("subject", SUBJECTS),
    Index("ix_delivery_lines_due", "webhook_id", "next_at"),
    comment="The queue: one row while a webhook has something to hear about one subject",
)
