"""Tables of listed supervision 挂牌督办: what each period named, the listed places, and what was done about them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.schema import geometry, metadata, one_of

KINDS = ("segment", "spot")
STATES = ("proposed", "listed", "rectifying", "submitted", "verified", "delisted", "dismissed")
ENDED = "state IN ('delisted', 'dismissed')"

listing_proposals = Table(
    "listing_proposals",
    metadata,
    Column("period", String(collation="C"), primary_key=True, comment="ten-day period such as 2016-06-T1"),
    Column("first_day", Date, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("policy_effective", Date, nullable=False, comment="whose numbers were used"),
    Column("rule", Text, nullable=False, comment="as it was worded, with its numbers"),
    Column("segment_facts_sha256", Text, nullable=False),
    Column("spot_facts_sha256", Text, nullable=False),
    Column("named", JSONB, nullable=False, comment="the worst segments and spots, as they were worked out"),
    comment="What each ten-day period named as its worst segments and spots; never changed",
)

listings = Table(
    "listings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("period", String(collation="C"), nullable=False, comment="ten-day period whose reports it stands for"),
    Column("first_day", Date, nullable=False, comment="of the period"),
    Column("proposal", String(collation="C"), ForeignKey("listing_proposals.period"), comment="null: listed by hand"),
    Column("rank", SmallInteger, comment="in its proposal, 1 is the worst"),
    Column("segment_id", Integer, ForeignKey("road_segments.id")),
    Column(
        "street_id", Integer, ForeignKey("areas.id"), comment="street office that answers; null: none has the place"
    ),
    Column("person_id", Integer, ForeignKey("persons.id"), comment="who answered for the place when it was listed"),
    Column("name", Text, nullable=False, comment="of the road, or of the road a spot is at; may be empty"),
    Column("geom", geometry("POINT"), nullable=False, comment="on the segment; a report of the spot"),
    Column("ground", geometry("MULTIPOLYGON"), nullable=False, comment="within reach of the segment or of the reports"),
    Column("reports", Integer, nullable=False),
    Column("shared_reports", Integer, nullable=False, comment="left out: on coordinates that too many share"),
    Column("weighted", Numeric(14, 4), nullable=False, comment="problems, each by its weight"),
    Column("length_m", Numeric(12, 3), comment="of the segment"),
    Column("score", Numeric(16, 3), nullable=False, comment="weighted problems per km; of a spot: weighted problems"),
    Column("terms", JSONB, nullable=False, comment="reports and weight by kind of source and chaos"),
    Column("policy_effective", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="how many events"),
    Column("at", DateTime(timezone=True), nullable=False, comment="of the last event"),
    Column("listed_on", Date),
    Column("due_on", Date, comment="last day in time"),
    Column("submitted_on", Date, comment="of the submission that waits or was found good"),
    Column("verified_at", DateTime(timezone=True)),
    Column("hold_until", Date, comment="last day of the hold"),
    Column("rectifiers", ARRAY(Text), nullable=False, comment="names as they are compared"),
    Column("verifier", Text, comment="name as it is compared"),
    Column("late_before", Integer, nullable=False, server_default="0", comment="days after earlier deadlines"),
    Column("escalated", Boolean, nullable=False, server_default="false"),
    one_of("kind", KINDS),
    one_of("state", STATES),
    CheckConstraint("(kind = 'segment') = (segment_id IS NOT NULL)", name="segment_of_its_kind"),
    CheckConstraint("(kind = 'segment') = (length_m IS NOT NULL)", name="length_of_its_kind"),
    CheckConstraint("(proposal IS NULL) = (rank IS NULL)", name="ranked_by_a_proposal"),
    CheckConstraint("proposal IS NOT NULL OR state NOT IN ('proposed', 'dismissed')", name="hand_made_is_listed"),
    CheckConstraint("(state IN ('proposed', 'dismissed')) = (due_on IS NULL)", name="listed_with_deadline"),
    CheckConstraint("(due_on IS NULL) = (listed_on IS NULL)", name="deadline_since_listed"),
    CheckConstraint(
        "(state IN ('submitted', 'verified', 'delisted')) = (submitted_on IS NOT NULL)", name="clock_stands"
    ),
    CheckConstraint("(state IN ('verified', 'delisted')) = (verified_at IS NOT NULL)", name="verified"),
    CheckConstraint("(verified_at IS NULL) = (hold_until IS NULL)", name="verified_with_hold"),
    CheckConstraint("(verified_at IS NULL) = (verifier IS NULL)", name="verified_by_somebody"),
    CheckConstraint("verifier IS NULL OR verifier <> ALL (rectifiers)", name="verifier_is_not_rectifier"),
    Index("uq_listings_open_segment", "segment_id", unique=True, postgresql_where=text(f"NOT {ENDED}")),
    Index("ix_listings_first_day", "first_day"),
    Index("ix_listings_geom", "geom", postgresql_using="gist"),
    comment="Listed places: the state of each, as replaying its history gives it",
)

listing_reports = Table(
    "listing_reports",
    metadata,
    Column("listing_id", BigInteger, ForeignKey("listings.id"), primary_key=True, autoincrement=False),
    Column("source_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("source_ref", String(collation="C"), primary_key=True),
    ForeignKeyConstraint(["source_id", "source_ref"], ["reports.source_id", "reports.source_ref"]),
    comment="Which reports a listing stands for",
)

listing_events = Table(
    "listing_events",
    metadata,
    Column("listing_id", BigInteger, ForeignKey("listings.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... within the listing"),
    Column("move", Text, nullable=False),
    Column("state", Text, nullable=False, comment="after the move"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it happened"),
    Column("day", Date, nullable=False, comment="of `at` in the city's time zone: deadlines are counted in days"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("problems", Integer, nullable=False, server_default="0", comment="new ones in the hold, as they stood then"),
    Column("due_on", Date, comment="the listing's, after the move"),
    one_of("state", STATES),
    CheckConstraint("actor <> ''", name="somebody_did_it"),
    comment="What happened to each listing: append-only",
)
