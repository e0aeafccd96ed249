"""GET and POST /reports: single problem reports."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.bodies import JsonBody
from api.dependencies import KeyHolder, Reading, Writing, true_locator
from api.encoding import json_answer, synthetic_layers
from api.parameters import (
    BoxText,
    Categories,
    OpenFromDay,
    OpenToDay,
    OperationCode,
    Sources,
    box,
    days_or_operation,
    only_known,
)
from api.validators import valid_by
from gis.city import read_city
from gis.density import DensityQuery
from gis.errors import ParameterError
from gis.report_one import OneReport, add_report
from gis.report_reads import ReportQuery, read_report, read_reports
from gis.store.schema import SOURCE_KINDS

router = APIRouter(tags=["reports"], dependencies=[Depends(only_known)])
MOST = 1000
Text = Annotated[str, Field(max_length=20_000)]
Number = float | Text


class NewReport(BaseModel):
    """A report as a client sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: Text = Field(description="Who reports, e.g. patrol", examples=["patrol"])
    source_kind: Text | None = Field(None, description=f"Needed for a new source: {', '.join(SOURCE_KINDS)}")
    source_ref: int | Text = Field(description="Its number at the source", examples=["P-2016-000123"])
    datum: Text = Field(description="What lon and lat mean: wgs84, cgcs2000, gcj02 or bd09", examples=["gcj02"])
    lon: Number | None = Field(description="Degrees", examples=[113.65])
    lat: Number | None = Field(description="Degrees", examples=[34.76])
    reported_at: Text = Field(
        description="ISO 8601; without a zone, the city's own", examples=["2016-05-03T08:30:00+08:00"]
    )
    category: int | Text = Field(description="As the dictionary spells it (GET /categories)", examples=["0505"])
    category_kind: Text | None = Field(None, description="event or component, where the code alone is ambiguous")
    description: Text | None = None
    keep_unlocated: bool = Field(False, description="Take it in without position where lon and lat are null")


BODY_SCHEMA = NewReport.model_json_schema(ref_template="#/components/schemas/{model}")


def new_report(body: JsonBody) -> OneReport:
    """The body as a report, nothing checked but its form.

    Raises
    ------
    ParameterError
        A field is missing, unknown or of another type.
    """
    try:
        sent = NewReport.model_validate(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        if first["type"] == "extra_forbidden":
            said = f"there is no such field; fields are {', '.join(NewReport.model_fields)}"
        else:
            said = "is missing" if first["type"] == "missing" else str(first["msg"])
        raise ParameterError(name[:60], said) from problem
    texts = {
        name: value if value is None or isinstance(value, bool) else str(value)
        for name, value in sent.model_dump().items()
    }
    texts["lon"], texts["lat"] = texts["lon"] or "", texts["lat"] or ""
    return OneReport(**texts)  # type: ignore[arg-type]


@router.post(
    "/reports",
    status_code=201,
    summary="Send one report",
    description="201 with the report, its cell and its road segment; 200 with what is stored where the same (source, "
    "source_ref) is known already, which changes nothing; 400 with the reason where an import would reject the row.",
    dependencies=[KeyHolder],
    responses={200: {"description": "It was known already"}},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": BODY_SCHEMA}}}},
)
def post_report(request: Request, report: Annotated[OneReport, Depends(new_report)], conn: Writing) -> Response:
    """Take in one report."""
    live = request.app.state.live
    stored, added = add_report(conn, lambda locked: true_locator(locked, live), report)
    place = f"/reports/{quote(stored['source'], safe='')}/{quote(stored['source_ref'], safe='')}"
    return json_answer({"duplicate": not added, **stored}, 201 if added else 200, {"Location": place})


Cell = Annotated[str | None, Query(description="Code of a cell")]
Limit = Annotated[int, Query(ge=1, description=f"Most rows; {MOST} at most")]
After = Annotated[str | None, Query(description="Where the next page begins; taken from `next`")]


@router.get(
    "/reports",
    summary="Reports of a window, page by page",
    description="Ordered by source and source_ref. `next` is the address of the following page, absent on the last.",
    dependencies=[valid_by("city", "reports", "categories", "cells", "roads", "operations")],
)
def get_reports(
    request: Request,
    conn: Reading,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    cell: Cell = None,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    source: Sources = [],  # noqa: B006
    bbox: BoxText = None,
    operation: OperationCode = None,
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """A page of reports."""
    first, last, within = days_or_operation(conn, operation, from_day, to_day)
    checked = DensityQuery(first, last, tuple(category), tuple(source), box(bbox), operation=within)
    limit = min(limit, MOST)
    query = ReportQuery(
        checked.from_day,
        checked.to_day,
        cell,
        checked.categories,
        checked.sources,
        checked.bbox,
        _place(after),
        limit,
        within,
    )
    rows = read_reports(conn, query)
    answer: dict[str, Any] = {"synthetic": synthetic_layers(read_city(conn)), "rows": rows}
    if len(rows) == limit:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "after"]
        following = _token(rows[-1]["source"], rows[-1]["source_ref"])
        answer["next"] = f"/reports?{urlencode([*kept, ('after', following)])}"
    return json_answer(answer)


def _token(source: str, source_ref: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([source, source_ref])).decode().rstrip("=")


def _place(token: str | None) -> tuple[str, str] | None:
    if token is None:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        place = None
    if (
        not isinstance(place, list)
        or len(place) != 2
        or not all(isinstance(part, str) and "\0" not in part for part in place)
    ):
        msg = "take it from the `next` link of the page before"
        raise ParameterError("after", msg)
    return place[0], place[1]


@router.get(
    "/reports/{source}/{source_ref:path}",
    summary="One report",
    dependencies=[valid_by("reports", "categories", "cells", "roads")],
)
def get_report(conn: Reading, source: str, source_ref: str) -> Response:
    """One report by its identity."""
    return json_answer(read_report(conn, source, source_ref))
