"""`finegrid db`: the embedded database."""

from __future__ import annotations

import click

from gis.cli.frame import chosen_database, embedded_cluster, json_option, show
from gis.settings import settings
from gis.store.database import create_database_engine, current_revision, migrate, newest_revision


@click.group("db")
def database_group() -> None:
    """Start, stop and migrate the database.

    finegrid runs a private PostgreSQL + PostGIS on a Unix socket. Where FINEGRID_DATABASE_URL is set, that server is
    used instead and only `migrate` and `status` apply.
    """


@database_group.command("start")
@json_option
def start(*, as_json: bool) -> None:
    """Create the embedded database where there is none, and start it."""
    cluster = embedded_cluster()
    cluster.start()
    show({"status": "running", "home": str(cluster.home)}, f"running in {cluster.home}", as_json=as_json)


@database_group.command("stop")
@json_option
def stop(*, as_json: bool) -> None:
    """Stop the embedded database; what is stored stays."""
    stopped = embedded_cluster().stop()
    show({"status": "stopped", "was_running": stopped}, "stopped" if stopped else "it was not running", as_json=as_json)


@database_group.command("status")
@json_option
def status(*, as_json: bool) -> None:
    """Say whether the database runs, where it is and which revision its schema has."""
    if settings().database_url:
        state, place = "external", "FINEGRID_DATABASE_URL"
        revision = current_revision(create_database_engine(str(settings().database_url)))
    else:
        cluster = embedded_cluster()
        state, place, revision = cluster.status(), str(cluster.home), None
        if state == "running" and chosen_database() in cluster.databases():
            revision = current_revision(create_database_engine(cluster.url(chosen_database())))
    answer = {
        "status": state,
        "place": place,
        "database": chosen_database(),
        "revision": revision,
        "newest": newest_revision(),
    }
    show(
        answer,
        f"{state} ({place}), city database {chosen_database()}, schema {revision or 'not made yet'}",
        as_json=as_json,
    )


@database_group.command("migrate")
@json_option
def migrate_command(*, as_json: bool) -> None:
    """Bring the schema to the newest revision; running it twice changes nothing."""
    url = settings().database_url
    if url is None:
        cluster = embedded_cluster()
        cluster.start()
        cluster.create_database(chosen_database())
        url = cluster.url(chosen_database())
    changed = migrate(create_database_engine(url))
    text = f"schema {'brought to' if changed else 'was already at'} {newest_revision()}"
    show({"revision": newest_revision(), "changed": changed}, text, as_json=as_json)
