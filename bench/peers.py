"""tipg, installed into a virtual environment of its own and started as its documentation says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.engine import make_url

from bench.asking import Served, serving

if TYPE_CHECKING:
    from bench.__main__ import Bench

LOCK = Path(__file__).parent / "requirements-peers.lock"
HOME = Path(__file__).parent.parent / ".venv-peers"
# Defaults, but for limits that would cut our pages and tiles short, and the list of tables, which spares tipg work.
SETTINGS = {
    "TIPG_MAX_FEATURES_PER_QUERY": "200000",
    "TIPG_MAX_FEATURES_PER_TILE": "200000",
    "TIPG_DB_TABLES": '["public.cells", "public.cells_heat"]',
}


def installed() -> Path:
    """The folder of the peers' programs; installs them where the lock says otherwise."""
    ready, wanted = HOME / ".ready", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not ready.exists() or ready.read_text() != wanted:
        shutil.rmtree(HOME, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        pip = [str(HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        result = subprocess.run([*pip, "-r", str(LOCK)], check=False, capture_output=True, text=True)
        if result.returncode:
            msg = f"the peers of the bench could not be installed: {result.stderr.strip()[-500:]}"
            raise RuntimeError(msg)
        ready.write_text(wanted)
    return HOME / "bin"


def version() -> str:
    """Which tipg the lock names."""
    return next(line.split()[0] for line in LOCK.read_text().splitlines() if line.startswith("tipg=="))


@contextlib.contextmanager
def tipg(bench: Bench) -> Iterator[Served]:
    """The peer beside ours: one worker each, the same database through the same socket."""
    url = make_url(bench.url)
    # Its settings want a host in the address; asyncpg takes a folder, written with %2F, for the socket in it.
    address = f"postgresql://{url.username}@{quote(str(url.query['host']), safe='')}/{url.database}"
    environment = {**os.environ, **SETTINGS, "DATABASE_URL": address}
    command = [str(installed() / "uvicorn"), "tipg.main:app", "--log-level", "error", "--no-access-log"]
    with serving(command, environment, "/healthz") as server:
        yield server


@contextlib.contextmanager
def finegrid(bench: Bench, app: str = "bench.server:app") -> Iterator[Served]:
    """Our server with the bare routes of bench/server.py."""
    environment = {**os.environ, "FINEGRID_DATABASE_URL": bench.url, "XDG_CACHE_HOME": str(bench.home / "cache")}
    command = [sys.executable, "-m", "uvicorn", app, "--log-level", "error", "--no-access-log"]
    with serving(command, environment, "/noop") as server:
        yield server
