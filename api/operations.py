"""GET and POST /operations: special operations, and what happened inside one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import JsonBody
from api.case_parameters import NOT_KEPT
from api.cases import checked
from api.dependencies import KeyHolder, Reading, TrueGround, Writing
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer
from api.parameters import FormatChoice, only_known
from api.validators import valid_by
from gis.city import read_city
from gis.encoding import Feature
from gis.operation_one import NewOperation, add_operation
from gis.operation_summary import operation_summary
from gis.operations import operations, read_operation, shape_texts

router = APIRouter(tags=["operations"], dependencies=[Depends(only_known)])
COLUMNS = ("code", "name", "name_en", "valid_from", "valid_to", "area_km2")
Text = Annotated[str, Field(max_length=2000)]
Code = Annotated[str, Field(max_length=200, min_length=1)]

EXAMPLE = {
    "code": "EXPO-2016",
    "name": "博览会保障",
    "name_en": "Exposition",
    "valid_from": "2016-05-12T00:00:00+00:00",
    "valid_to": "2016-05-15T10:00:00+00:00",
    "area_km2": 3.2,
}


class NewOperationBody(BaseModel):
    """A special operation as a client sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: Code = Field(examples=["EXPO-2016"])
    name: Text = Field(min_length=1, examples=["博览会保障"])
    name_en: Text | None = None
    valid_from: Code = Field(
        description="First instant or day; of the city where it names no zone", examples=["2016-05-12T08:00:00+08:00"]
    )
    valid_to: Code = Field(description="First instant or day no longer", examples=["2016-05-15T18:00:00+08:00"])
    datum: Code = Field(description="What the coordinates are in: wgs84, cgcs2000, gcj02, bd09 or an EPSG code")
    geometry: dict[str, Any] = Field(
        description="GeoJSON Polygon or MultiPolygon",
        examples=[{"type": "Polygon", "coordinates": [[[113.6, 34.7], [113.7, 34.7], [113.7, 34.8], [113.6, 34.7]]]}],
    )


BODY_SCHEMA = NewOperationBody.model_json_schema(ref_template="#/components/schemas/{model}")


@router.get(
    "/operations",
    summary="Special operations",
    description="The latest first. A point is inside where the polygon covers it, its edge included; an instant, from "
    "`valid_from` (included) to `valid_to` (excluded).",
    responses=form_responses({"synthetic": [], "rows": [EXAMPLE]}),
    dependencies=[valid_by("city", "operations")],
)
def get_operations(request: Request, conn: Reading, f: FormatChoice = None) -> Response:
    """All operations."""
    found = operations(conn)
    rows = [one.as_dict() for one in found]

    def features() -> Iterable[Feature]:
        shapes = shape_texts(conn, [one.id for one in found])
        return ((one.code, shapes[one.id], row) for one, row in zip(found, rows, strict=True))

    head = {"synthetic": synthetic_layers(read_city(conn))}
    return table_answer(request, f, head, COLUMNS, rows, features, "operations")


@router.get(
    "/operations/{code}",
    summary="What happened inside one operation",
    description="Its problems by category and kind of source, per km2 inside, beside the same length of time just "
    "before. `change` is count / before - 1, null where there was nothing before. Then what was done: cases, double "
    "ten, patrols, places on the list. Questions of their own take `operation=` and this code.",
)
def get_operation(conn: Reading, ground: TrueGround, code: str) -> Response:
    """One operation with its summary."""
    operation = read_operation(conn, code)
    head = {**operation.as_dict(), "synthetic": synthetic_layers(ground.city)}
    summary = operation_summary(conn, ground, operation.code, datetime.now(UTC))
    return json_answer({**head, **summary}, headers=NOT_KEPT)


@router.post(
    "/operations",
    status_code=201,
    summary="Proclaim a special operation",
    description="201 with the operation; 200 where this very one is stored already, which changes nothing; 409 where "
    "another one has the code.",
    dependencies=[KeyHolder],
    responses={200: {"description": "It was known already"}},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": BODY_SCHEMA}}}},
)
def post_operation(body: JsonBody, conn: Writing) -> Response:
    """Store one operation."""
    sent: NewOperationBody = checked(NewOperationBody, body)
    stored, added = add_operation(conn, NewOperation(**sent.model_dump()))
    place = f"/operations/{quote(stored.code, safe='')}"
    return json_answer({"added": added, **stored.as_dict()}, 201 if added else 200, {"Location": place})
