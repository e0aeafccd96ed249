"""Open311 GeoReport v2, as server and as client."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("open311_numbers")))
    op.create_table(
        "open311_requests",
        sa.Column("source_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("source_ref", sa.String(collation="C"), nullable=False),
        sa.Column("address", sa.Text(), nullable=True, comment="where it is, in the words of whoever reports"),
        sa.Column("address_id", sa.Text(), nullable=True, comment="the same as a number in a register of addresses"),
        sa.Column("media_url", sa.Text(), nullable=True, comment="a link, never fetched"),
        sa.ForeignKeyConstraint(
            ["source_id", "source_ref"],
            ["reports.source_id", "reports.source_ref"],
            name=op.f("fk_open311_requests_source_id_source_ref"),
        ),
        sa.PrimaryKeyConstraint("source_id", "source_ref", name=op.f("pk_open311_requests")),
        comment="What a service request says beyond its report; anybody may see it",
    )
    op.create_table(
        "open311_contacts",
        sa.Column("source_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("source_ref", sa.String(collation="C"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(email, phone, first_name, last_name, device_id, account_id) > 0",
            name=op.f("ck_open311_contacts_says_something"),
        ),
        sa.ForeignKeyConstraint(
            ["source_id", "source_ref"],
            ["reports.source_id", "reports.source_ref"],
            name=op.f("fk_open311_contacts_source_id_source_ref"),
        ),
        sa.PrimaryKeyConstraint("source_id", "source_ref", name=op.f("pk_open311_contacts")),
        comment="Who sent a service request: personal data, apart from everything else and in no answer",
    )
    op.create_table(
        "open311_pulls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False, comment="address of the other server"),
        sa.Column("jurisdiction_id", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "services",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="service codes asked for, comma between; empty: all",
        ),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="where pulling began"),
        sa.Column(
            "reached",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="everything from `since` to here is in",
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="null: under way, or broken off"),
        sa.CheckConstraint("since <= reached", name=op.f("ck_open311_pulls_forward")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_open311_pulls_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open311_pulls")),
        sa.UniqueConstraint(
            "endpoint",
            "jurisdiction_id",
            "services",
            "source_id",
            name=op.f("uq_open311_pulls_endpoint_jurisdiction_id_services_source_id"),
        ),
        comment="How far requests were pulled from other Open311 servers",
    )


def downgrade() -> None:
    op.drop_table("open311_pulls")
    op.drop_table("open311_contacts")
    op.drop_table("open311_requests")
    op.execute(sa.schema.DropSequence(sa.Sequence("open311_numbers")))
