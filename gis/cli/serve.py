"""`finegrid serve`: the HTTP API and the maps."""

from __future__ import annotations

import copy
import errno
import ipaddress
import os
import socket
import tempfile
from typing import Any

import click
import uvicorn

from gis.city import read_city
from gis.cli.frame import city_transaction, json_option, show
from gis.errors import Conflict, NotAllowed
from gis.settings import settings

APPLICATION = "api.server:app"
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer; one per core."
)
@click.option("--access-log", is_flag=True, help="Write a line per request to stderr.")
@json_option
def serve_command(*, host: str, port: int, workers: int, access_log: bool, as_json: bool) -> None:
    r"""Serve the city over HTTP until interrupted.

    On the loopback address anybody on this machine may read; writing needs FINEGRID_API_KEY (16 characters or more). On
    any other address the server does not start without that key. It speaks plain HTTP: put a proxy with TLS in front of
    it where the network is not your own.

    \b
    Examples:
      finegrid serve
      FINEGRID_API_KEY=... finegrid serve --host 0.0.0.0 --port 80 --workers 4

    /docs describes the API, /maps/heatmap is the map, /metrics is for Prometheus.
    """
    check_key(host)
    check_port(host, port)
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    text = f"{city.name_en} at {address}   (map {address}/maps/heatmap, API {address}/docs; stop with Ctrl-C)"
    show({"city": city.slug, "url": address, "workers": workers}, text, as_json=as_json)
    with tempfile.TemporaryDirectory(prefix="finegrid_metrics_") as folder:
        if workers > 1:
            # Several workers put their numbers together in files; each finds the folder by this name.
            os.environ[METRICS_FOLDER] = folder
        uvicorn.run(
            APPLICATION,
            host=host,
            port=port,
            workers=workers,
            access_log=access_log,
            log_config=logging_to_stderr(),
            log_level="info" if access_log else "warning",
            server_header=False,
        )


def logging_to_stderr() -> dict[str, Any]:
    """Uvicorn's own logging, with the lines of requests where all others are: stdout is for what a script reads."""
    config = copy.deepcopy(uvicorn.config.LOGGING_CONFIG)
    config["handlers"]["access"]["stream"] = "ext://sys.stderr"
    return config


def check_key(host: str) -> None:
    """Refuse to be open to others without a key.

    Raises
    ------
    NotAllowed
        The address is not a loopback address and no key is configured.
    """
    if settings().api_key is None and not is_loopback(host):
        msg = (
            f"{host} can be reached from other machines, so a key is needed: set FINEGRID_API_KEY to 16 characters or "
            "more (openssl rand -hex 16 makes one), or serve on 127.0.0.1"
        )
        raise NotAllowed(msg)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; a name counts only if all that it stands for does."""
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(addresses) and all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in addresses)


def check_port(host: str, port: int) -> None:
    """Say what to do where somebody else listens there already.

    Raises
    ------
    Conflict
        The port is taken, not for this account, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as problem:
        reasons = {
            errno.EADDRINUSE: f"port {port} on {host} is taken, perhaps by another `finegrid serve`. Stop that one, or "
            f"take another port: finegrid serve --port {other_port(port)} (make demo PORT={other_port(port)})",
            errno.EACCES: f"port {port} is for root only; from 1024 on they are for all: finegrid serve --port 8000",
            errno.EADDRNOTAVAIL: f"{host} is no address of this machine; 127.0.0.1 is, and 0.0.0.0 stands for all",
        }
        msg = reasons.get(problem.errno or 0, f"cannot listen on {host}:{port}: {problem}")
        raise Conflict(msg) from problem


def other_port(port: int) -> int:
    """A neighbour to suggest."""
    return port + 1 if port < 65535 else port - 1
