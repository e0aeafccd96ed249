"""`finegrid cases`: open, move, list, show and check cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import select
from tqdm import tqdm

from gis.case_opening import open_cases
from gis.case_reads import CaseQuery, list_cases, read_case, replayed, reports_without_case
from gis.cases import OWN_MOVES, Move, record
from gis.city import read_city
from gis.cli.frame import city_transaction, json_option, show
from gis.encoding import csv_pieces, table_lines
from gis.instants import read_instant
from gis.operations import inside
from gis.rules.cases import MOVES
from gis.store.schema_cases import STATES, cases

DAY = click.DateTime(["%Y-%m-%d"])
AT_ONCE = 200
SHOWN = ("id", "state", "category", "found_at", "cell", "street", "department", "due_at", "report_count")
SENT = [name for name in MOVES if name not in OWN_MOVES]


@click.group("cases")
def cases_group() -> None:
    """Cases 案件: from report to closed case."""


@cases_group.command("open")
@click.option("--from", "from_day", type=DAY, required=True, metavar="DAY", help="First day of the reports.")
@click.option("--to", "to_day", type=DAY, required=True, metavar="DAY", help="Day after the last one.")
@click.option("--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable.")
@click.option("--source", "sources", multiple=True, help="Name of a source, or kind:citizen; repeatable.")
@click.option("--actor", required=True, help="Who opens them.")
@json_option
def open_command(
    *,
    from_day: datetime,
    to_day: datetime,
    categories: tuple[str, ...],
    sources: tuple[str, ...],
    actor: str,
    as_json: bool,
) -> None:
    r"""Open cases for the reports of a window that have none.

    A report of the same category within 50 m and in the same ten-day period as an open case belongs to that case: every
    report is kept, one case is counted. Running it again opens nothing twice.

    \b
    Example:
      finegrid cases open --from 2016-05-01 --to 2016-05-02 --category chaos:any --actor "supervision centre"
    """
    now = datetime.now(UTC)
    with city_transaction(read_only=True) as conn:
        waiting = reports_without_case(conn, from_day.date(), to_day.date(), categories, sources)
    opened = 0
    with tqdm(total=len(waiting), desc="reports", unit=" reports", disable=None) as bar:
        for first in range(0, len(waiting), AT_ONCE):
            some = waiting[first : first + AT_ONCE]
            with city_transaction() as conn:
                opened += open_cases(conn, some, actor, now)
            bar.update(len(some))
    text = (
        f"{len(waiting):,} reports: {opened:,} cases opened, {len(waiting) - opened:,} belong to cases that were there"
    )
    show({"reports": len(waiting), "opened": opened, "attached": len(waiting) - opened}, text, as_json=as_json)


@cases_group.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(("open", *STATES)), help="Repeatable.")
@click.option("--street", help="Code of a street, another area, or a cell.")
@click.option("--category", "categories", multiple=True, help="Code, name, event:CODE or chaos:parking; repeatable.")
@click.option("--department", help="Code of the lead.")
@click.option("--from", "from_day", type=DAY, metavar="DAY", help="First day on which the problem was found.")
@click.option("--to", "to_day", type=DAY, metavar="DAY", help="Day after the last one.")
@click.option("--operation", metavar="CODE", help="Only problems found inside this special operation.")
@click.option("--overdue", is_flag=True, help="Only open cases whose time is up.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Most rows.")
@click.option("--format", "form", type=click.Choice(("table", "csv")), default="table", show_default=True)
@json_option
def list_command(
    *, form: str, as_json: bool, overdue: bool, from_day: datetime | None, to_day: datetime | None, **chosen: Any
) -> None:
    r"""List cases in the order in which they were opened.

    \b
    Examples:
      finegrid cases list --state open --overdue
      finegrid cases list --street 410102001 --format csv > cases.csv
    """
    first, after = (day and day.date() for day in (from_day, to_day))
    query = CaseQuery(
        states=chosen["states"],
        from_day=first,
        to_day=after,
        categories=chosen["categories"],
        department=chosen["department"],
        place=chosen["street"],
        due_before=datetime.now(UTC) if overdue else None,
        limit=chosen["limit"],
    )
    with city_transaction(read_only=True) as conn:
        if chosen["operation"] is not None:
            query = replace(query, operation=inside(conn, chosen["operation"], first, after))
        rows = list_cases(conn, query)
    names = list(rows[0]) if rows and form == "csv" else list(SHOWN)
    lines = b"".join(csv_pieces(names, rows)).decode() if form == "csv" else "\n".join(table_lines(names, rows))
    show({"rows": rows}, lines.rstrip() if rows else "no such case", as_json=as_json)


@cases_group.command("show")
@click.argument("case_id", type=click.IntRange(1), metavar="CASE")
@json_option
def show_command(*, case_id: int, as_json: bool) -> None:
    """Show one case with its history."""
    with city_transaction(read_only=True) as conn:
        case, zone = read_case(conn, case_id), read_city(conn).zone
    show(case, _described(case, zone), as_json=as_json)


@cases_group.command("move")
@click.argument("case_id", type=click.IntRange(1), metavar="CASE")
@click.argument("move", type=click.Choice(SENT), metavar="MOVE")
@click.option("--actor", required=True, help="Who did it.")
@click.option("--at", metavar="TIME", help="When, ISO 8601; the city's time where it names no zone. [default: now]")
@click.option("--reason", help="Why; what a task is.")
@click.option("--department", metavar="CODE", help="The lead, who is asked, who confirms.")
@click.option("--task", type=click.IntRange(1), help="Number of the task that is done or waived.")
@click.option("--amount", type=click.IntRange(1, 10_000), help="Of an extension, in the unit of the case's limit.")
@click.option("--due-at", metavar="TIME", help="When a new task is due.")
@click.option("--other", type=click.IntRange(1), metavar="CASE", help="The case that gets the reports of a merge.")
@click.option("--expected", type=int, help="How many events you know of; refused where there are more.")
@json_option
def move_command(*, case_id: int, as_json: bool, at: str | None, due_at: str | None, **sent: Any) -> None:
    r"""Let something happen to a case; only legal moves, each kept in its history.

    \b
    MOVE is one of
      verify accept file dispatch handle check close       the way of every case
      void suspend resume extend return rework merge       what else can happen
      arrive fail enforce                                  double ten: on the spot, persuasion failed, enforcement
      ask do waive confirm                                 joint handling: a task, done, not needed; the lead confirms

    \b
    Examples:
      finegrid cases move 17 verify --actor "inspector 3"
      finegrid cases move 17 dispatch --actor centre --department CG
      finegrid cases move 17 extend --actor centre --amount 1 --reason "rain"
    """
    with city_transaction() as conn:
        zone = read_city(conn).zone
        moved = Move(**sent, at=_instant("--at", at, zone), due_at=_instant("--due-at", due_at, zone))
        record(conn, case_id, moved, datetime.now(UTC))
        case = read_case(conn, case_id)
    show(case, _described(case, zone), as_json=as_json)


@cases_group.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Replay every history and compare with the stored cases; exit 1 where one differs."""
    differ = []
    with city_transaction(read_only=True) as conn:
        ids = conn.execute(select(cases.c.id).order_by(cases.c.id)).scalars().all()
        for case_id in tqdm(ids, desc="cases", unit=" cases", disable=None):
            stored, again = replayed(conn, case_id)
            if stored != again:
                differ.append(case_id)
    text = f"{len(ids):,} histories replayed: {len(differ)} cases differ"
    show({"cases": len(ids), "differ": differ}, "\n  ".join([text, *map(str, differ[:20])]), as_json=as_json)
    if differ:
        raise SystemExit(1)


def _instant(name: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    return None if text is None else read_instant(name, text, zone)


def _described(case: dict[str, Any], zone: ZoneInfo) -> str:
    def local(at: datetime | None) -> str:
        return "-" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

    what = f"{case['category']} {case['category_name']}, found {local(case['found_at'])}"
    where = f"cell {case['cell'] or '-'}, {case['street'] or '-'}, responsible {case['responsible'] or '-'}"
    until = f"lead {case['department'] or '-'}, due {local(case['due_at'])}, {case['report_count']} reports"
    lines = [f"case {case['id']}: {case['state']}, {what}", f"  {where}; {until}"]
    for event in case["history"]:
        rest = ", ".join(str(event[name]) for name in ("department", "reason") if event[name])
        lines.append(
            f"  {event['number']:>3}  {local(event['at'])}  {event['move']:<9} {event['actor']}  {rest}".rstrip()
        )
    return "\n".join(lines)
