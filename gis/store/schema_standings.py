"""Standings 排名 of streets and districts: drafts, publications, revisions, and the chain of digests."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.schema import metadata, one_of

LEVELS = ("street", "district")

standings = Table(
    "standings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("level", Text, nullable=False),
    Column("period", String(collation="C"), nullable=False, comment="2016-06-T1 or 2016-06"),
    Column("first_day", Date, nullable=False),
    Column("after_day", Date, nullable=False, comment="the first day that is not of the period"),
    Column("revision", SmallInteger, nullable=False, comment="1 is the first publication; a draft has the next number"),
    Column(
        "as_of", DateTime(timezone=True), nullable=False, comment="steps of double ten are judged as they stood then"
    ),
    Column("policy_effective", Date, nullable=False),
    Column("policy", JSONB, nullable=False, comment="every number that was used"),
    Column("facts", LargeBinary, nullable=False, comment="canonical text, zlib"),
    Column("facts_sha256", Text, nullable=False, comment="over the canonical text"),
    Column("result_sha256", Text, nullable=False, comment="over the rows' canonical text"),
    Column("rules", SmallInteger, nullable=False, comment="which wording of the rules in code worked it out"),
    Column("drafted_at", DateTime(timezone=True), nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("reason", Text, comment="of a revision: what was wrong"),
    Column("difference", JSONB, comment="of a revision: rows that changed, before and after"),
    Column("published_at", DateTime(timezone=True)),
    Column("published_by", Text),
    Column("link", BigInteger, comment="place in the chain of all publications, from 1"),
    Column("previous_sha256", Text, comment="sha256 of the publication before it; 64 zeros for the first"),
    Column("sha256", Text, comment="over what is published: digests, dates, names, and the digest before"),
    UniqueConstraint("level", "period", "revision"),
    UniqueConstraint("link"),
    one_of("level", LEVELS),
    CheckConstraint("first_day < after_day", name="period_not_empty"),
    CheckConstraint(
        "num_nonnulls(published_at, published_by, link, previous_sha256, sha256) IN (0, 5)", name="published_whole"
    ),
    CheckConstraint("revision > 0 AND (revision = 1 OR reason IS NOT NULL)", name="revision_has_reason"),
    # One draft of a period at a time; whoever publishes turns it into the next revision.
    Index("uq_standings_draft", "level", "period", unique=True, postgresql_where=text("published_at IS NULL")),
    comment="Standings; a published one never changes (trigger), a correction is a further revision",
)

standing_rows = Table(
    "standing_rows",
    metadata,
    Column("standing_id", BigInteger, ForeignKey("standings.id", ondelete="CASCADE"), primary_key=True),
    Column("code", String(collation="C"), primary_key=True),
    Column("area_id", Integer, ForeignKey("areas.id"), nullable=False),
    Column("name", Text, nullable=False, comment="as it was called then"),
    Column("rank", SmallInteger, comment="1, 2, 2, 4; null: not ranked"),
    Column("deduction", Numeric(14, 5), nullable=False, comment="points"),
    Column("square_deduction", Numeric(30, 10), nullable=False, comment="sum of the squares of its deductions"),
    Column("area_km2", Numeric(16, 8), nullable=False),
    Column("density", Numeric(18, 6), comment="points per km2 (a month: per km2 and day); null: no area"),
    Column("score", Numeric(5, 2), comment="max(0, 100 - k x density), for display"),
    Column("problems", Integer, nullable=False, comment="that were deducted"),
    Column("coverage", Numeric(5, 4), comment="share of the roads' length that was surveyed; null: no roads"),
    Column("provisional", Boolean, nullable=False, comment="the survey fell short: no money moves"),
    Column("note", Text, comment="why it has no rank, or is provisional"),
    Column("reward_yuan", Integer, nullable=False, comment="negative: a penalty"),
    Column(
        "bottom_run",
        SmallInteger,
        nullable=False,
        comment="times in a row at the bottom, this one included; kept over a provisional one",
    ),
    Column("consequences", JSONB, nullable=False, comment="notice, interview, self_criticism, flag"),
    Column("parts", JSONB, nullable=False, comment="points by kind of deduction"),
    Column("rank_low", SmallInteger, comment="best rank that the counts' own uncertainty leaves open"),
    Column("rank_high", SmallInteger, comment="worst rank that it leaves open"),
    Column("smoothed", Numeric(18, 6), comment="empirical-Bayes density"),
    Column("apart", Boolean, comment="false: cannot be told apart from a neighbour in rank"),
    Index("ix_standing_rows_area_id", "area_id"),
    comment="One row per street or district of a standing",
)
