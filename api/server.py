"""The application as a server's worker imports it: `uvicorn api.server:app`; settings decide the city."""

from __future__ import annotations

from api.app import CONNECTIONS, create_app
from gis.cli.frame import open_engine

app = create_app(open_engine(pool_size=CONNECTIONS))
