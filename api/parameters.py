"""Query parameters as every route reads them: strict, and explained where they are wrong."""

from __future__ import annotations

import difflib
import math
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import BeforeValidator
from sqlalchemy import Connection

from api.dependencies import Reading
from gis.collections.requests import iso_day
from gis.density import BBox, DensityQuery
from gis.errors import NotFound, ParameterError
from gis.operations import Inside, inside


def box(text: str | None) -> BBox | None:
    """West, south, east, north in degrees, separated by commas.

    Raises
    ------
    ParameterError
        There are not four finite numbers.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        msg = f"{text[:80]!r} is no box; four numbers west,south,east,north such as 113.6,34.7,113.7,34.8 are right"
        raise ParameterError("bbox", msg)
    west, south, east, north = numbers
    return west, south, east, north


Day = Annotated[date, BeforeValidator(iso_day, json_schema_input_type=str)]
FromDay = Annotated[Day, Query(alias="from", description="First day, in the city's time zone", examples=["2016-05-01"])]
ToDay = Annotated[Day, Query(alias="to", description="Day after the last one", examples=["2016-06-01"])]
OpenFromDay = Annotated[Day | None, Query(alias="from", description="First day, in the city's time zone")]
OpenToDay = Annotated[Day | None, Query(alias="to", description="Day after the last one")]
Categories = Annotated[
    list[str],
    Query(
        alias="category",
        description="Code or name of the dictionary (GET /categories), event:CODE where it is ambiguous, or one of the "
        "four chaoses: chaos:parking, chaos:trading, chaos:rubbish, chaos:posters, chaos:any; repeat it for several",
    ),
]
Sources = Annotated[
    list[str],
    Query(alias="source", description="Name of a source (GET /sources), or kind:citizen; repeat it for several"),
]
BoxText = Annotated[
    str | None, Query(alias="bbox", description="west,south,east,north in WGS 84 degrees: what meets it")
]
WithoutShared = Annotated[
    bool,
    Query(description="Leave out reports on coordinates shared by suspiciously many, such as a geocoder's default"),
]
Format = Literal["json", "geojson", "csv"]
FormatChoice = Annotated[Format | None, Query(description="Form of the answer; else by the Accept header; else json")]


OperationCode = Annotated[
    str | None,
    Query(
        description="Code of a special operation (GET /operations): only what lies inside its polygon and window; "
        "`from` and `to` then narrow it, and may be left out"
    ),
]


def needed_days(from_day: date | None, to_day: date | None) -> tuple[date, date]:
    """A window that must have both ends.

    Raises
    ------
    ParameterError
        One is missing.
    """
    if from_day is None or to_day is None:
        msg = "is missing; an ISO day such as 2016-06-01 is right"
        raise ParameterError("from" if from_day is None else "to", msg)
    return from_day, to_day


def days_or_operation(
    conn: Connection, operation: str | None, from_day: date | None, to_day: date | None
) -> tuple[date, date, Inside | None]:
    """The days that are asked for, and the inside of the special operation where one is named.

    Raises
    ------
    ParameterError
        A day is missing, there is no such operation, or it has no such day.
    """
    if operation is None:
        return *needed_days(from_day, to_day), None
    found = inside(conn, operation, from_day, to_day)
    return found.from_day, found.to_day, found


def density_query(
    conn: Reading,
    from_day: OpenFromDay = None,
    to_day: OpenToDay = None,
    category: Categories = [],  # noqa: B006 - FastAPI copies it
    source: Sources = [],  # noqa: B006
    bbox: BoxText = None,
    operation: OperationCode = None,
    *,
    without_shared: WithoutShared = False,
) -> DensityQuery:
    """The parameters that say what is counted."""
    first, after, within = days_or_operation(conn, operation, from_day, to_day)
    return DensityQuery(first, after, tuple(category), tuple(source), box(bbox), without_shared, within)


def window(from_day: OpenFromDay = None, to_day: OpenToDay = None) -> tuple[date | None, date | None]:
    """A window that may be open at either end.

    Raises
    ------
    ParameterError
        It ends before it begins.
    """
    if from_day is not None and to_day is not None and to_day <= from_day:
        msg = f"must be after from={from_day}; it is exclusive, so one day is from=2016-06-01 and to=2016-06-02"
        raise ParameterError("to", msg)
    return from_day, to_day


async def only_known(request: Request) -> None:
    """Refuse parameters that the route does not have, has given twice, or that hold a null character.

    A misspelt filter that is passed over would answer another question than was asked.

    Raises
    ------
    ParameterError
        Naming the parameter, and the one that was probably meant.
    NotFound
        The path holds a null character, so nothing can have that name.
    """
    if any("\0" in str(value) for value in request.path_params.values()):
        msg = "nothing here has a null character in its name"
        raise NotFound(msg)
    if not request.scope["query_string"]:
        return
    known = _names_of(request.scope["route"])
    seen = set()
    for name, value in request.query_params.multi_items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            there = f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none here'}"
            raise ParameterError(name[:60], f"there is no such parameter; {there}")
        if name in seen and not known[name]:
            raise ParameterError(name, "is given twice")
        if "\0" in value:
            raise ParameterError(name, "holds a null character")
        seen.add(name)


REPEATABLE = ("category", "source", "state", "cap")
_NAMES: dict[Any, dict[str, bool]] = {}


def _names_of(route: Any) -> dict[str, bool]:
    """Names of a route's query parameters, and whether each may be repeated; found out once."""
    if (found := _NAMES.get(route.endpoint)) is not None:
        return found
    found = _NAMES[route.endpoint] = {}
    waiting: list[Dependant] = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        for field in dependant.query_params:
            found[field.alias] = field.name in REPEATABLE
        waiting += dependant.dependencies
    return found
