"""`finegrid standings`: drafts, publications, revisions, explanations, and the chain looked at again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from sqlalchemy import func, select
from tqdm import tqdm

from gis.city import read_city
from gis.cli.forms import features_of, format_option, honest, out_option, write_answer
from gis.cli.frame import city_transaction, json_option, show
from gis.cli.listings import actor_option, period_argument
from gis.fact_text import unpacked
from gis.ground import load_ground
from gis.rules.periods import Period
from gis.standing_chain import verify_chain
from gis.standing_reads import COLUMNS, list_standings, opened, read_standing
from gis.standing_words import LANGUAGES, explain
from gis.standings import draft, level_of, publish
from gis.store.schema_standings import standings

SHOWN = ("rank", "code", "name", "deduction", "density", "score", "coverage", "reward_yuan", "rank_low", "rank_high")
revision_option = click.option(
    "--revision", type=click.IntRange(1), metavar="N", help="Which one. [default: the newest published, else the draft]"
)


@click.group("standings")
def standings_group() -> None:
    """Standings 排名 of streets every ten days and of districts every month, with money."""


@standings_group.command("draft")
@period_argument
@actor_option
@click.option("--reason", help="What was wrong; needed where the period was published already.")
@json_option
def draft_command(*, period: Period, actor: str, reason: str | None, as_json: bool) -> None:
    r"""Work out a standing and keep it as the draft of its period.

    A ten-day period ranks streets, a month districts: it pools its three published ten-day standings. Again, the draft
    is replaced, and the answer says whether anything changed. Nothing is official before `finegrid standings publish`.

    \b
    Examples:
      finegrid standings draft 2016-06-T1 --actor "assessment office"
      finegrid standings draft 2016-06-T1 --actor "assessment office" --reason "case 17 was void"
    """
    with city_transaction(snapshot=True) as conn:
        found = draft(conn, load_ground(conn), period, actor, datetime.now(UTC), reason)
    text = (
        f"draft of {found.period}, revision {found.revision}: facts {found.facts_sha256}"
        f"{'' if found.changed else ', the same as before'}"
    )
    show(found.__dict__, text, as_json=as_json)


@standings_group.command("publish")
@period_argument
@actor_option
@click.option(
    "--expected", metavar="SHA256", help="Facts of the draft that you looked at; refused where it is another."
)
@json_option
def publish_command(*, period: Period, actor: str, expected: str | None, as_json: bool) -> None:
    r"""Publish the draft of a period; from then on it never changes.

    It becomes the next link of a chain: its digest covers the facts, the rows, the policy and the digest of the
    publication before.

    \b
    Example:
      finegrid standings publish 2016-06-T1 --actor "assessment office"
    """
    with city_transaction() as conn:
        record = publish(conn, read_city(conn), period, actor, datetime.now(UTC), expected)
    names = ("link", "level", "period", "revision", "facts_sha256", "previous_sha256", "sha256", "published_at")
    answer = {name: getattr(record, name) for name in names}
    text = f"published {record.period}, revision {record.revision}, as link {record.link}: {record.sha256}"
    show(answer, text, as_json=as_json)


@standings_group.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List every draft and publication, newest period first."""
    with city_transaction(read_only=True) as conn:
        rows = list_standings(conn)
    lines = [
        f"{row['period']:<11} {row['level']:<9} revision {row['revision']}  {row['state']:<10}"
        f" link {row['link'] or '-'}  facts {row['facts_sha256'][:12]}  {row['reason'] or ''}".rstrip()
        for row in rows
    ]
    show({"standings": rows}, "\n".join(lines) or "no standing yet: finegrid standings draft PERIOD", as_json=as_json)


@standings_group.command("show")
@period_argument
@revision_option
@format_option
@out_option
@json_option
def show_command(*, period: Period, revision: int | None, form: str, out: Path | None, as_json: bool) -> None:
    r"""Show a standing: rank, points per km2, money, and how sure the rank is.

    \b
    Examples:
      finegrid standings show 2016-06-T1
      finegrid standings show 2016-06 --format csv --out districts.csv
    """
    with city_transaction(read_only=True) as conn:
        found = read_standing(conn, level_of(read_city(conn), period), period, revision)
        form = "json" if as_json else form
        names = SHOWN if form == "table" else COLUMNS
        ids = np.array([row["area_id"] for row in found.rows], np.int32)
        features = features_of(conn, "areas", ids, (row["code"] for row in found.rows), found.shown())
        rows = [row for row in found.shown() if form != "table" or row["rank"] is not None]
        write_answer(out, form, found.head() | honest(read_city(conn)), list(names), rows, features)
    if form == "table":
        head = found.head()
        money = head["money"]
        if left := len(found.rows) - len(rows):
            click.echo(f"{left} without responsible area are not ranked", err=True)
        click.echo(
            f"{head['state']}, revision {head['revision']}, policy of {head['policy_effective']}, facts "
            f"{head['facts_sha256'][:12]}; rewards {money['rewards_yuan']:,} yuan, penalties "
            f"{money['penalties_yuan']:,} yuan",
            err=True,
        )


@standings_group.command("explain")
@click.argument("code", metavar="STREET")
@period_argument
@revision_option
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the sentences."
)
@json_option
def explain_command(*, code: str, period: Period, revision: int | None, lang: str, as_json: bool) -> None:
    r"""Say in sentences why a street or district stands where it stands.

    With --json also every deduction with its cause.

    \b
    Example:
      finegrid standings explain 410104007 2016-06-T1
    """
    with city_transaction(read_only=True) as conn:
        found = read_standing(conn, level_of(read_city(conn), period), period, revision)
        sentences = explain(conn, found, code, lang)
        deep = opened(found, code)
    answer = {"row": deep.row, "sentences": sentences, "terms": deep.terms, "causes": deep.causes}
    show(answer, "\n".join(sentences), as_json=as_json)


@standings_group.command("facts")
@period_argument
@revision_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@json_option
def facts_command(*, period: Period, revision: int | None, out: Path, as_json: bool) -> None:
    r"""Write the facts that a standing was worked out from, byte for byte: sha256sum gives the published digest.

    \b
    Example:
      finegrid standings facts 2016-06-T1 --out facts.txt && sha256sum facts.txt
    """
    with city_transaction(read_only=True) as conn:
        found = read_standing(conn, level_of(read_city(conn), period), period, revision)
    out.write_bytes(unpacked(found.record.facts))
    answer = {"file": str(out), "bytes": out.stat().st_size, "facts_sha256": found.record.facts_sha256}
    show(answer, f"{out}: {answer['bytes']:,} bytes, SHA-256 {answer['facts_sha256']}", as_json=as_json)


@standings_group.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Look at every publication again: the chain, the digests, and all rows worked out anew; exit 1 where one fails."""
    with city_transaction(read_only=True) as conn:
        count = conn.execute(select(func.count()).where(standings.c.link.is_not(None))).scalar_one()
        links = list(tqdm(verify_chain(conn), total=count, desc="standings", unit=" standings", disable=None))
    broken = [link.__dict__ for link in links if link.problems]
    lines = [f"{len(links):,} publications worked out anew: {len(broken)} do not hold"]
    for one in broken:
        lines += [f"  {one['period']} revision {one['revision']}: {problem}" for problem in one["problems"]]
    last = links[-1].sha256 if links else None
    if last:
        lines.append(f"the last of the chain is {last}")
    show({"publications": len(links), "broken": broken, "last_sha256": last}, "\n".join(lines), as_json=as_json)
    if broken:
        raise SystemExit(1)
