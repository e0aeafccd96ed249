"""GET and POST /standings: ranks of streets every ten days and of districts every month, with money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.bodies import JsonBody, body_of, checked
from api.dependencies import KeyHolder, Reading, Writing, WritingOneMoment, ground_of
from api.encoding import form_responses, json_answer, synthetic_layers, table_answer, with_geometry
from api.listings import named_period
from api.parameters import FormatChoice, only_known
from api.validators import valid_by
from gis.city import City, read_city
from gis.encoding import Feature, to_json
from gis.errors import NotFound, ParameterError
from gis.fact_text import unpacked
from gis.rules.periods import Period
from gis.standing_reads import COLUMNS, MOST_CAUSES, Standing, list_standings, newest_period, opened, read_standing
from gis.standing_words import LANGUAGES, explain
from gis.standings import draft, level_of, publish

router = APIRouter(tags=["standings"], dependencies=[Depends(only_known)])
LAYERS = ("city", "standings", "areas")
CAUSE_COLUMNS = (
    "kind",
    "points",
    "category",
    "source",
    "source_ref",
    "reports",
    "exposed",
    "times",
    "segment",
    "road",
    "lon",
    "lat",
    "case",
    "step",
    "verdict",
    "seconds",
    "listing",
    "days",
    "draw",
    "mean_g_per_m2",
    "limit_g_per_m2",
    "incident",
    "title",
    "enforcement_needed",
    "enforcement_valid",
    "code",
    "name",
    "period",
    "revision",
)
Name = Annotated[str, Field(max_length=200)]
Reason = Annotated[str, Field(max_length=2000)]
LevelPath = Annotated[str, Path(description="street or district, as the period ranks them", max_length=20)]
PeriodPath = Annotated[str, Path(description="2016-06-T1, -T2 or -T3, or a month 2016-06", max_length=40)]
Revision = Annotated[
    int | None, Query(ge=1, lt=1 << 15, description="Which one; the newest published, else the draft, if not given")
]
Language = Annotated[str, Query(description="Language of the sentences: en or zh", max_length=20)]

ROW_EXAMPLE = {
    "rank": 1,
    "code": "410108004",
    "name": "大河路街道",
    "deduction": 4.3,
    "area_km2": 3.11,
    "density": 1.382636,
    "score": 98.62,
    "provisional": False,
    "reward_yuan": 200000,
    "rank_low": 1,
    "rank_high": 4,
}
EXAMPLE = {
    "level": "street",
    "period": "2016-06-T1",
    "revision": 1,
    "state": "published",
    "facts_sha256": "9f6a...",
    "previous_sha256": "0000...",
    "rows": [ROW_EXAMPLE],
}


class NewDraft(BaseModel):
    """A standing to be worked out."""

    model_config = ConfigDict(extra="forbid")

    period: Name = Field(description="Ten-day period or month", examples=["2016-06-T1"])
    actor: Name = Field(min_length=1, description="Who drafts it", examples=["assessment office"])
    reason: Reason | None = Field(None, description="What was wrong; needed where the period was published already")


class Publication(BaseModel):
    """Who publishes which draft."""

    model_config = ConfigDict(extra="forbid")

    period: Name = Field(description="Ten-day period or month whose draft it is", examples=["2016-06-T1"])
    actor: Name = Field(min_length=1, description="Who publishes it", examples=["assessment office"])
    expected: Name | None = Field(
        None, description="facts_sha256 of the draft that was looked at; 409 if it is another"
    )


def _checked_level(city: City, level: str | None, period: Period, *, in_path: bool = False) -> str:
    """What the period ranks, which must be what was asked for.

    Raises
    ------
    ParameterError, NotFound
        It is another level; as part of an address that is no such thing.
    """
    right = level_of(city, period)
    if level not in (None, right):
        msg = f"{period.name} ranks {right}s, not {str(level)[:20]!r}: ten-day periods rank streets, months districts"
        if in_path:
            raise NotFound(msg)
        raise ParameterError("level", msg)
    return right


def _asked(conn: Connection, level: str, period: str, revision: int | None) -> Standing:
    named = named_period(period)
    return read_standing(conn, _checked_level(read_city(conn), level, named, in_path=True), named, revision)


@router.get(
    "/standings",
    summary="The standing of a period",
    description="Rank by points of deductions per km2 of responsible area, fewer is better; ties share a rank "
    "(1, 2, 2, 4). `provisional`: the survey fell short, no money moves. `reward_yuan` below zero is a penalty. "
    "`rank_low` and `rank_high`: between them the rank is uncertain, because counts are; `apart` false: it cannot be "
    "told apart from its neighbours. A published standing never changes; a correction is a further `revision`.",
    responses=form_responses(EXAMPLE),
    dependencies=[valid_by(*LAYERS)],
)
def get_standing(
    request: Request,
    conn: Reading,
    level: Annotated[
        str | None, Query(description="street or district; what the period ranks, if not given", max_length=20)
    ] = None,
    period: Annotated[
        str | None,
        Query(
            description="2016-06-T1 (streets) or 2016-06 (districts); the newest published if not given", max_length=40
        ),
    ] = None,
    revision: Revision = None,
    f: FormatChoice = None,
) -> Response:
    """A period's rows."""
    city = read_city(conn)
    named = newest_period(conn, level) if period is None else named_period(period)
    found = read_standing(conn, _checked_level(city, level, named), named, revision)
    ids = np.array([row["area_id"] for row in found.rows], np.int32)
    rows = found.shown()
    features = with_geometry(request, conn, "areas", ids, (row["code"] for row in rows), rows)
    head = found.head() | {"synthetic": synthetic_layers(city)}
    return table_answer(request, f, head, COLUMNS, rows, features, f"standing-{named.name}")


@router.get(
    "/standings/chain",
    summary="Every draft and publication",
    description="Newest period first. `link` is the place in the chain of publications: each holds the digest of the "
    "one before, so that nothing can be changed unseen. `finegrid standings verify` works all of them out anew.",
    dependencies=[valid_by("standings")],
)
def get_chain(conn: Reading) -> Response:
    """What there is."""
    return json_answer({"rows": list_standings(conn)})


@router.get(
    "/standings/{level}/{period}/facts",
    summary="The facts that a standing was worked out from",
    description="Byte for byte: SHA-256 of the answer is `facts_sha256`. A line of JSON, then tables as CSV.",
    responses={200: {"description": "The canonical text", "content": {"text/plain": {}}}},
    dependencies=[valid_by("standings", "city")],
)
def get_facts(conn: Reading, level: LevelPath, period: PeriodPath, revision: Revision = None) -> Response:
    """The canonical text."""
    found = _asked(conn, level, period, revision)
    name = f"facts-{found.record.period}-{found.record.revision}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(unpacked(found.record.facts), headers=headers, media_type="text/plain; charset=utf-8")


@router.get(
    "/standings/{level}/{period}/{area_code}",
    summary="One row opened down to every deduction and its cause",
    description="`sentences` say why it stands where it stands. `terms` add up to the deduction. `causes` are the "
    f"single deductions, largest first, the first {MOST_CAUSES:,}; of problems with the report and its coordinate. "
    "GeoJSON has the problems as points, CSV all causes.",
    responses=form_responses({**EXAMPLE, "row": ROW_EXAMPLE}),
    dependencies=[valid_by(*LAYERS)],
)
def get_opened(
    request: Request,
    conn: Reading,
    level: LevelPath,
    period: PeriodPath,
    area_code: Annotated[str, Path(description="Code of the street or district", max_length=40)],
    revision: Revision = None,
    lang: Language = LANGUAGES[0],
    f: FormatChoice = None,
) -> Response:
    """A row, its sum, its causes."""
    if lang not in LANGUAGES:
        msg = f"{lang!r} is none of {', '.join(LANGUAGES)}"
        raise ParameterError("lang", msg)
    found = _asked(conn, level, period, revision)
    deep = opened(found, area_code)
    head = found.head() | {
        "synthetic": synthetic_layers(read_city(conn)),
        "row": {name: deep.row[name] for name in COLUMNS},
        "sentences": explain(conn, found, area_code, lang),
        "terms": deep.terms,
        "causes": len(deep.causes),
    }

    def features() -> Iterable[Feature]:
        placed = (cause for cause in deep.causes if "lon" in cause)
        return ((f"{one['source']}:{one['source_ref']}", _point(one), one) for one in placed)

    shown: list[dict[str, Any]] = deep.causes if f == "csv" else deep.causes[:MOST_CAUSES]
    return table_answer(request, f, head, CAUSE_COLUMNS, shown, features, f"standing-{found.record.period}-{area_code}")


def _point(cause: dict[str, Any]) -> bytes:
    return to_json({"type": "Point", "coordinates": [cause["lon"], cause["lat"]]})


@router.post(
    "/standings",
    status_code=201,
    summary="Draft a standing",
    description="Works the period out and keeps it as its draft, in place of an earlier one. A period that was "
    "published already needs a `reason`: the draft is of its next revision.",
    dependencies=[KeyHolder],
    openapi_extra=body_of(NewDraft),
)
def post_draft(request: Request, body: JsonBody, conn: WritingOneMoment) -> Response:
    """Work it out."""
    sent: NewDraft = checked(NewDraft, body)
    ground = ground_of(conn, request.app.state.live)
    found = draft(conn, ground, named_period(sent.period), sent.actor, datetime.now(UTC), sent.reason)
    location = f"/standings?period={found.period}&revision={found.revision}"
    return json_answer(found.__dict__, 201, {"Location": location})


@router.post(
    "/standings/publications",
    status_code=201,
    summary="Publish the draft of a period",
    description="From then on it never changes. 409 where the draft is another one than `expected`, the period is not "
    "over, or the one before was not published.",
    dependencies=[KeyHolder],
    openapi_extra=body_of(Publication),
)
def post_publication(body: JsonBody, conn: Writing) -> Response:
    """Publish it."""
    sent: Publication = checked(Publication, body)
    named = named_period(sent.period)
    record = publish(conn, read_city(conn), named, sent.actor, datetime.now(UTC), sent.expected)
    found = read_standing(conn, record.level, named, record.revision)
    return json_answer(found.head(), 201, {"Location": f"/standings?period={named.name}&revision={record.revision}"})
