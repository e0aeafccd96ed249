"""Answers in the form that was asked for: JSON, GeoJSON or CSV, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from numpy.typing import NDArray
from sqlalchemy import Connection

from api.parameters import Format
from gis.city import City
from gis.encoding import Feature, csv_pieces, geojson_pieces, json_pieces, to_json

JSON = "application/json"
GEOJSON = "application/geo+json"
CSV = "text/csv; charset=utf-8"
SYNTHETIC_HEADER = "X-Finegrid-Synthetic"
# What the Accept header may name, and which form that is.
FORM_OF: dict[str, Format] = {
    JSON: "json",
    GEOJSON: "geojson",
    "application/vnd.geo+json": "geojson",
    "text/csv": "csv",
}
Row = Mapping[str, Any]


def form_wanted(request: Request, f: Format | None) -> Format:
    """The form that `f` names, else the first one of the Accept header that we have, else JSON."""
    if f is not None:
        return f
    for part in request.headers.get("accept", "").split(","):
        form = FORM_OF.get(part.partition(";")[0].strip().lower())
        if form is not None:
            return form
    return "json"


def synthetic_layers(city: City) -> list[str]:
    """Layers of the city whose provenance says that they were made up."""
    return [layer for layer, facts in city.provenance.items() if facts.get("synthetic")]


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One value as JSON."""
    return Response(to_json(value) + b"\n", status, headers, JSON)


def table_answer(
    request: Request,
    f: Format | None,
    head: Row,
    names: Sequence[str],
    rows: Iterable[Row],
    features: Callable[[], Iterable[Feature]],
    file_name: str,
) -> Response:
    """Rows in the form that was asked for.

    Parameters
    ----------
    head
        What the answer says besides its rows; its `synthetic` becomes a column of the CSV, and a header.
    names
        Columns of the CSV.
    features
        The same rows with geometry; called only for GeoJSON, before the first byte is sent and while the transaction
        is open.
    file_name
        For those who save the CSV, without its ending.
    """
    form = form_wanted(request, f)
    headers = {"Vary": "Accept"} if f is None else {}
    if synthetic := head.get("synthetic"):
        headers[SYNTHETIC_HEADER] = ", ".join(quote(layer) for layer in synthetic)
    if form == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{file_name}.csv"'
        return StreamingResponse(csv_pieces(names, rows, head.get("synthetic", ())), headers=headers, media_type=CSV)
    if form == "geojson":
        return StreamingResponse(geojson_pieces(head, features()), headers=headers, media_type=GEOJSON)
    return StreamingResponse(json_pieces(head, rows), headers=headers, media_type=JSON)


def with_geometry(
    request: Request, conn: Connection, target: str, ids: NDArray[Any], codes: Iterable[str], rows: Iterable[Row]
) -> Callable[[], Iterable[Feature]]:
    """Features of rows whose geometry is that of cells, areas or road segments."""

    def features() -> Iterable[Feature]:
        texts = request.app.state.geometry.of(conn, target, ids)
        return zip(codes, texts, rows, strict=True)

    return features


def form_responses(example: Row) -> dict[int | str, dict[str, Any]]:
    """How the three forms are documented."""
    forms = {JSON: {"schema": {"type": "object"}, "example": example}, GEOJSON: {}, "text/csv": {}}
    return {200: {"description": "The rows, as JSON, GeoJSON (RFC 7946) or CSV", "content": forms}}
