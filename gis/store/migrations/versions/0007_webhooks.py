"""Webhooks: who is told, and the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False),
            nullable=False,
            comment="of one subject: in the order of its events",
        ),
        sa.Column("message", sa.Text(), nullable=False, comment="webhook-id: the same on every attempt, everywhere"),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False, comment="e.g. cases.id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="of the event within its subject"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it happened"),
        sa.Column(
            "announced_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON, byte for byte what is sent and signed"),
        sa.CheckConstraint("subject IN ('case', 'listing')", name=op.f("ck_outbox_subject_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message", name=op.f("uq_outbox_message")),
        sa.UniqueConstraint("subject", "subject_id", "number", name=op.f("uq_outbox_subject_subject_id_number")),
        comment="What there is to tell, written in the transaction of the change",
    )
    op.create_index("ix_outbox_announced_at", "outbox", ["announced_at"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False, comment="whsec_ and base64; shown once, when it is made"),
        sa.Column("old_secret", sa.Text(), nullable=True, comment="the one before, which signs as well for a while"),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True, comment="until then"),
        sa.Column("moves", sa.ARRAY(sa.Text()), nullable=True, comment="null: all"),
        sa.Column("states", sa.ARRAY(sa.Text()), nullable=True, comment="after the move; null: all"),
        sa.Column("category_ids", sa.ARRAY(sa.SmallInteger()), nullable=True, comment="null: all"),
        sa.Column("area_ids", sa.ARRAY(sa.Integer()), nullable=True, comment="streets and districts; null: everywhere"),
        sa.Column("stopped_because", sa.Text(), nullable=True, comment="null: active"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "failures", sa.Integer(), server_default="0", nullable=False, comment="times in a row that nobody was there"
        ),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True, comment="nothing is sent before"),
        sa.CheckConstraint("(old_secret IS NULL) = (old_until IS NULL)", name=op.f("ck_webhooks_old_secret_ends")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_webhooks_failures_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        comment="Webhooks: addresses that are told of state changes",
    )
    op.create_table(
        "deliveries",
        sa.Column("webhook_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True, comment="of the last attempt"),
        sa.Column(
            "last_status",
            sa.SmallInteger(),
            nullable=True,
            comment="HTTP status of the last attempt; null: there was no answer",
        ),
        sa.Column("last_error", sa.Text(), nullable=True, comment="null: none"),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'given_up')", name=op.f("ck_deliveries_state_known")),
        sa.CheckConstraint("attempts = 0 OR last_at IS NOT NULL", name=op.f("ck_deliveries_attempted_at_some_time")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts_not_negative")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_deliveries_outbox_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "outbox_id", name=op.f("pk_deliveries")),
        comment="What was told to whom, and what is still to be told",
    )
    op.create_index("ix_deliveries_outbox_id", "deliveries", ["outbox_id"], unique=False)
    op.create_index(
        "ix_deliveries_unfinished",
        "deliveries",
        ["webhook_id", "state", "outbox_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'delivered'"),
    )
    op.create_table(
        "delivery_lines",
        sa.Column("webhook_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("front", sa.BigInteger(), nullable=False, comment="outbox.id of what is told next"),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when it is told; while somebody does, when another may take over",
        ),
        sa.Column(
            "claim", sa.Integer(), server_default="0", nullable=False, comment="raised by whoever takes the line"
        ),
        sa.Column(
            "away", sa.Boolean(), server_default="false", nullable=False, comment="the last attempt found nobody there"
        ),
        sa.CheckConstraint("subject IN ('case', 'listing')", name=op.f("ck_delivery_lines_subject_known")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_delivery_lines_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "subject", "subject_id", name=op.f("pk_delivery_lines")),
        comment="The queue: one row while a webhook has something to hear about one subject",
    )
    op.create_index("ix_delivery_lines_due", "delivery_lines", ["webhook_id", "next_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_delivery_lines_due", table_name="delivery_lines")
    op.drop_table("delivery_lines")
    op.drop_index("ix_deliveries_unfinished", table_name="deliveries", postgresql_where=sa.text("state <> 'delivered'"))
    op.drop_index("ix_deliveries_outbox_id", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_table("webhooks")
    op.drop_index("ix_outbox_announced_at", table_name="outbox")
    op.drop_table("outbox")
