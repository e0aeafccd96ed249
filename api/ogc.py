"""The door of the OGC APIs: landing page and conformance (OGC 17-069r4, 7.2 and 7.4)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.conformance import CONFORMS_TO
from api.ogc_asked import asked_now
from api.ogc_documents import forms, landing

router = APIRouter(include_in_schema=False)


@router.get("/")
async def get_landing(request: Request) -> Response:
    """What there is, and where."""
    asked = await asked_now(request)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, ("city",))
    return asked.answer("landing", landing(asked.base, asked.city, wanted.form), wanted, validators)


@router.get("/conformance")
async def get_conformance(request: Request) -> Response:
    """Which conformance classes this server keeps."""
    asked = await asked_now(request)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, ())
    document = {"conformsTo": list(CONFORMS_TO), "links": forms(f"{asked.base}/conformance", wanted.form)}
    return asked.answer("conformance", document, wanted, validators)
