"""Standings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("period", sa.String(collation="C"), nullable=False, comment="2016-06-T1 or 2016-06"),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("after_day", sa.Date(), nullable=False, comment="the first day that is not of the period"),
        sa.Column(
            "revision",
            sa.SmallInteger(),
            nullable=False,
            comment="1 is the first publication; a draft has the next number",
        ),
        sa.Column(
            "as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="steps of double ten are judged as they stood then",
        ),
        sa.Column("policy_effective", sa.Date(), nullable=False),
        sa.Column(
            "policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="every number that was used"
        ),
        sa.Column("facts", sa.LargeBinary(), nullable=False, comment="canonical text, zlib"),
        sa.Column("facts_sha256", sa.Text(), nullable=False, comment="over the canonical text"),
        sa.Column("result_sha256", sa.Text(), nullable=False, comment="over the rows' canonical text"),
        sa.Column(
            "rules", sa.SmallInteger(), nullable=False, comment="which wording of the rules in code worked it out"
        ),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="of a revision: what was wrong"),
        sa.Column(
            "difference",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="of a revision: rows that changed, before and after",
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("link", sa.BigInteger(), nullable=True, comment="place in the chain of all publications, from 1"),
        sa.Column(
            "previous_sha256",
            sa.Text(),
            nullable=True,
            comment="sha256 of the publication before it; 64 zeros for the first",
        ),
        sa.Column(
            "sha256",
            sa.Text(),
            nullable=True,
            comment="over what is published: digests, dates, names, and the digest before",
        ),
        sa.CheckConstraint("level IN ('street', 'district')", name=op.f("ck_standings_level_known")),
        sa.CheckConstraint("first_day < after_day", name=op.f("ck_standings_period_not_empty")),
        sa.CheckConstraint(
            "num_nonnulls(published_at, published_by, link, previous_sha256, sha256) IN (0, 5)",
            name=op.f("ck_standings_published_whole"),
        ),
        sa.CheckConstraint(
            "revision > 0 AND (revision = 1 OR reason IS NOT NULL)", name=op.f("ck_standings_revision_has_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standings")),
        sa.UniqueConstraint("level", "period", "revision", name=op.f("uq_standings_level_period_revision")),
        sa.UniqueConstraint("link", name=op.f("uq_standings_link")),
        comment="Standings; a published one never changes (trigger), a correction is a further revision",
    )
    op.create_index(
        "uq_standings_draft",
        "standings",
        ["level", "period"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "standing_rows",
        sa.Column("standing_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(collation="C"), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as it was called then"),
        sa.Column("rank", sa.SmallInteger(), nullable=True, comment="1, 2, 2, 4; null: not ranked"),
        sa.Column("deduction", sa.Numeric(precision=14, scale=5), nullable=False, comment="points"),
        sa.Column(
            "square_deduction",
            sa.Numeric(precision=30, scale=10),
            nullable=False,
            comment="sum of the squares of its deductions",
        ),
        sa.Column("area_km2", sa.Numeric(precision=16, scale=8), nullable=False),
        sa.Column(
            "density",
            sa.Numeric(precision=18, scale=6),
            nullable=True,
            comment="points per km2 (a month: per km2 and day); null: no area",
        ),
        sa.Column(
            "score", sa.Numeric(precision=5, scale=2), nullable=True, comment="max(0, 100 - k x density), for display"
        ),
        sa.Column("problems", sa.Integer(), nullable=False, comment="that were deducted"),
        sa.Column(
            "coverage",
            sa.Numeric(precision=5, scale=4),
            nullable=True,
            comment="share of the roads' length that was surveyed; null: no roads",
        ),
        sa.Column("provisional", sa.Boolean(), nullable=False, comment="the survey fell short: no money moves"),
        sa.Column("note", sa.Text(), nullable=True, comment="why it has no rank, or is provisional"),
        sa.Column("reward_yuan", sa.Integer(), nullable=False, comment="negative: a penalty"),
        sa.Column(
            "bottom_run",
            sa.SmallInteger(),
            nullable=False,
            comment="times in a row at the bottom, this one included; kept over a provisional one",
        ),
        sa.Column(
            "consequences",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="notice, interview, self_criticism, flag",
        ),
        sa.Column(
            "parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="points by kind of deduction"
        ),
        sa.Column(
            "rank_low",
            sa.SmallInteger(),
            nullable=True,
            comment="best rank that the counts' own uncertainty leaves open",
        ),
        sa.Column("rank_high", sa.SmallInteger(), nullable=True, comment="worst rank that it leaves open"),
        sa.Column("smoothed", sa.Numeric(precision=18, scale=6), nullable=True, comment="empirical-Bayes density"),
        sa.Column("apart", sa.Boolean(), nullable=True, comment="false: cannot be told apart from a neighbour in rank"),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_standing_rows_area_id")),
        sa.ForeignKeyConstraint(
            ["standing_id"], ["standings.id"], name=op.f("fk_standing_rows_standing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("standing_id", "code", name=op.f("pk_standing_rows")),
        comment="One row per street or district of a standing",
    )
    op.create_index("ix_standing_rows_area_id", "standing_rows", ["area_id"], unique=False)
    # What was published never changes; a draft is replaced, or becomes the publication.
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON standings FOR EACH ROW"
        " WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE FUNCTION refuse_published() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF EXISTS (SELECT FROM standings WHERE published_at IS NOT NULL"
        " AND id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.standing_id END,"
        " CASE WHEN TG_OP <> 'DELETE' THEN NEW.standing_id END)) THEN"
        " RAISE EXCEPTION 'a published standing cannot be changed; a correction is a further revision'"
        " USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        " RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END; END $$"
    )
    op.execute(
        "CREATE TRIGGER published BEFORE INSERT OR UPDATE OR DELETE ON standing_rows"
        " FOR EACH ROW EXECUTE FUNCTION refuse_published()"
    )
    for table in ("standings", "standing_rows"):
        op.execute(
            f"CREATE TRIGGER whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, trigger in (
        ("standings", "append_only"),
        ("standings", "whole"),
        ("standing_rows", "published"),
        ("standing_rows", "whole"),
    ):
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


def downgrade() -> None:
    op.drop_index("ix_standing_rows_area_id", table_name="standing_rows")
    op.drop_table("standing_rows")
    op.drop_index("uq_standings_draft", table_name="standings", postgresql_where=sa.text("published_at IS NULL"))
    op.drop_table("standings")
    op.execute("DROP FUNCTION refuse_published")
