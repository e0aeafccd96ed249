"""GET and POST /cases: from report to closed case."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.bodies import JsonBody, body_of, checked
from api.dependencies import KeyHolder, Reading, Writing, change_in_turn
from api.encoding import json_answer, synthetic_layers
from api.parameters import Categories, OpenFromDay, OpenToDay, OperationCode, only_known, window
from api.validators import valid_by
from gis.case_opening import open_case
from gis.case_reads import CaseQuery, case_row, list_cases, read_case
from gis.cases import OWN_MOVES, Move, record
from gis.city import read_city
from gis.instants import read_instant
from gis.operations import inside
from gis.rules.cases import MOVES
from gis.store.schema_cases import STATES

router = APIRouter(tags=["cases"], dependencies=[Depends(only_known)])
MOST = 1000
LAYERS = ("city", "cases", "reports", "categories", "cells", "areas", "roads", "responsibles", "departments")
Text = Annotated[str, Field(max_length=2000)]
Code = Annotated[str, Field(max_length=200)]
Id = Annotated[int, Field(ge=1, lt=1 << 63)]
CaseId = Annotated[int, Path(ge=1, lt=1 << 63, description="Number of the case")]
Small = Annotated[int, Field(ge=1, lt=1 << 15)]


class NewCase(BaseModel):
    """A report that shall become a case."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: Code = Field(description="Source of a stored report", examples=["patrol"])
    source_ref: Code = Field(description="Its number there", examples=["P-2016-000123"])
    actor: Code = Field(description="Who opens it", examples=["supervision centre"])
    at: Code | None = Field(None, description="When; of the city where it names no zone; now if not given")


class NewEvent(BaseModel):
    """Something that happens to a case."""

    model_config = ConfigDict(extra="forbid", strict=True)

    move: Code = Field(description=", ".join(name for name in MOVES if name not in OWN_MOVES), examples=["verify"])
    actor: Code = Field(description="Who did it", examples=["inspector 17"])
    at: Code | None = Field(
        None,
        description="When it happened; of the city where it names no zone; now if not given",
        examples=["2016-05-03T08:30:00+08:00"],
    )
    reason: Text | None = Field(None, description="Why; what a task is")
    department: Code | None = Field(None, description="Code: the lead, who is asked, who confirms")
    task: Small | None = Field(None, description="Number of the task that is done or waived")
    amount: Small | None = Field(None, description="Of an extension, in the unit of the case's limit")
    due_at: Code | None = Field(None, description="When a new task is due")
    other: Id | None = Field(None, description="The case that gets the reports of a merge")
    expected: Annotated[int, Field(ge=1, lt=1 << 31)] | None = Field(
        None, description="How many events the case has as far as the sender knows; 409 where it has more"
    )


@router.post(
    "/cases",
    status_code=201,
    summary="Open a case for a stored report",
    description="201 with the case; 200 where the report has a case already or belongs to the open case of the same "
    "problem: same category, within 50 m, in the same ten-day period.",
    dependencies=[KeyHolder],
    responses={200: {"description": "It belongs to a case that is there"}},
    openapi_extra=body_of(NewCase),
)
def post_case(body: JsonBody, conn: Writing) -> Response:
    """Open a case."""
    sent: NewCase = checked(NewCase, body)
    at = _instant(conn, "at", sent.at)
    case_id, opened = open_case(conn, sent.source, sent.source_ref, sent.actor, datetime.now(UTC), at)
    headers = {"Location": f"/cases/{case_id}"}
    return json_answer({"opened": opened, **read_case(conn, case_id)}, 201 if opened else 200, headers)


@router.post(
    "/cases/{case_id}/events",
    status_code=201,
    summary="Let something happen to a case",
    description="Legal moves only: 409 says which there are. The history is append-only; two senders are told apart by "
    "`expected`.",
    dependencies=[KeyHolder],
    openapi_extra=body_of(NewEvent),
)
async def post_event(request: Request, case_id: CaseId, body: JsonBody) -> Response:
    """Record a move."""
    sent: NewEvent = checked(NewEvent, body)
    rest = sent.model_dump(exclude={"at", "due_at"})

    def change(conn: Connection) -> dict[str, Any]:
        at, due_at = _instant(conn, "at", sent.at), _instant(conn, "due_at", sent.due_at)
        move = Move(**rest, at=at, due_at=due_at)
        record(conn, case_id, move, datetime.now(UTC))
        return case_row(conn, case_id)

    return json_answer(await change_in_turn(request, change), 201)


def _instant(conn: Connection, name: str, text: str | None) -> datetime | None:
    return None if text is None else read_instant(name, text, read_city(conn).zone)


States = Annotated[
    list[str], Query(alias="state", description=f"open (neither closed nor void), or one of {', '.join(STATES)}")
]
Street = Annotated[str | None, Query(description="Code of a street, another area, or a cell: where the problem lies")]
Department = Annotated[str | None, Query(description="Code of the lead department")]
DueBefore = Annotated[
    str | None,
    Query(description="Only open cases whose time is up before this instant; of the city where it names no zone"),
]
Limit = Annotated[int, Query(ge=1, description=f"Most rows; {MOST} at most")]
After = Annotated[int, Query(ge=0, lt=1 << 63, description="Where the next page begins; taken from `next`")]


@router.get(
    "/cases",
    summary="Cases, page by page",
    description="In the order in which they were opened. `next` is the address of the following page, absent on the "
    "last. `from` and `to` are days on which the problem was found.",
    dependencies=[valid_by(*LAYERS, "operations")],
)
def get_cases(
    request: Request,
    conn: Reading,
    state: States = [],  # noqa: B006 - FastAPI copies it
    street: Street = None,
    category: Categories = [],  # noqa: B006
    department: Department = None,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    due_before: DueBefore = None,
    operation: OperationCode = None,
    limit: Limit = 100,
    after: After = 0,
) -> Response:
    """A page of cases."""
    first, last = window(from_day, to_day)
    within = None if operation is None else inside(conn, operation, first, last)
    limit = min(limit, MOST)
    query = CaseQuery(
        tuple(state),
        first,
        last,
        tuple(category),
        department,
        street,
        _instant(conn, "due_before", due_before),
        after,
        limit,
        within,
    )
    rows = list_cases(conn, query)
    answer: dict[str, Any] = {"synthetic": synthetic_layers(read_city(conn)), "rows": rows}
    if len(rows) == limit:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "after"]
        answer["next"] = f"/cases?{urlencode([*kept, ('after', str(rows[-1]['id']))])}"
    return json_answer(answer)


@router.get(
    "/cases/{case_id}",
    summary="One case with its history",
    description="What is known of it, its limit and due time, tasks of supporting departments, the reports it stands "
    "for, and every move with time, actor and reason.",
    dependencies=[valid_by(*LAYERS)],
)
def get_case(conn: Reading, case_id: CaseId) -> Response:
    """One case."""
    return json_answer(read_case(conn, case_id))
