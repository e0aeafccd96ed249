"""The product's server with routes more that others are measured by: one does nothing, the others are bare SQL.

A bare route is the least that a FastAPI application can do: one statement through the same pool, one Response. It knows
no page to come, no other format, no collection but cells.
"""

from __future__ import annotations

from typing import Any

from fastapi import Response
from sqlalchemy import TextClause, text

from api.server import app

COLUMNS = "c.code, a.code AS area_code, a.name AS area_name, c.tier, c.surveyed, c.area_km2, c.geom"
CELLS = f"(SELECT {COLUMNS} FROM cells c JOIN areas a ON a.id = c.area_id WHERE c.retired_at IS NULL"
# Codes and tiers are constrained and need no escaping, names do; the geometry last, because || copies what stands before.
FEATURE = r"""'{"type":"Feature","id":"' || code || '","properties":{"code":"' || code || '","area_code":"' || area_code
 || '","area_name":' || to_json(area_name) || ',"tier":"' || tier || '","surveyed":'
 || CASE WHEN surveyed THEN 'true' ELSE 'false' END || ',"area_km2":' || area_km2
 || '},"geometry":' || ST_AsGeoJSON(ST_ForcePolygonCCW(geom), 7) || '}'""".replace("\n", "")
BY_PAGE = "AND c.code > :after ORDER BY c.code LIMIT :limit) f"
BY_BOX = "AND ST_Intersects(c.geom, ST_MakeEnvelope(:w, :s, :e, :n, 4326)) ORDER BY c.code LIMIT 2000) f"
BY_CODES = (
    "AND c.tier = 'general' AND c.area_km2 > :km2 AND c.code > :low AND c.code <= :high ORDER BY c.code LIMIT 2000) f"
)
BY_SHAPE = (
    "AND ST_Intersects(c.geom, ST_GeomFromText(:shape, 4326)) AND c.area_km2 > :km2 ORDER BY c.code LIMIT 2000) f"
)


def _clause(statement: str) -> TextClause:
    # The colons of JSON are none of SQLAlchemy's parameters.
    return text(statement.replace('":', '"\\:'))


PAGE, BOX, CODES, SHAPE = (
    _clause(f"SELECT string_agg({FEATURE}, ',') FROM {CELLS} {which}")
    for which in (BY_PAGE, BY_BOX, BY_CODES, BY_SHAPE)
)
ALL = _clause(f"SELECT {FEATURE} FROM {CELLS} ORDER BY c.code) f")
TILE = text(
    "SELECT ST_AsMVT(t, 'cells') FROM (SELECT code, count, per_km2,"
    " ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(:z, :x, :y)) AS geom FROM cells_heat"
    " WHERE geom && ST_Transform(ST_TileEnvelope(:z, :x, :y), 4326)) t"
)


@app.get("/noop", include_in_schema=False)
async def noop() -> Response:
    """Do nothing, the fastest way this server can."""
    return Response(b"{}", media_type="application/json")


def _collection(features: str) -> Response:
    return Response('{"type":"FeatureCollection","features":[' + features + "]}", media_type="application/geo+json")


def _features(clause: TextClause, **binds: Any) -> Response:
    with app.state.engine.connect() as conn:
        return _collection(conn.execute(clause, binds).scalar() or "")


@app.get("/bare/all", include_in_schema=False)
def bare_all() -> Response:
    """All cells; a row per feature, because one text of them would be copied too often."""
    with app.state.engine.connect() as conn:
        return _collection(",".join(conn.execute(ALL).scalars()))


@app.get("/bare/page", include_in_schema=False)
def bare_page(limit: int, after: str = "") -> Response:
    """Cells by code."""
    return _features(PAGE, after=after, limit=limit)


@app.get("/bare/box", include_in_schema=False)
def bare_box(w: float, s: float, e: float, n: float) -> Response:
    """Cells that meet a box."""
    return _features(BOX, w=w, s=s, e=e, n=n)


@app.get("/bare/codes", include_in_schema=False)
def bare_codes(low: str, high: str, km2: float) -> Response:
    """Cells of a tier, larger than so much, with codes from here to there."""
    return _features(CODES, low=low, high=high, km2=km2)


@app.get("/bare/shape", include_in_schema=False)
def bare_shape(shape: str, km2: float) -> Response:
    """Cells that meet a polygon and are larger than so much."""
    return _features(SHAPE, shape=shape, km2=km2)


@app.get("/bare/tile/{z}/{x}/{y}", include_in_schema=False)
def bare_tile(z: int, x: int, y: int) -> Response:
    """A tile of the prepared table cells_heat."""
    with app.state.engine.connect() as conn:
        # The planner would read the whole table with parallel workers, which takes 40 ms.
        conn.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        tile = conn.execute(TILE, {"z": z, "x": x, "y": y}).scalar()
    return Response(bytes(tile), media_type="application/vnd.mapbox-vector-tile")
