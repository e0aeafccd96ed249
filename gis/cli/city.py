"""`finegrid city`: which city the commands work on, and what it is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from gis.city import City, city_from_toml, define_city, read_city
from gis.cli.frame import (
    choose_database,
    chosen_database,
    city_transaction,
    embedded_cluster,
    json_option,
    open_engine,
    show,
)
from gis.errors import CityError, NotFound
from gis.settings import settings
from gis.store.database import create_database_engine, current_revision, migrate, transaction


@click.group("city")
def city_group() -> None:
    """Describe a city, and choose the one that commands work on.

    One database holds one city. The embedded server has a database for each, named after the city's slug; where
    FINEGRID_DATABASE_URL is set, that database is the city.
    """


@city_group.command("define")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def define(file: Path, *, as_json: bool) -> None:
    """Store the city that FILE, a city.toml, describes, and work on it from now on.

    The file names the slug, code, name, time zone (IANA), metric CRS and the levels with the digits that each adds to a
    code; docs/formats.md has them all. Running it again changes only what the file changed. Time zone, metric CRS,
    levels and code are fixed once reports are counted by them.

    \b
    Example:
      finegrid city define fixtures/boston/city.toml
    """  # noqa: D301 - click wants the character itself
    wanted = city_from_toml(file)
    engine = _engine_for(wanted)
    with transaction(engine) as conn:
        changed = define_city(conn, wanted)
    if settings().database_url is None and settings().city is None:
        choose_database(wanted.slug)
    text = f"{wanted.name_en} ({wanted.slug}) is {'stored' if changed else 'stored already, nothing changed'}"
    show({**_described(wanted), "changed": changed}, f"{text}; commands work on it from now on", as_json=as_json)


def _engine_for(wanted: City) -> Engine:
    """Engine of the database that is to hold this city."""
    if settings().database_url is not None:
        return open_engine()
    if settings().city not in (None, wanted.slug):
        msg = (
            f"FINEGRID_CITY says {settings().city}, the file describes {wanted.slug}: unset the one or change the other"
        )
        raise CityError(msg)
    cluster = embedded_cluster()
    cluster.start()
    cluster.create_database(wanted.slug)
    engine = create_database_engine(cluster.url(wanted.slug))
    migrate(engine)
    return engine


@city_group.command("show")
@json_option
def show_city(*, as_json: bool) -> None:
    """Print the city that commands work on."""
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
    lines = [
        f"{city.name} {city.name_en} ({city.slug}), code {city.code or 'none'}",
        f"days in {city.time_zone}, distances in {city.metric_crs}",
        "levels: " + ", ".join(f"{level} +{digits}" for level, digits in city.levels),
    ]
    lines += [
        f"{layer}: {'synthetic. ' if facts.get('synthetic') else ''}{facts.get('text', '')}"
        for layer, facts in city.provenance.items()
    ]
    show(_described(city), "\n".join(lines), as_json=as_json)


@city_group.command("list")
@json_option
def list_cities(*, as_json: bool) -> None:
    """List the cities of the embedded server; the one that commands work on has a star."""
    cluster = embedded_cluster()
    cluster.start()
    chosen = chosen_database()
    cities = [
        {"slug": name, "name": _name_in(cluster.url(name)), "chosen": name == chosen} for name in cluster.databases()
    ]
    lines = [f"{'*' if one['chosen'] else ' '} {one['slug']}  {one['name'] or '(no city in it)'}" for one in cities]
    show({"cities": cities}, "\n".join(lines) or "no city yet: finegrid city define city.toml", as_json=as_json)


def _name_in(url: str) -> str | None:
    engine = create_database_engine(url)
    try:
        if current_revision(engine) is None:
            return None
        with transaction(engine, read_only=True) as conn:
            return read_city(conn).name_en
    except CityError:
        return None
    finally:
        engine.dispose()


@city_group.command("use")
@click.argument("slug")
@json_option
def use(slug: str, *, as_json: bool) -> None:
    """Work on the city SLUG of the embedded server from now on.

    \b
    Example:
      finegrid city use boston
    """  # noqa: D301 - click wants the character itself
    cluster = embedded_cluster()
    cluster.start()
    present = cluster.databases()
    if slug not in present:
        msg = (
            f"there is no city {slug!r}; there are {', '.join(present) or 'none yet'} (finegrid city define city.toml)"
        )
        raise NotFound(msg)
    if settings().city not in (None, slug):
        msg = f"FINEGRID_CITY says {settings().city} and goes before this choice: unset it"
        raise CityError(msg)
    choose_database(slug)
    show({"slug": slug}, f"commands work on {slug} from now on", as_json=as_json)


def _described(city: City) -> dict[str, Any]:
    return {
        "slug": city.slug,
        "code": city.code,
        "name": city.name,
        "name_en": city.name_en,
        "time_zone": city.time_zone,
        "metric_crs": city.metric_crs,
        "levels": [{"level": level, "digits": digits} for level, digits in city.levels],
        "provenance": city.provenance,
        "demo_window": [day.isoformat() for day in city.demo_window] if city.demo_window else None,
    }
