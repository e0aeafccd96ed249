"""GET /bulletins/{period}: what people take to the meeting, as a page, a PDF, a workbook or plain values."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from api.dependencies import Reading, ground_of, in_turn
from api.encoding import SYNTHETIC_HEADER, json_answer, synthetic_layers
from api.listings import named_period
from api.maps import Lang
from api.negotiation import preferred_language
from api.parameters import only_known
from api.standings import PeriodPath, Revision
from api.validators import valid_by
from gis.bulletins.book import bulletin_book
from gis.bulletins.gathered import Bulletin, bulletin
from gis.bulletins.ground import read_shapes
from gis.bulletins.words import TEXTS, Language
from gis.city import read_city
from gis.standing_reads import list_standings
from maps.bulletin_page import bulletin_page
from maps.bulletin_pdf import pdf_by_process

router = APIRouter(tags=["bulletins"], dependencies=[Depends(only_known)])
Form = Literal["html", "pdf", "xlsx", "json"]
FORMS: dict[Form, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
LAYERS = ("city", "standings", "areas", "cells", "roads", "reports", "categories", "listings", "policy")
KEPT = 8
"""So many PDF are kept in memory, by the page they were made from: a page takes a millisecond to compare, a PDF seconds
to make."""


@router.get(
    "/bulletins",
    summary="Which bulletins there are",
    description="One for each draft and publication, newest period first, with the addresses of its forms.",
    dependencies=[valid_by("city", "standings")],
)
def list_bulletins(conn: Reading) -> Response:
    """Every draft and publication."""
    rows = [
        {
            **{name: row[name] for name in ("period", "level", "revision", "state", "published_at", "facts_sha256")},
            "links": {form: f"/bulletins/{row['period']}?revision={row['revision']}&f={form}" for form in FORMS},
        }
        for row in list_standings(conn)
    ]
    return json_answer({"synthetic": synthetic_layers(read_city(conn)), "rows": rows})


@router.get(
    "/bulletins/{period}",
    summary="The bulletin of a period",
    description="Standing with money and changes since the period before, the worst segments and spots with small "
    "maps, overdue listings, the four chaoses by district, and the method with the numbers of its policy. As a page "
    "that asks no other server for anything (`html`, prints on A4), a PDF, a workbook or plain values. A draft says so "
    "on every page. The same data give the same bytes: a bulletin has no clock but that of its publication.",
    responses={
        200: {
            "description": "The bulletin",
            "content": {media.partition(";")[0]: {} for media in FORMS.values()},
        }
    },
    dependencies=[valid_by(*LAYERS, languages=True)],
)
async def get_bulletin(
    request: Request,
    period: PeriodPath,
    level: Annotated[
        str | None, Query(description="street or district; what the period ranks if not given", max_length=20)
    ] = None,
    revision: Revision = None,
    lang: Lang = None,
    f: Annotated[
        Form | None, Query(description="html, pdf, xlsx or json; else by the Accept header; else html")
    ] = None,
) -> Response:
    """Make the bulletin."""
    named, form, spoken = named_period(period), f or _accepted(request), lang or preferred_language(request)

    def gather(conn: Connection) -> tuple[Bulletin, str | bytes | None]:
        found = bulletin(conn, ground_of(conn, request.app.state.live), named, level, revision)
        if form == "json":
            return found, None
        if form == "xlsx":
            return found, bulletin_book(found, spoken)
        shapes = read_shapes(conn, found)
        if form == "pdf":
            return found, bulletin_page(found, shapes, lang=spoken)
        links, other = _links(request, spoken)
        return found, bulletin_page(found, shapes, lang=spoken, links=links, other=other)

    found, made = await in_turn(request, gather)
    if made is None:
        return json_answer(found.plain())
    headers = {"Content-Language": "zh-CN" if spoken == "zh" else "en"}
    if found.synthetic:
        headers[SYNTHETIC_HEADER] = ", ".join(quote(layer) for layer in found.synthetic)
    if form != "html":
        kind = "inline" if form == "pdf" else "attachment"
        headers["Content-Disposition"] = f'{kind}; filename="{file_name(found, spoken)}.{form}"'
    if form == "pdf":
        made = await _pdf(request, str(made), found.standing.record.facts_sha256)
    return Response(made, headers=headers, media_type=FORMS[form])


def file_name(found: Bulletin, lang: Language) -> str:
    """What a bulletin is called where it is saved, without its ending."""
    record = found.standing.record
    state = f"r{record.revision}" if found.published else "draft"
    return f"{found.city.slug}-bulletin-{record.period}-{state}-{lang}"


def _accepted(request: Request) -> Form:
    """The first form of the Accept header that there is, else the page."""
    for part in request.headers.get("accept", "").split(","):
        name = part.partition(";")[0].strip().lower()
        for form, media in FORMS.items():
            if name == media.partition(";")[0]:
                return form
    return "html"


def _links(request: Request, lang: Language) -> tuple[list[tuple[str, str]], str]:
    """Addresses of the other forms and of the other language, for the screen."""
    asked = {name: value for name, value in request.query_params.items() if name not in ("f", "lang")}

    def address(**more: str) -> str:
        return f"?{urlencode({**asked, **more})}"

    text = TEXTS[lang]
    links = [(text["as_pdf"], address(lang=lang, f="pdf")), (text["as_xlsx"], address(lang=lang, f="xlsx"))]
    return links, address(lang="en" if lang == "zh" else "zh", f="html")


async def _pdf(request: Request, page: str, identifier: str) -> bytes:
    """The PDF of a page: made once, one after the other, by a process of its own."""
    kept, key = request.app.state.bulletins, hashlib.sha256(page.encode()).digest()
    async with request.app.state.bulletin_turn:
        if key not in kept:
            kept[key] = await run_in_threadpool(pdf_by_process, page, identifier)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        made: bytes = kept[key]
    return made
