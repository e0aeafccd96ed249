"""A city overrides numbers of the rule book."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_loads",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("loaded_by", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="the file as it was"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="over the canonical text of what it overrides"),
        sa.CheckConstraint("btrim(loaded_by) <> ''", name=op.f("ck_policy_loads_loaded_by_somebody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_loads")),
        comment="The city's policy files; the newest holds, the others are the history",
    )
    op.create_table(
        "policy_overrides",
        sa.Column("load_id", sa.Integer(), nullable=False),
        sa.Column("effective", sa.Date(), nullable=False, comment="from this day of the city on"),
        sa.Column("name", sa.String(collation="C"), nullable=False, comment="a field of gis.rules.policy.Policy"),
        sa.Column(
            "value",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="null: back to the rule book",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["load_id"], ["policy_loads.id"], name=op.f("fk_policy_overrides_load_id")),
        sa.PrimaryKeyConstraint("load_id", "effective", "name", name=op.f("pk_policy_overrides")),
        comment="What a policy file overrides",
    )


def downgrade() -> None:
    op.drop_table("policy_overrides")
    op.drop_table("policy_loads")
