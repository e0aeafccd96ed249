"""The application: every route, every error, every layer around them, put together in one place."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES

from api import (
    bulletins,
    cases,
    catalogue,
    collections,
    coverage,
    density,
    docs,
    draws,
    duty,
    errors,
    evidence,
    exports,
    features,
    goal,
    health,
    hot_spots,
    imports,
    indicators,
    listings,
    locate,
    maps,
    measures,
    ogc,
    ogc_tiles,
    one_feature,
    open311,
    openapi,
    operations,
    patrols,
    policy,
    posting,
    reports,
    response,
    response_map,
    staffing,
    standings,
    tiles,
    webhooks,
)
from api.dependencies import ground_of
from api.metrics import Edge, count_webhook
from api.tile_cache import TileCache
from gis.collections.kept import FeatureStore
from gis.geojson import GeometryTexts
from gis.live import LiveGround
from gis.settings import settings
from gis.store.asking import Questions
from gis.store.version_watch import VersionWatch
from gis.tiles.layers import TileLayers
from gis.webhooks.background import BackgroundCourier
from maps.assets import ASSET_FOLDERS

# Routes are tried in this order, so those that are asked most stand first.
ROUTERS = (
    tiles,
    features,
    locate,
    one_feature,
    density,
    goal,
    hot_spots,
    staffing,
    posting,
    catalogue,
    reports,
    cases,
    indicators,
    response,
    duty,
    listings,
    standings,
    bulletins,
    operations,
    evidence,
    measures,
    policy,
    imports,
    patrols,
    coverage,
    draws,
    open311,
    maps,
    response_map,
    health,
    docs,
    ogc,
    collections,
    ogc_tiles,
    exports,
    webhooks,
)
EXPOSED = ["ETag", "Content-Crs", "X-Finegrid-Synthetic"]
GZIP_LEVEL = 4
"""A third of the work of the usual 6 or 9, for text that is hardly larger."""
PACKED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
STATIC = Path(__file__).parent / "static"
TURNS = 2
THREADS = 4
CONNECTIONS = TURNS + THREADS + exports.AT_ONCE
"""Connections that the engine must be able to give: requests take a turn first, but a thread that reads the ground anew
takes one beside them; exports have their own."""

DESCRIPTION = """A city's problem reports on its grid cells and roads, 城市精细化网格管理.

Days are days of the city; `from` is inclusive, `to` exclusive. Coordinates are WGS 84 longitude, latitude unless a
`datum` says otherwise. `synthetic` names what was made up for lack of open data. Errors are problem documents
(RFC 9457). Writing needs the server's key in `X-API-Key`."""


def create_app(engine: Engine) -> FastAPI:
    """The application over a city's database.

    Parameters
    ----------
    engine
        Should be able to give CONNECTIONS connections; the caller disposes of it.
    """
    live = LiveGround(engine)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        app.state.turns = asyncio.Semaphore(TURNS)
        app.state.exports = exports.ExportTurns()
        app.state.import_turn = asyncio.Lock()
        app.state.bulletin_turn = asyncio.Lock()
        app.state.watch = VersionWatch(engine)
        app.state.questions = Questions(engine, TURNS, settings().query_limit_s)
        live.start()
        courier = BackgroundCourier(engine, settings(), count_webhook) if settings().webhook_delivery else None
        if courier is not None:
            courier.start()
        yield
        live.stop()
        if courier is not None:
            await asyncio.to_thread(courier.stop)
        await app.state.watch.close()
        app.state.questions.close()

    app = FastAPI(
        title="finegrid",
        version=version("finegrid"),
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.engine = engine
    app.state.live = live
    app.state.locate = locate.LocateService(live)
    app.state.geometry = GeometryTexts()
    app.state.asset_root = maps.ASSET_ROOT
    app.state.city = app.state.extent = None
    app.state.counts = OrderedDict()
    app.state.features = FeatureStore()
    app.state.bulletins = OrderedDict()
    app.state.tasks = set()
    app.state.tiles = TileLayers(lambda conn: ground_of(conn, live))
    app.state.tile_cache = TileCache()
    methods: dict[str, set[str]] = defaultdict(set)
    for module in ROUTERS:
        app.include_router(module.router)
        _note_methods(module.router, methods)
    app.state.methods = methods
    app.state.paths = sorted(route.path for module in ROUTERS for route in module.router.routes)
    app.mount("/static/docs", StaticFiles(directory=STATIC / "docs"), name="static-docs")
    for name, folder in ASSET_FOLDERS.items():
        app.mount(f"{maps.ASSET_ROOT}/{name}", StaticFiles(directory=folder), name=f"maps-{name}")
    app.add_middleware(GZipMiddleware, compresslevel=GZIP_LEVEL, exclude_content_types=PACKED)
    if origins := [one.strip() for one in settings().cors_origins.split(",") if one.strip()]:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], expose_headers=EXPOSED, max_age=3600
        )
    app.add_middleware(Edge)
    errors.install(app)
    openapi.describe(app)
    return app


def _note_methods(router: APIRouter, methods: dict[str, set[str]]) -> None:
    """Which methods each path takes, as 405 has to say."""
    for route in router.routes:
        methods[route.path_regex.pattern] |= route.methods  # type: ignore[attr-defined]
