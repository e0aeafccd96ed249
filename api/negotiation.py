"""Which form and language a client wants: `f` and `lang`, else what its headers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from fastapi import Request

from gis.errors import ParameterError

VARY = "Accept, Accept-Language"
Form = Literal["json", "html"]
Language = Literal["zh", "en"]
FORM_NAMES: dict[str, Form] = {"json": "json", "geojson": "json", "html": "html"}


@dataclass(frozen=True)
class Wanted:
    """The form of an answer, and its language where people read it."""

    form: Form
    lang: Language


def wanted_form(request: Request, values: Mapping[str, Sequence[str]], *media: str) -> Wanted:
    """The form and language of the answer.

    Parameters
    ----------
    values
        The query's values of `f` and `lang`.
    media
        Media types that mean the machine's form, besides application/json.

    Raises
    ------
    ParameterError
        `f` or `lang` has a value that nothing here has.
    """
    f = values.get("f", [None])[0]
    if f is not None and f not in FORM_NAMES:
        raise ParameterError("f", f"{f[:40]!r} is none of {', '.join(FORM_NAMES)}")
    lang = values.get("lang", [None])[0]
    if lang not in (None, "zh", "en"):
        raise ParameterError("lang", f"{str(lang)[:40]!r} is neither zh nor en")
    form = _accepted(request.headers.get("accept", ""), {"application/json", *media}) if f is None else FORM_NAMES[f]
    return Wanted(form, cast("Language | None", lang) or preferred_language(request))


def _accepted(accept: str, machine: set[str]) -> Form:
    """HTML for whoever prefers it, as browsers do; JSON for everybody else."""
    best, found = 0.0, "json"
    for part in accept.split(","):
        name, _, rest = part.partition(";")
        name = name.strip().lower()
        form = "html" if name in ("text/html", "application/xhtml+xml") else "json" if name in machine else None
        if form is not None and (weight := _weight(rest)) > best:
            best, found = weight, form
    return cast("Form", found)


def _weight(text: str) -> float:
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def preferred_language(request: Request) -> Language:
    """The first language of the browser that our pages have; Chinese where it names neither."""
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.strip().lower()[:2]
        if tag == "en":
            return "en"
        if tag == "zh":
            return "zh"
    return "zh"
