"""`finegrid draw make, reveal, verify` and their kin: dust draws are committed, revealed and repeated."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gis.city import City, read_city
from gis.cli.forms import format_option, honest, out_option, write_answer, write_file
from gis.cli.frame import city_transaction, json_option, show
from gis.cli.listings import period_argument
from gis.draw_file import faults_of, read_draw_file, sha256
from gis.draw_reads import list_draws, published, read_draw, verify_draw
from gis.draw_seeds import checked_hex, keep_seed, new_seed, read_seed, seed_path
from gis.draws import make_draw, reveal_draw
from gis.encoding import Feature, to_json
from gis.rules.periods import Period, parse_period
from gis.settings import settings

STDIN = "-"
SHOWN = ("period", "state", "roads", "drawn_points", "weighed_points", "revealed_at", "commitment_sha256")

actor_option = click.option("--actor", help="Who does it.", default=getpass.getuser, show_default="this account")
seed_file_option = click.option(
    "--seed-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Where the seed is kept; - for standard input. [default: seeds/CITY-PERIOD.seed in FINEGRID_HOME]",
)
seed_option = click.option("--seed", metavar="HEX", help="The seed itself; it stays in the shell's history.")


@click.group("draw")
def draw_group() -> None:
    r"""Draw roads and points where dust is weighed 以克论净, so that nobody can choose them and anybody can check.

    \b
    Each ten-day period:
      finegrid draw make 2030-01-T1      before it begins: publish the commitment
      finegrid draw reveal 2030-01-T1    from its first day on: points are known
      finegrid draw points 2030-01-T1 --format csv --out form.csv
      finegrid draw results form.csv     the form with the weights filled in
    """


@draw_group.command("make")
@period_argument
@click.option("--roads", type=int, help="How many. [default: dust_roads_per_period of the policy]")
@seed_file_option
@seed_option
@click.option("--seed-sha256", metavar="HEX", help="Digest of a seed that somebody else keeps.")
@click.option("--public", metavar="TEXT", help="A public number still to come that will be mixed in, in words.")
@actor_option
@json_option
def make_command(
    *,
    period: Period,
    roads: int | None,
    seed_file: Path | None,
    seed: str | None,
    seed_sha256: str | None,
    public: str | None,
    actor: str,
    as_json: bool,
) -> None:
    r"""Commit to a draw before its period begins: freeze all roads, and store the digest of a seed.

    The seed is made by this machine and kept in a file that only this account can read, outside the database, until
    `draw reveal`. A file that is there already gives the seed. Lost, it cannot be made again: the period has no draw.

    Publish the commitment where others keep it. With --public, not even who makes the seed can try several of them.

    \b
    Examples:
      finegrid draw make 2030-01-T1
      finegrid draw make 2030-01-T1 --public "红球 of the lottery 双色球 of 2030-01-01"
      finegrid draw make 2030-01-T1 --seed-sha256 9f64...   (the seed lies with the notary)
    """
    if sum(one is not None for one in (seed_file, seed, seed_sha256)) > 1:
        msg = "one of --seed-file, --seed and --seed-sha256 is enough"
        raise click.UsageError(msg)
    with city_transaction() as conn:
        kept, fresh = None, None
        if seed_sha256 is None and seed is None:
            kept = seed_file or seed_path(settings().home, read_city(conn).slug, period.name)
            if kept.name != STDIN and not kept.exists():
                fresh = new_seed()
        if seed_sha256 is None:
            seed_sha256 = sha256(fresh or _given_seed(seed, kept, secret=True))
        made = make_draw(conn, period, seed_sha256, actor, datetime.now(UTC), roads=roads, public_source=public)
        if kept is not None and fresh is not None:
            keep_seed(kept, fresh)
    where = None if kept is None or kept.name == STDIN else str(kept)
    lines = [
        f"{period.name}: {made['roads']} roads will be drawn of {made['frame_roads']:,}, {made['points']} points each",
        f"  commitment  {made['commitment_sha256']}",
        f"  the seed is kept in {where}" if where else "  the seed is kept by you",
        f"  publish the commitment; from {period.first} on: finegrid draw reveal {period.name}",
    ]
    show(made | {"seed_file": where}, "\n".join(lines), as_json=as_json)


def _given_seed(seed: str | None, path: Path | None, *, secret: bool) -> str:
    if seed is not None:
        return checked_hex("seed", seed)
    if path is None or path.name == STDIN:
        return checked_hex("seed", sys.stdin.read(1000))
    return read_seed(path, secret=secret)


@draw_group.command("reveal")
@period_argument
@seed_file_option
@seed_option
@click.option("--public", metavar="VALUE", help="The public number, where one was announced.")
@actor_option
@json_option
def reveal_command(
    *, period: Period, seed_file: Path | None, seed: str | None, public: str | None, actor: str, as_json: bool
) -> None:
    r"""Reveal the seed of a draw, from the first day of its period on; roads and points are drawn and stored.

    \b
    Examples:
      finegrid draw reveal 2030-01-T1
      finegrid draw reveal 2030-01-T1 --public "03 07 11 19 25 30"
    """
    if seed_file is not None and seed is not None:
        msg = "one of --seed-file and --seed is enough"
        raise click.UsageError(msg)
    with city_transaction() as conn:
        read_draw(conn, period)
        path = seed_file or seed_path(settings().home, read_city(conn).slug, period.name)
        found = _given_seed(seed, path, secret=False)
        done = reveal_draw(conn, period, found, actor, datetime.now(UTC), public_value=public)
        classes = _shown(done["by_class"], read_city(conn))
    text = f"{period.name}: {sum(done['by_class'].values())} roads ({classes}), {done['drawn_points']} points"
    show(done, f"{text}\n  finegrid draw points {period.name} lists them", as_json=as_json)


@draw_group.command("verify")
@click.argument("target", metavar="PERIOD|FILE")
@json_option
def verify_command(*, target: str, as_json: bool) -> None:
    r"""Repeat a draw from its frame and seed and compare everything; exit 1 where anything differs.

    Of a stored draw, or of a published file, which needs no database.

    \b
    Examples:
      finegrid draw verify 2030-01-T1
      finegrid draw verify dust-draw-2030-01-T1.json
    """
    try:
        period = parse_period(target)
    except ValueError:
        document = read_draw_file(Path(target))
        faults, revealed = faults_of(document), document.get("seed") is not None
    else:
        with city_transaction(read_only=True) as conn:
            faults, revealed = verify_draw(conn, period), read_draw(conn, period)["revealed_at"] is not None
    what = "frame, seed, roads and points agree" if revealed else "the frame agrees; the seed is not revealed"
    text = "\n  ".join([f"{target}: {'IT DOES NOT AGREE' if faults else what}", *faults])
    show({"draw": target, "agrees": not faults, "revealed": revealed, "faults": faults}, text, as_json=as_json)
    if faults:
        raise SystemExit(1)


@draw_group.command("list")
@format_option
@out_option
@json_option
def list_command(*, form: str, out: Path | None, as_json: bool) -> None:
    """List all draws, the latest period first."""
    with city_transaction(read_only=True) as conn:
        rows, city = list_draws(conn), read_city(conn)
        form = "json" if as_json else form
        names = list(SHOWN) if form == "table" else list(rows[0] if rows else SHOWN)
        if form == "table":
            rows = [{name: _shown(value, city) for name, value in row.items()} for row in rows]
        features: Iterable[Feature] = ((row["period"], b"null", row) for row in rows)
        write_answer(out, form, honest(city), names, rows, features)


def _shown(value: Any, city: City) -> Any:
    """A value for people: times as clocks of the city show them."""
    if isinstance(value, datetime):
        return value.astimezone(city.zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    return value


@draw_group.command("show")
@period_argument
@json_option
def show_command(*, period: Period, as_json: bool) -> None:
    r"""Show one draw: what was committed, and what was revealed.

    \b
    Example:
      finegrid draw show 2030-01-T1
    """
    with city_transaction(read_only=True) as conn:
        found, city = read_draw(conn, period), read_city(conn)
    lines = [f"{name:<18} {'-' if value is None else _shown(value, city)}" for name, value in found.items()]
    show(found | honest(city), "\n".join(lines), as_json=as_json)


@draw_group.command("file")
@period_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where it goes.")
@json_option
def file_command(*, period: Period, out: Path, as_json: bool) -> None:
    r"""Write the published file, from which anybody repeats the draw with docs/repeat_draw.py.

    Before the reveal it has no seed, roads or points; publish it then, too, so that others hold the frame.

    \b
    Example:
      finegrid draw file 2030-01-T1 --out dust-draw-2030-01-T1.json
    """
    with city_transaction(read_only=True) as conn:
        document = published(conn, period)
    write_file(out, [to_json(document)])
    revealed = document["seed"] is not None
    text = f"{period.name}: frame, digests, seed, roads and points" if revealed else f"{period.name}: frame and digests"
    show({"period": period.name, "file": str(out), "revealed": revealed}, text, as_json=as_json)
