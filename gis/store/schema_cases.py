"""Tables of cases 案件: who handles, until when, and the history that nobody can change."""

from __future__ import annotations

from sqlalchemy import (
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
    Interval,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from gis.store.schema import code_column, geometry, metadata, one_of

LIMIT_UNITS = ("urgent_hours", "work_hours", "work_days", "calendar_days")
CALENDAR_KINDS = ("holiday", "workday")
STATES = (
    "reported",
    "verified",
    "accepted",
    "filed",
    "dispatched",
    "handled",
    "checked",
    "closed",
    "void",
    "suspended",
)
TASK_STATES = ("open", "done", "waived")

departments = Table(
    "departments",
    metadata,
    Column("id", SmallInteger, Identity(), primary_key=True),
    code_column(),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    UniqueConstraint("code"),
    comment="Departments 责任部门 that handle cases",
)

category_limits = Table(
    "category_limits",
    metadata,
    Column("category_id", SmallInteger, ForeignKey("categories.id"), primary_key=True, autoincrement=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column(
        "department_id", SmallInteger, ForeignKey("departments.id"), comment="who leads where nobody says otherwise"
    ),
    one_of("unit", LIMIT_UNITS),
    CheckConstraint("amount > 0", name="amount_positive"),
    comment="How long a case of a category may take; a category without a row has the policy's default",
)

calendar_days = Table(
    "calendar_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("kind", Text, nullable=False, comment="holiday: no work though a weekday; workday: work though a weekend"),
    Column("name", Text, nullable=False, server_default=""),
    one_of("kind", CALENDAR_KINDS),
    comment="Days that are not what their weekday says",
)

cases = Table(
    "cases",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("source_id", SmallInteger, nullable=False),
    Column("source_ref", String(collation="C"), nullable=False, comment="the report that opened it"),
    Column("category_id", SmallInteger, ForeignKey("categories.id"), nullable=False),
    Column("geom", geometry("POINT"), comment="where the first report lies"),
    Column("found_at", DateTime(timezone=True), nullable=False, comment="when the first report was made"),
    Column("day", Date, nullable=False, comment="of found_at in the city's time zone"),
    Column("person_id", Integer, ForeignKey("persons.id"), comment="who answered for the cell at found_at"),
    Column("state", Text, nullable=False),
    Column("events", Integer, nullable=False, comment="how many: the version of the case"),
    Column("department_id", SmallInteger, ForeignKey("departments.id"), comment="the lead"),
    Column("limit_unit", Text, nullable=False),
    Column("allowed", Interval, nullable=False, comment="how long the clock may run, extensions included"),
    Column("used", Interval, nullable=False, server_default="0", comment="how long it had run at clock_since"),
    Column("clock_since", DateTime(timezone=True), comment="null: the clock stands"),
    Column("due_at", DateTime(timezone=True), comment="when the limit is reached; null: the clock stands"),
    Column("before_suspension", Text, comment="state to which `resume` leads"),
    Column("reworks", SmallInteger, nullable=False, server_default="0"),
    Column("extensions", SmallInteger, nullable=False, server_default="0"),
    Column("returns", SmallInteger, nullable=False, server_default="0"),
    Column("tasks", SmallInteger, nullable=False, server_default="0", comment="of supporting departments, all"),
    Column("open_tasks", SmallInteger, nullable=False, server_default="0"),
    Column("confirmed", Boolean, nullable=False, server_default="false", comment="the lead says that it is done"),
    Column("arrived_at", DateTime(timezone=True), comment="the responsible person on the spot"),
    Column("failed_at", DateTime(timezone=True), comment="persuasion failed"),
    Column("enforced_at", DateTime(timezone=True), comment="enforcement on the spot"),
    Column("accepted_at", DateTime(timezone=True)),
    Column("filed_at", DateTime(timezone=True)),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True), comment="closed or void"),
    Column("on_time", Boolean, comment="null: not closed"),
    Column(
        "last_at", DateTime(timezone=True), nullable=False, comment="of the newest move that is not one of double ten"
    ),
    Column("merged_into", BigInteger, ForeignKey("cases.id"), comment="void because the other case has its reports"),
    ForeignKeyConstraint(["source_id", "source_ref"], ["reports.source_id", "reports.source_ref"]),
    UniqueConstraint("source_id", "source_ref"),
    one_of("state", STATES),
    one_of("limit_unit", LIMIT_UNITS),
    CheckConstraint("(clock_since IS NULL) = (due_at IS NULL)", name="due_while_running"),
    CheckConstraint("(state = 'suspended') = (before_suspension IS NOT NULL)", name="knows_its_way_back"),
    CheckConstraint("(state IN ('closed', 'void')) = (ended_at IS NOT NULL)", name="ended"),
    CheckConstraint("(state = 'closed') = (on_time IS NOT NULL)", name="judged_when_closed"),
    CheckConstraint("open_tasks BETWEEN 0 AND tasks", name="tasks_add_up"),
    CheckConstraint("state <> 'closed' OR tasks = 0 OR (open_tasks = 0 AND confirmed)", name="closed_by_the_rule"),
    CheckConstraint("merged_into IS NULL OR state = 'void'", name="merged_is_void"),
    Index(
        "ix_cases_open_geom", "geom", postgresql_using="gist", postgresql_where=text("state NOT IN ('closed', 'void')")
    ),
    Index("ix_cases_open_due", "due_at", postgresql_where=text("state NOT IN ('closed', 'void')")),
    Index("ix_cases_day", "day"),
    Index("ix_cases_ended_at", "ended_at"),
    comment="Cases 案件: the state of each, as replaying its history gives it",
)

case_reports = Table(
    "case_reports",
    metadata,
    Column("source_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("source_ref", String(collation="C"), primary_key=True),
    Column("case_id", BigInteger, ForeignKey("cases.id"), nullable=False),
    ForeignKeyConstraint(["source_id", "source_ref"], ["reports.source_id", "reports.source_ref"]),
    Index("ix_case_reports_case_id", "case_id"),
    comment="Which reports a case stands for; duplicates are kept and counted as one case",
)

case_events = Table(
    "case_events",
    metadata,
    Column("case_id", BigInteger, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3 ... within the case"),
    Column("move", Text, nullable=False),
    Column("state", Text, nullable=False, comment="after the move"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it happened"),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("department_id", SmallInteger, ForeignKey("departments.id")),
    Column("task", SmallInteger, comment="number of a supporting department's task"),
    Column("time", Interval, comment="that the move gives: the limit at `open`, more of it at `extend`"),
    Column("other_id", BigInteger, ForeignKey("cases.id"), comment="the other case of a merge"),
    Column("due_at", DateTime(timezone=True), comment="the case's, after the move"),
    one_of("state", STATES),
    CheckConstraint("actor <> ''", name="somebody_did_it"),
    Index("ix_case_events_at", "at"),
    comment="What happened to each case: append-only",
)

case_tasks = Table(
    "case_tasks",
    metadata,
    Column("case_id", BigInteger, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("department_id", SmallInteger, ForeignKey("departments.id"), nullable=False),
    Column("what", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("ended_at", DateTime(timezone=True), comment="done or waived"),
    one_of("state", TASK_STATES),
    CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
    comment="Joint handling 1+N: what supporting departments have to do",
)
