"""`finegrid bulletin`: what people take to the meeting, as a file."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import click

from gis.bulletins.book import bulletin_book
from gis.bulletins.gathered import bulletin
from gis.bulletins.ground import read_shapes
from gis.bulletins.words import LANGUAGES, Language
from gis.cli.forms import write_file
from gis.cli.frame import city_transaction, json_option, show
from gis.cli.listings import period_argument
from gis.cli.standings import revision_option
from gis.encoding import to_json
from gis.errors import ParameterError
from gis.ground import load_ground
from gis.rules.periods import Period

ENDINGS = (".html", ".pdf", ".xlsx", ".json")


@click.command("bulletin")
@period_argument
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=f"Ends in {', '.join(ENDINGS)}."
)
@click.option("--lang", type=click.Choice(LANGUAGES), default="zh", show_default=True, help="Language.")
@click.option("--level", type=click.Choice(["street", "district"]), help="[default: what the period ranks]")
@revision_option
@json_option
def bulletin_command(
    *, period: Period, out: Path, lang: Language, level: str | None, revision: int | None, as_json: bool
) -> None:
    r"""Write the bulletin 通报 of a period: standing and money, changes, worst places with maps, method.

    The ending of the file is its form: a page that prints on A4 and opens anywhere, with the network cut too; a PDF of
    it; a workbook; or plain values. Where the standing is a draft, every page says so.

    \b
    Examples:
      finegrid bulletin 2016-06-T1 --out june-1.pdf
      finegrid bulletin 2016-06 --lang en --out june.xlsx
    """
    from maps.bulletin_page import bulletin_page  # pages are no business of other commands
    from maps.bulletin_pdf import bulletin_pdf

    if out.suffix not in ENDINGS:
        msg = f"{out.name[-40:]!r} ends in none of {', '.join(ENDINGS)}: the ending is the form"
        raise ParameterError("--out", msg)
    started = perf_counter()
    with city_transaction(read_only=True) as conn:
        found = bulletin(conn, load_ground(conn), period, level, revision)
        shapes = read_shapes(conn, found) if out.suffix in (".html", ".pdf") else None
    content: bytes
    if shapes is not None:
        page = bulletin_page(found, shapes, lang=lang)
        content = page.encode() if out.suffix == ".html" else bulletin_pdf(page, found.standing.record.facts_sha256)
    elif out.suffix == ".xlsx":
        content = bulletin_book(found, lang)
    else:
        content = to_json(found.plain()) + b"\n"
    write_file(out, [content])
    state = "published" if found.published else "DRAFT"
    answer: dict[str, Any] = {
        "file": str(out),
        "bytes": len(content),
        "period": period.name,
        "revision": found.standing.record.revision,
        "state": state.lower(),
        "facts_sha256": found.standing.record.facts_sha256,
        "synthetic": found.synthetic,
    }
    if found.synthetic:
        click.echo(f"synthetic, made up for lack of open data: {', '.join(found.synthetic)}", err=True)
    seconds = perf_counter() - started
    text = f"{out}: bulletin of {period.name}, {state}, {len(content) / 1e6:.2f} MB in {seconds:.1f} s"
    show(answer, text, as_json=as_json)
