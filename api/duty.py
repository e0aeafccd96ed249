"""GET /duty, /duty/vacancies, /duty/handovers, /duty/persons, POST /duty/handovers: who answers for what, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.bodies import JsonBody, checked
from api.case_parameters import NOT_KEPT
from api.dependencies import KeyHolder, Reading, Writing
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer
from api.parameters import FormatChoice, FromDay, ToDay, only_known
from api.validators import valid_by
from gis.city import City, read_city
from gis.duty import (
    CELL,
    CHANGE_COLUMNS,
    HOLDER_COLUMNS,
    PERSON_COLUMNS,
    VACANCY_COLUMNS,
    Places,
    changes,
    holders_at,
    persons,
    vacancies,
)
from gis.encoding import Feature
from gis.handovers import HandoverOrder, hand_over
from gis.instants import instants_of_days, read_instant
from gis.store.schema_duty import SCOPES

router = APIRouter(tags=["duty"], dependencies=[Depends(only_known)])
LAYERS = ("city", "areas", "cells", "responsibles")
Text = Annotated[str, Field(max_length=2000)]
Code = Annotated[str, Field(max_length=200)]
Level = Annotated[
    str | None, Query(description="cell, or a level that the city has: community, street, district; all if not given")
]
Street = Annotated[str | None, Query(description="Code of a street or another area: what lies in it, itself included")]
At = Annotated[
    str | None, Query(description="An instant, of the city where it names no zone; this moment if not given")
]

PERSON = {"ref": "P0102", "person": "网格责任人", "phone": None}
PLACE = {"level": "cell", "code": "410102001002017", "name": "碧沙岗社区"}
HEAD: dict[str, Any] = {"synthetic": []}
WINDOW = {"from": "2016-05-01", "to": "2016-06-01", **HEAD}


class NewHandover(BaseModel):
    """An order that somebody takes over."""

    model_config = ConfigDict(extra="forbid", strict=True)

    scope: Code = Field(description=f"{', '.join(SCOPES)}: one cell, all cells of an area, the head of an area")
    code: Code = Field(description="Of the cell or area", examples=["410102001002017"])
    to: Code = Field(description="Ref of the person who takes over", examples=["P0102"])
    at: Code = Field(
        description="The last holder's end and the new one's beginning; without a zone, the city's own",
        examples=["2016-06-01T08:00:00+08:00"],
    )
    until: Code | None = Field(None, description="First instant no longer; open if not given")
    name: Text | None = Field(None, description="Needed for a person who is not known yet")
    phone: Code | None = None
    actor: Code = Field(description="Who orders it", examples=["duty office"])
    reason: Text = Field(examples=["moved to another post"])


BODY_SCHEMA = NewHandover.model_json_schema(ref_template="#/components/schemas/{model}")


@router.get(
    "/duty",
    summary="Who answers for each place",
    description="One row per cell and area, `ref` null where nobody answers. `since` and `until` are the ends of the "
    "responsibility that holds at that instant; null: open.",
    responses=form_responses(
        {"at": "2016-05-03T00:30:00+00:00", **HEAD, "rows": [{**PLACE, **PERSON, "since": None, "until": None}]}
    ),
    dependencies=[valid_by(*LAYERS, now_unless="at")],
)
def get_duty(
    request: Request, conn: Reading, level: Level = None, street: Street = None, at: At = None, f: FormatChoice = None
) -> Response:
    """Holders at an instant."""
    city = read_city(conn)
    moment = _moment(city, at)
    rows = holders_at(conn, city, Places(level, street), moment)
    head = {"at": moment, "synthetic": synthetic_layers(city)}
    return _kept_if(at, _answer(request, conn, f, head, HOLDER_COLUMNS, rows, "duty"))


@router.get(
    "/duty/vacancies",
    summary="When nobody answers for a place",
    description="Every gap of a window, partial ones with their ends. `whole`: nobody in the whole window. `left_by` "
    "and `taken_by` are who answered just before and just after.",
    responses=form_responses(
        {
            **WINDOW,
            "rows": [
                {
                    **PLACE,
                    "vacant_from": "2016-05-03T00:00:00+00:00",
                    "vacant_to": "2016-05-03T08:00:00+00:00",
                    "hours": 8.0,
                    "whole": False,
                    "left_by": "P0101",
                    "taken_by": "P0102",
                }
            ],
        }
    ),
    dependencies=[valid_by(*LAYERS)],
)
def get_vacancies(
    request: Request,
    conn: Reading,
    from_day: FromDay,
    to_day: ToDay,
    level: Level = None,
    street: Street = None,
    f: FormatChoice = None,
) -> Response:
    """Gaps of a window."""
    city = read_city(conn)
    rows = vacancies(conn, city, Places(level, street), *instants_of_days(from_day, to_day, city.zone))
    head = {"from": from_day, "to": to_day, "synthetic": synthetic_layers(city)}
    return _answer(request, conn, f, head, VACANCY_COLUMNS, rows, f"vacancies-{from_day}-{to_day}")


@router.get(
    "/duty/handovers",
    summary="When places changed hands",
    description="`kind`: handover (without a gap), gap (nobody in between, `gap_s` seconds), begun (nobody before), "
    "ended (nobody after). `actor` and `reason` are those of the order, null where a file said it.",
    responses=form_responses(
        {
            **WINDOW,
            "rows": [
                {
                    **PLACE,
                    "kind": "handover",
                    "from_ref": "P0101",
                    "from_person": "前任",
                    "left_at": "2016-05-03T00:00:00+00:00",
                    "to_ref": "P0102",
                    "to_person": "继任",
                    "taken_at": "2016-05-03T00:00:00+00:00",
                    "gap_s": 0.0,
                    "actor": "duty office",
                    "reason": "moved to another post",
                }
            ],
        }
    ),
    dependencies=[valid_by(*LAYERS)],
)
def get_handovers(
    request: Request,
    conn: Reading,
    from_day: FromDay,
    to_day: ToDay,
    level: Level = None,
    street: Street = None,
    f: FormatChoice = None,
) -> Response:
    """Changes of hands in a window."""
    city = read_city(conn)
    rows = changes(conn, city, Places(level, street), *instants_of_days(from_day, to_day, city.zone))
    head = {"from": from_day, "to": to_day, "synthetic": synthetic_layers(city)}
    return _answer(request, conn, f, head, CHANGE_COLUMNS, rows, f"handovers-{from_day}-{to_day}")


@router.post(
    "/duty/handovers",
    status_code=201,
    summary="Hand cells or an area over",
    description="Ends what is held at `at` and begins the new holder's duty in the same transaction: no gap, no "
    "overlap; what was before stays. 409 where somebody answers for it later, saying who. 200 where the person holds "
    "it all already, which changes nothing.",
    dependencies=[KeyHolder],
    responses={200: {"description": "Nothing had to change"}},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": BODY_SCHEMA}}}},
)
def post_handover(body: JsonBody, conn: Writing) -> Response:
    """Hand over."""
    sent: NewHandover = checked(NewHandover, body)
    zone = read_city(conn).zone
    at = read_instant("at", sent.at, zone)
    until = None if sent.until is None else read_instant("until", sent.until, zone)
    done = hand_over(conn, HandoverOrder(**{**sent.model_dump(), "at": at, "until": until}))
    return json_answer(done, 201 if done["changed"] else 200)


@router.get(
    "/duty/persons",
    summary="How much each person answers for",
    description="Cells and km2 at an instant, most cells first, and the areas that he or she heads.",
    dependencies=[valid_by(*LAYERS, now_unless="at")],
)
def get_persons(
    request: Request,
    conn: Reading,
    street: Street = None,
    at: At = None,
    more_than: Annotated[int, Query(ge=0, lt=1 << 31, description="Only those with more cells than this")] = 0,
    f: FormatChoice = None,
) -> Response:
    """Persons with what they hold."""
    city = read_city(conn)
    moment = _moment(city, at)
    rows = persons(conn, city, street, moment, more_than)
    head = {"at": moment, "synthetic": synthetic_layers(city)}

    def nowhere() -> Iterable[Feature]:
        return ((row["ref"], b"null", row) for row in rows)

    return _kept_if(at, table_answer(request, f, head, list(PERSON_COLUMNS), rows, nowhere, "duty-persons"))


def _moment(city: City, at: str | None) -> datetime:
    return datetime.now(UTC) if at is None else read_instant("at", at, city.zone)


def _kept_if(at: str | None, answer: Response) -> Response:
    """An answer of this moment is no other's."""
    if at is None:
        answer.headers.update(NOT_KEPT)
    return answer


def _answer(
    request: Request,
    conn: Connection,
    f: FormatChoice,
    head: dict[str, Any],
    names: Sequence[str],
    rows: list[dict[str, Any]],
    file_name: str,
) -> Response:
    ids = [(row["level"] == CELL, row.pop("id")) for row in rows]
    return table_answer(request, f, head, list(names), rows, _features(request, conn, ids, rows), file_name)


def _features(
    request: Request, conn: Connection, ids: list[tuple[bool, int]], rows: list[dict[str, Any]]
) -> Callable[[], Iterable[Feature]]:
    """Rows with the geometry of their cell or area; a place with several rows has as many features."""

    def features() -> Iterator[Feature]:
        texts: dict[tuple[bool, int], bytes] = {}
        for is_cell, target in ((True, "cells"), (False, "areas")):
            wanted = sorted({one for one in ids if one[0] == is_cell})
            numbers = np.array([number for _, number in wanted], np.int32)
            texts.update(zip(wanted, request.app.state.geometry.of(conn, target, numbers), strict=True))
        return ((f"{row['code']}", texts[place], row) for place, row in zip(ids, rows, strict=True))

    return features
