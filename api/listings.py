"""GET and POST /listings: the worst segments and spots under supervision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.bodies import JsonBody
from api.cases import checked
from api.dependencies import KeyHolder, Reading, Writing
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer
from api.parameters import Day, FormatChoice, OperationCode, only_known
from api.validators import valid_by
from gis.city import read_city
from gis.encoding import Feature
from gis.errors import ParameterError
from gis.listing_by_hand import HandMade, list_by_hand
from gis.listing_reads import COLUMNS, OPEN, ListingQuery, list_listings, listing_shapes, read_listing
from gis.listings import record
from gis.operations import inside, named
from gis.rules.periods import Period, parse_period
from gis.rules.supervision import CREATING, MOVES, STATES
from gis.worst import COLUMNS as WORST_COLUMNS
from gis.worst import Worst, worst

router = APIRouter(tags=["listings"], dependencies=[Depends(only_known)])
LAYERS = ("city", "listings", "roads", "areas", "responsibles", "policy")
Text = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(max_length=200)]
ListingId = Annotated[int, Path(ge=1, lt=1 << 63, description="Number of the listing")]
Degrees = Annotated[float, Field(ge=-1e9, le=1e9)]
State = Annotated[
    str | None, Query(description=f"{OPEN} (on the public list), or one of {', '.join(STATES)}; any if not given")
]
PeriodText = Annotated[
    str | None, Query(description="Ten-day period 2016-06-T1 whose reports they stand for, or a month", max_length=40)
]
Kind = Annotated[str | None, Query(description="segment or spot; both if not given")]
Street = Annotated[str | None, Query(description="Code of a street or district; anywhere if not given")]
On = Annotated[Day | None, Query(description="Day for which deadlines are counted; today if not given")]


class NewListing(BaseModel):
    """A proposal that goes on the list, or a place that does so by hand."""

    model_config = ConfigDict(extra="forbid")

    actor: Name = Field(description="Who lists it", examples=["supervision office"])
    proposal: Annotated[int, Field(ge=1, lt=1 << 63)] | None = Field(None, description="Number of a proposed listing")
    segment: Name | None = Field(None, description="By hand: code of a road segment", examples=["R000017"])
    lon: Degrees | None = Field(None, description="By hand: a spot, in degrees")
    lat: Degrees | None = Field(None, description="By hand: a spot, in degrees")
    datum: Name | None = Field(None, description="What lon and lat mean: wgs84, cgcs2000, gcj02 or bd09")
    period: Name | None = Field(None, description="By hand: whose reports it stands for; that of `at` if not given")
    reason: Text | None = Field(None, description="Why; needed by hand")
    at: AwareDatetime | None = Field(None, description="When; now if not given")


class NewListingEvent(BaseModel):
    """Something that happens to a listing."""

    model_config = ConfigDict(extra="forbid")

    move: Name = Field(description=", ".join(name for name in MOVES if name not in CREATING), examples=["rectify"])
    actor: Name = Field(description="Who did it", examples=["street office"])
    at: AwareDatetime | None = Field(None, description="When it happened; now if not given")
    reason: Text | None = Field(None, description="Why; needed by dismiss, reject and put_back")
    expected: Annotated[int, Field(ge=1, lt=1 << 31)] | None = Field(
        None, description="How many events the listing has as far as the sender knows; 409 where it has more"
    )


def _body_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def named_period(text: str) -> Period:
    """A period as clients write it.

    Raises
    ------
    ParameterError
        It is none.
    """
    try:
        return parse_period(text)
    except ValueError as problem:
        raise ParameterError("period", str(problem)) from problem


EXAMPLE = {
    "on": "2016-06-20",
    "synthetic": [],
    "rows": [
        {
            "id": 1,
            "kind": "segment",
            "period": "2016-06-T1",
            "rank": 1,
            "code": "R000017",
            "name": "春安路",
            "street_code": "410104007",
            "street_name": "陇海马路街道",
            "responsible": "张三",
            "state": "rectifying",
            "reports": 9,
            "score": 94.25,
            "due_on": "2016-06-22",
            "days_left": 2,
            "overdue_days": 0,
        }
    ],
}


@router.get(
    "/listings/worst",
    summary="The worst segments and spots of a period",
    description="Worked out anew from the reports, by the rule that the answer says in words. `listing` is the listing "
    "under which a place is open already. Rows of the kind `shared` are coordinates that too many reports share, such "
    "as a geocoder's default: shown apart, never proposed.",
    responses=form_responses({"period": "2016-06-T1", "rows": []}),
    dependencies=[valid_by("city", "reports", "categories", "roads", "areas", "listings", "policy")],
)
def get_worst(
    request: Request,
    conn: Reading,
    period: Annotated[str, Query(description="2016-06-T1, -T2 or -T3, or a month 2016-06", max_length=40)],
    f: FormatChoice = None,
) -> Response:
    """Work out a period's worst places."""
    found = worst(conn, named_period(period))
    head = {
        "period": found.period.name,
        "from": found.period.first,
        "to": found.period.after,
        "rule": found.rule(),
        "synthetic": synthetic_layers(read_city(conn)),
    }
    names = [*WORST_COLUMNS, "worked_out"]
    file_name = f"worst-{found.period.name}"
    return table_answer(request, f, head, names, found.rows(), lambda: _worst_features(request, conn, found), file_name)


def _worst_features(request: Request, conn: Connection, found: Worst) -> list[Feature]:
    """Lines of segments, ground of spots, points of shared coordinates."""
    ids = np.array([row["segment_id"] for row in found.segments], np.int32)
    shapes: list[bytes] = request.app.state.geometry.of(conn, "road_segments", ids)
    shapes += [shapely.to_geojson(spot.ground).encode() for spot in found.found]
    shapes += [shapely.to_geojson(shapely.Point(row["lon"], row["lat"])).encode() for row in found.shared]
    return [(f"{row['kind']}-{row['rank']}", shape, row) for row, shape in zip(found.rows(), shapes, strict=True)]


@router.get(
    "/listings",
    summary="Places under supervision",
    description="Worst segments and spots with their deadline, the days left or over it, and who answers. GeoJSON has "
    "the line of a segment and the ground of a spot: all within reach of its reports. With an operation: "
    "places inside it that were on the list at some time of it, or proposed for a period that it shares a day with.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by(*LAYERS, "operations", daily=True)],
)
def get_listings(
    request: Request,
    conn: Reading,
    state: State = None,
    period: PeriodText = None,
    kind: Kind = None,
    street: Street = None,
    on: On = None,
    operation: OperationCode = None,
    f: FormatChoice = None,
) -> Response:
    """The list."""
    city = read_city(conn)
    within = None if operation is None else inside(conn, operation)
    today = on or datetime.now(city.zone).date()
    chosen = ListingQuery(state, None if period is None else named_period(period), kind, street, within)
    rows = list_listings(conn, chosen, today)
    head = {"on": today, **named(within), "synthetic": synthetic_layers(city)}

    def features() -> Iterable[Feature]:
        shapes = listing_shapes(conn, [row["id"] for row in rows])
        return [(str(row["id"]), shapes[row["id"]], row) for row in rows]

    return table_answer(request, f, head, COLUMNS, rows, features, f"listings-{today}")


@router.get(
    "/listings/{listing_id}",
    summary="One listing with its history",
    description="What is known of it, its score worked out, the rule it was named by, the reports it stands for, which "
    "moves its state allows, and every event with time, actor and reason.",
    dependencies=[valid_by(*LAYERS, "reports", "categories", daily=True)],
)
def get_listing(conn: Reading, listing_id: ListingId, on: On = None) -> Response:
    """One listing."""
    return json_answer(read_listing(conn, listing_id, on or datetime.now(read_city(conn).zone).date()))


@router.post(
    "/listings",
    status_code=201,
    summary="Put a place on the list",
    description="A `proposal` by its number, or by hand a `segment` by its code or a spot by `lon`, `lat` and `datum`. "
    "409 where the place is on the list already.",
    dependencies=[KeyHolder],
    openapi_extra=_body_of(NewListing),
)
def post_listing(body: JsonBody, conn: Writing) -> Response:
    """List a place."""
    sent: NewListing = checked(NewListing, body)
    now = datetime.now(UTC)
    if sent.proposal is not None:
        for name in ("segment", "lon", "lat", "datum", "period"):
            if getattr(sent, name) is not None:
                msg = "does not go with a proposal, which knows its place"
                raise ParameterError(name, msg)
        listing_id = sent.proposal
        record(conn, listing_id, "list", sent.actor, now, sent.at, sent.reason)
    else:
        place = HandMade(
            sent.actor,
            sent.reason or "",
            sent.segment,
            sent.lon,
            sent.lat,
            sent.datum,
            None if sent.period is None else named_period(sent.period),
            sent.at,
        )
        listing_id = list_by_hand(conn, place, now)
    answer = read_listing(conn, listing_id, now.astimezone(read_city(conn).zone).date())
    return json_answer(answer, 201, {"Location": f"/listings/{listing_id}"})


@router.post(
    "/listings/{listing_id}/events",
    status_code=201,
    summary="Let something happen to a listing",
    description="Legal moves only: 409 says which there are, and that whoever rectified may not verify. The history is "
    "append-only; two senders are told apart by `expected`.",
    dependencies=[KeyHolder],
    openapi_extra=_body_of(NewListingEvent),
)
def post_listing_event(listing_id: ListingId, body: JsonBody, conn: Writing) -> Response:
    """Record a move."""
    sent: NewListingEvent = checked(NewListingEvent, body)
    now = datetime.now(UTC)
    record(conn, listing_id, sent.move, sent.actor, now, sent.at, sent.reason, sent.expected)
    return json_answer(read_listing(conn, listing_id, now.astimezone(read_city(conn).zone).date()), 201)
