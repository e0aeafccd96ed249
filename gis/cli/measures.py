"""`finegrid measures` and `facilities`: what was built, how it grows, and whether it helped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from gis.city import read_city
from gis.cli.evidence import from_option, plain_format_option, to_option
from gis.cli.forms import DAY, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, show
from gis.effect_kinds import kind_effect
from gis.effects import EffectQuery, measure_effects
from gis.encoding import Feature
from gis.errors import NotFound
from gis.facilities import COLUMNS as FACILITY_COLUMNS
from gis.facilities import GROWTH_COLUMNS, GrowthQuery, facilities, facility_rows, facility_shapes, growth
from gis.ground import load_ground
from gis.measures import COLUMNS, Measure, measure_shapes, measures, read_measure
from gis.period_counts import STEPS

category_option = click.option(
    "--category", "categories", multiple=True, help="Only these problems: code, name or chaos:NAME; repeatable."
)
kind_option = click.option("--kind", help="Only this kind.")
on_option = click.option("--on", "on_day", type=DAY, help="Only what is there on this day.")


@click.group("measures")
def measures_group() -> None:
    """Engineering measures 工程措施: list them, and ask whether they helped.

    `finegrid load measures` takes them in.
    """


@measures_group.command("list")
@kind_option
@on_option
@format_option
@out_option
@json_option
def list_command(*, kind: str | None, on_day: datetime | None, form: str, out: Path | None, as_json: bool) -> None:
    r"""List measures.

    \b
    Example:
      finegrid measures list --kind barrier --format geojson --out barriers.geojson
    """
    with city_transaction(read_only=True) as conn:
        city = read_city(conn)
        found = measures(conn, kind=kind, on_day=on_day.date() if on_day else None)
        shapes = measure_shapes(conn, [one.id for one in found])
    rows = [one.as_dict() for one in found]
    features: Iterable[Feature] = ((one.ref, shapes[one.id], row) for one, row in zip(found, rows, strict=True))
    write_answer(out, "json" if as_json else form, honest(city), list(COLUMNS), rows, features)


@measures_group.command("effect")
@click.argument("ref")
@category_option
@json_option
def effect_command(*, ref: str, categories: tuple[str, ...], as_json: bool) -> None:
    r"""Say whether a measure helped: before and after, against places alike where nothing was done.

    \b
    Example:
      finegrid measures effect M-2016-01 --category chaos:parking
    """
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        (found,) = measure_effects(conn, ground, [read_measure(conn, ref)], EffectQuery(categories))
    answer = found.as_dict(ground)
    head = f"{answer['ref']} {answer['name']} ({answer['kind']}), in place since {answer['valid_from']}"
    text = "\n".join([head, *_told(answer), *_compared(answer)])
    show({"category": categories, **honest(ground.city), **answer}, text, as_json=as_json)


@measures_group.command("effects")
@click.option("--kind", required=True, help="The kind, as the files call it.")
@category_option
@json_option
def effects_command(*, kind: str, categories: tuple[str, ...], as_json: bool) -> None:
    r"""Say whether measures of a kind helped, one by one and on average.

    \b
    Example:
      finegrid measures effects --kind barrier
    """
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        found = kind_effect(conn, ground, kind, EffectQuery(categories), watched=_with_bar)
    if not found.effects:
        msg = f"there is no measure of the kind {kind[:60]!r}; finegrid measures list shows all"
        raise NotFound(msg)
    answer = found.as_dict(ground)
    lines = [f"{kind}: {answer['measures']} measures, {answer['judged']} can be judged; on average:", *_told(answer)]
    lines += [f"{row['ref']} {row['name']}: {row['text']}" for row in answer["rows"]]
    show({"category": categories, **honest(ground.city), **answer}, "\n".join(lines), as_json=as_json)


def _with_bar(asked: Sequence[Measure]) -> Iterable[Measure]:
    bar: Iterable[Measure] = tqdm(asked, desc="measures", unit="", disable=None, leave=False)
    return bar


def _told(answer: dict[str, Any]) -> list[str]:
    lines = [f"  {answer['text']}", f"  {answer['text_zh']}"]
    if (ring := answer["ring"]) is not None:
        lines += [f"  around it: {ring['text']}", f"  周边：{ring['text_zh']}"]
    return lines


def _compared(answer: dict[str, Any]) -> list[str]:
    if "controls" not in answer:
        return []
    lines = []
    for name, part in answer["window"].items():
        if part is not None:
            own, others = (side["counts"].get(name, "-") for side in (answer, answer["controls"]))
            days = f"{part['from']} to {part['to']}"
            lines.append(
                f"  {name:8} {days}: {own} reports; in {len(answer['controls']['places'])} places alike {others}"
            )
    if answer["beside"]:
        lines.append(
            f"  other measures in the same cells, so the effect is of all together: {', '.join(answer['beside'])}"
        )
    return lines


@click.group("facilities")
def facilities_group() -> None:
    """Facilities 设施 (parking places with their spaces, public toilets, ...): list them, and how they grow.

    `finegrid load facilities` takes them in.
    """


@facilities_group.command("list")
@kind_option
@on_option
@format_option
@out_option
@json_option
def list_facilities_command(
    *, kind: str | None, on_day: datetime | None, form: str, out: Path | None, as_json: bool
) -> None:
    r"""List facilities.

    \b
    Example:
      finegrid facilities list --kind parking_place --on 2016-06-01
    """
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        found = facilities(conn, kind=kind, on_day=on_day.date() if on_day else None)
        shapes = facility_shapes(conn, [one.id for one in found])
    rows = facility_rows(ground, found)
    features: Iterable[Feature] = ((one.code, shapes[one.id], row) for one, row in zip(found, rows, strict=True))
    write_answer(out, "json" if as_json else form, honest(ground.city), list(FACILITY_COLUMNS), rows, features)


@facilities_group.command("growth")
@click.option("--level", required=True, help="city, district, street, ... as the city has them.")
@from_option
@to_option
@click.option("--by", type=click.Choice(tuple(STEPS)), default="period", show_default=True, help="Ten days or a month.")
@kind_option
@plain_format_option
@out_option
@json_option
def growth_command(
    *,
    level: str,
    from_day: datetime | None,
    to_day: datetime | None,
    by: str,
    kind: str | None,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    r"""Show what is there at the end of each period, and what came and went.

    \b
    Example:
      finegrid facilities growth --level city --from 2016-01-01 --to 2016-07-01 --by month --kind parking_place
    """
    if from_day is None or to_day is None:
        msg = f"Missing option '{'--from' if from_day is None else '--to'}'"
        raise click.UsageError(msg)
    with city_transaction(read_only=True) as conn:
        ground = load_ground(conn)
        rows = growth(conn, ground, GrowthQuery(level, from_day.date(), to_day.date(), by, kind))
    head = {"level": level, "by": by, "kind": kind, **honest(ground.city)}
    write_answer(out, "json" if as_json else form, head, list(GROWTH_COLUMNS), rows, ())
