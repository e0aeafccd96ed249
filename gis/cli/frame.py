"""What all commands share: the root group, --json, errors and exit codes, the database of the chosen city."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import orjson
from sqlalchemy import Connection, Engine

from gis.errors import ClusterError, FinegridError
from gis.settings import settings
from gis.store.cluster import Cluster
from gis.store.database import create_database_engine, migrate, transaction

REFUSED = 1
DEFAULT_DATABASE = "finegrid"


class Frame(click.Group):
    """A group whose commands answer a FinegridError with its text and exit code 1, as JSON where asked."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors raised on purpose become a message, not a traceback."""
        try:
            return super().invoke(ctx)
        except FinegridError as problem:
            if "--json" in sys.argv:
                sys.stdout.buffer.write(orjson.dumps({"error": type(problem).__name__, "detail": str(problem)}) + b"\n")
            click.echo(f"finegrid: {problem}", err=True)
            ctx.exit(REFUSED)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")


def show(answer: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print an answer as JSON or as text for people."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(answer, default=str) + b"\n")
    else:
        click.echo(text)


def embedded_cluster() -> Cluster:
    """The embedded cluster of these settings.

    Raises
    ------
    ClusterError
        Another server is set, so there is no embedded one to speak of.
    """
    if settings().database_url:
        msg = "FINEGRID_DATABASE_URL names a server of your own; finegrid does not start or stop that one"
        raise ClusterError(msg)
    return Cluster(settings().home, settings().pg_bindir)


def choice_file() -> Path:
    """Where `finegrid city use` keeps its choice."""
    return settings().home / "city"


def chosen_database() -> str:
    """Database of the embedded cluster that commands work on."""
    if settings().city:
        return str(settings().city)
    try:
        return choice_file().read_text().strip() or DEFAULT_DATABASE
    except OSError:
        return DEFAULT_DATABASE


def choose_database(name: str) -> None:
    """Make `name` the database that later commands work on."""
    choice_file().write_text(name + "\n")


@cache
def open_engine(*, pool_size: int = 2) -> Engine:
    """Engine of the chosen city, its server started and its schema up to date."""
    url = settings().database_url
    if url is None:
        cluster = embedded_cluster()
        cluster.start()
        name = chosen_database()
        cluster.create_database(name)
        url = cluster.url(name)
    engine = create_database_engine(url, pool_size=pool_size)
    migrate(engine)
    return engine


@contextlib.contextmanager
def city_transaction(*, read_only: bool = False, snapshot: bool = False) -> Iterator[Connection]:
    """The one transaction of a command."""
    with transaction(open_engine(), read_only=read_only, snapshot=snapshot) as conn:
        yield conn


def parse_mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    """`--map field=column` options as a dict.

    Raises
    ------
    click.BadParameter
        One has no `=` or names a field twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        name, sign, column = pair.partition("=")
        if not sign or not name or not column:
            msg = f"write field=column, not {pair!r}"
            raise click.BadParameter(msg, param_hint="--map")
        if name in mapping:
            msg = f"{name} is mapped twice"
            raise click.BadParameter(msg, param_hint="--map")
        mapping[name] = column
    return mapping
