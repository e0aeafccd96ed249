"""The bulletin 通报 as a page for print: self-contained, A4, the same bytes each time; a PDF is made from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from gis.bulletins import sentences as said
from gis.bulletins.gathered import Bulletin
from gis.bulletins.ground import Shapes
from gis.bulletins.method import method
from gis.bulletins.words import CHANGE, CHAOS, GLOSSARY, KINDS, TEXTS, Language
from maps.assets import inline_style
from maps.bulletin_maps import HATCH, city_map, colours_of, place_map
from maps.ogc_pages import templates

MOST_NAMES = 30
"""More places without rank are counted on the page, and named in the workbook."""
SHORT = 12
"""So many hexadecimal digits of a digest fit on each page; it stands whole in the method."""


def bulletin_page(
    found: Bulletin, shapes: Shapes, *, lang: Language, links: Sequence[tuple[str, str]] = (), other: str | None = None
) -> str:
    """Make the page as HTML.

    Parameters
    ----------
    links
        Label and address of other forms, for the screen alone; none in a file that is passed on.
    other
        Address of the page in the other language.
    """
    text = TEXTS[lang]
    north = text["north"]
    map_svg, classes = city_map(shapes, found.rows, north, text["map"])
    page: dict[str, Any] = {
        "l": text,
        "lang": lang,
        "html_lang": "zh-CN" if lang == "zh" else "en",
        "style": Markup(inline_style("static/bulletin.css")),  # noqa: S704 - a file of our own
        "links": links,
        "other": other,
        "draft": not found.published,
        "title": title_of(found, lang),
        "subtitle": _subtitle(found, lang),
        "edges": Markup(_edges(found, lang)),  # noqa: S704 - texts are escaped as strings of CSS
        "facts": _facts(found, lang),
        "synthetic": text["synthetic"].format(layers=said.layers(found.synthetic, lang)) if found.synthetic else "",
        "summary": said.summary(found, lang),
        "map": Markup(map_svg),  # noqa: S704 - drawn by maps.bulletin_drawing, which escapes names
        "legend": [
            (colour, _range(low, high)) for colour, (low, high) in zip(colours_of(classes), classes.bounds, strict=True)
        ],
        "density_word": text["density" if found.period.is_ten_days else "density_month"],
        "hatch": Markup(HATCH),  # noqa: S704 - drawn by maps.bulletin_drawing
        "any_provisional": any(row["provisional"] for row in found.ranked),
        "of_streets": found.level == "street",
        "rewarded": [_row(row, lang) for row in found.rewarded],
        "penalised": [_row(row, lang) for row in found.penalised],
        "money": {name: f"{value:,}" for name, value in found.head["money"].items()},
        "rows": [_row(row, lang) for row in found.ranked],
        "unranked": _unranked(found, lang),
        "before": said.before_words(found, lang),
        "gone": [row["name"] for row in found.gone],
        "kinds": _kinds(found, lang),
        "worst_source": said.worst_source(found, lang),
        "segments": [_place(row, shapes, lang) for row in found.worst.segments],
        "spots": [_place(row, shapes, lang) for row in found.worst.spots],
        "overdue": [_overdue(row, lang) for row in found.overdue],
        "chaos_names": list(CHAOS[lang].values())[:-1],
        "chaos_note": said.chaos_note(found, lang),
        "chaoses": _chaoses(found, lang),
        "correction": _correction(found, lang),
        "method": method(found.policy, month=not found.period.is_ten_days, lang=lang),
        "glossary": GLOSSARY[lang],
        "digests": said.digests(found, lang),
        "provenance": said.provenance(found, lang),
        "created": _moment(found).isoformat(),
        "author": found.city.name if lang == "zh" else found.city.name_en,
    }
    return templates().get_template("bulletin.html").render(**page)


def title_of(found: Bulletin, lang: Language) -> str:
    """The headline: city and bulletin."""
    return (
        f"{found.city.name if lang == 'zh' else found.city.name_en}{'' if lang == 'zh' else ': '}"
        + (TEXTS[lang]["title"])
    )


def _subtitle(found: Bulletin, lang: Language) -> str:
    kind = TEXTS[lang]["of_streets" if found.level == "street" else "of_districts"]
    if found.period.is_ten_days and found.level == "district":
        kind = "区县旬排名" if lang == "zh" else "ten-day standing of districts"
    elif not found.period.is_ten_days and found.level == "street":
        kind = "街道办月排名" if lang == "zh" else "monthly standing of street offices"
    return f"{said.period_words(found.period, lang)} · {kind}"


def _edges(found: Bulletin, lang: Language) -> str:
    """What stands at the edge of every page, as style: written out, because browsers know no running headers."""
    text, head = TEXTS[lang], found.head
    state = text["draft"] if not found.published else text["revision"].format(n=head["revision"])
    made_up = f" · {text['made_up']}" if found.synthetic else ""
    left = f"{title_of(found, lang)} · {head['period']} · {state}{made_up}"
    right = f"{text['facts']} {head['facts_sha256'][:SHORT]}"
    page, of, end = (_css_string(words) for words in (f"{text['page']} ", f" {text['pages']} ", f" {text['page_end']}"))
    return (
        f"@top-left {{ content: {_css_string(left)}; }} @top-right {{ content: {_css_string(right)}; }} "
        f"@bottom-center {{ white-space: nowrap; content: {page} counter(page) {of} counter(pages) {end}; }}"
    )


def _css_string(text: str) -> str:
    """A text as a string of CSS; nothing in it can end the string or the style."""
    return '"' + "".join(f"\\{ord(one):x} " if one in '"\\<>&\n\r\f' else one for one in text) + '"'


def _facts(found: Bulletin, lang: Language) -> list[tuple[str, str]]:
    """Label and value of what identifies the bulletin."""
    text, head = TEXTS[lang], found.head
    state = text["published"] if found.published else text["draft"]
    moment = f"{_moment(found):%Y-%m-%d %H:%M}"
    facts = [
        (text["period"], str(head["period"])),
        (text["state"], f"{state} · {text['revision'].format(n=head['revision'])}"),
        (text["published_at" if found.published else "drafted_at"], moment),
        (text["policy"], head["policy_effective"].isoformat()),
        (text["facts"], head["facts_sha256"][:SHORT]),
    ]
    if found.published:
        facts.append((text["chain"].format(n=head["link"]), head["sha256"][:SHORT]))
    return facts


def _moment(found: Bulletin) -> datetime:
    """When it was published, or drafted, in the city's time: a bulletin has no other clock."""
    record = found.standing.record
    moment: datetime = record.published_at or record.drafted_at
    return moment.astimezone(found.city.zone).replace(microsecond=0)


def _range(low: float, high: float) -> str:
    return f"{low:.2f}" if low == high else f"{low:.2f} – {high:.2f}"


def _row(row: dict[str, Any], lang: Language) -> dict[str, Any]:
    """A ranked row in words."""
    change = row["rank_change"]
    marks = [TEXTS[lang]["provisional"]] if row["provisional"] else []
    interval = "–" if row["rank_low"] is None else f"{row['rank_low']}–{row['rank_high']}"
    return {
        "rank": row["rank"],
        "change": _change(row, lang),
        "direction": "" if not change else "up" if change > 0 else "down",
        "name": row["name"],
        "code": row["code"],
        "district": row["district"] or "",
        "deduction": f"{row['deduction']:,.1f}",
        "deduction_change": said.signed(row["deduction_change"], 1),
        "area": f"{row['area_km2']:,.2f}",
        "density": f"{row['density']:.3f}",
        "score": f"{row['score']:.2f}",
        "problems": f"{row['problems']:,}",
        "coverage": said.percent(row["coverage"]),
        "reward": said.yuan(row["reward_yuan"]),
        "sign": "plus" if row["reward_yuan"] > 0 else "minus" if row["reward_yuan"] < 0 else "",
        "interval": interval + ("≈" if row["apart"] is False else ""),
        "marks": TEXTS[lang]["list"].join(marks),
        "consequences": said.consequences(row, lang),
        "flagged": "flag" in row["consequences"],
        "run": TEXTS[lang]["run"].format(n=row["bottom_run"]) if row["bottom_run"] > 1 else "",
    }


def _change(row: dict[str, Any], lang: Language) -> str:
    if row["rank_change"]:
        return f"{'▲' if row['rank_change'] > 0 else '▼'}{abs(row['rank_change'])}"
    return CHANGE[lang].get(row["change"] or "same", "")


def _unranked(found: Bulletin, lang: Language) -> str:
    """Places without rank, in one sentence for each reason."""
    by_note: dict[str, list[str]] = {}
    for row in found.unranked:
        by_note.setdefault(said.note(row, found.policy.coverage_needed, lang), []).append(row["name"])
    text = TEXTS[lang]
    told = []
    for reason, names in by_note.items():
        which = text["list"].join(names) if len(names) <= MOST_NAMES else text["in_workbook"]
        told.append(f"{reason} ({len(names)}){text['colon']}{which}{text['stop']}")
    return " ".join(told)


def _kinds(found: Bulletin, lang: Language) -> list[tuple[str, str, str]]:
    """Kind of deduction, points of all rows, and share."""
    sums = kind_sums(found)
    whole = sum(sums.values())
    return [
        (KINDS[lang][kind], f"{points:,.1f}", said.percent(points / whole if whole else None))
        for kind, points in sums.items()
    ]


def kind_sums(found: Bulletin) -> dict[str, Any]:
    """Points of all rows by kind, in the order of the rule book."""
    return {kind: sum(Decimal(row["parts"].get(kind, 0)) for row in found.rows) for kind in found.kinds}


def _place(row: dict[str, Any], shapes: Shapes, lang: Language) -> dict[str, Any]:
    """A worst place with its small map."""
    text, name = TEXTS[lang], said.place_name(row, lang)
    is_segment = row["kind"] == "segment"
    size = f"{row['length_m']:.0f} m" if is_segment else f"{row['width_m']:.0f} m" if row["width_m"] else ""
    drawn = place_map(shapes.places[row["kind"], row["rank"]], row["name"] or "", text["north"], name)
    return {
        "rank": row["rank"],
        "name": name,
        "code": row["code"] or f"{row['lat']:.5f}, {row['lon']:.5f}",
        "street": row["street_name"] or "–",
        "score": f"{row['score']:.1f}",
        "unit": text["per_km" if is_segment else "spot_score"],
        "size": size,
        "reports": row["reports"],
        "by_chaos": said.by_chaos(row["by_chaos"], lang),
        "listing": text["listing_no"].format(n=row["listing"]) if row["listing"] else "",
        "map": Markup(drawn),  # noqa: S704 - drawn by maps.bulletin_drawing, which escapes names
    }


def _overdue(row: dict[str, Any], lang: Language) -> dict[str, Any]:
    text = TEXTS[lang]
    return {
        "listing": row["listing"],
        "kind": text[row["kind"]],
        "name": row["name"] or row["code"] or text["unnamed"],
        "street": row["street_name"],
        "listed_for": row["listed_for"],
        "days": row["days"],
        "points": f"{row['points']:f}",
    }


def _chaoses(found: Bulletin, lang: Language) -> list[dict[str, Any]]:
    """The city and each district: reports of each chaos with its change, and all four."""
    rows = []
    for one in found.chaoses:
        cells = [(f"{one.counts[chaos]:,}", said.signed_percent(one.change_of(chaos))) for chaos in one.counts]
        rows.append(
            {
                "name": one.name or TEXTS[lang]["whole_city"],
                "whole": not one.code,
                "cells": cells,
                "count": f"{one.count:,}",
                "before": f"{one.count_before:,}",
                "share": said.signed_percent(one.change),
                "direction": "" if not one.change else "down" if one.change > 0 else "up",
            }
        )
    return rows


def _correction(found: Bulletin, lang: Language) -> dict[str, Any] | None:
    """Of a revision: the reason, and what it changed."""
    record, text = found.standing.record, TEXTS[lang]
    if record.reason is None:
        return None
    names = {row["code"]: row["name"] for row in found.rows}

    def told(values: dict[str, Any] | None) -> tuple[str, str, str]:
        if values is None:
            return "–", "–", "–"
        return str(values["rank"] or "–"), str(values["deduction"]), said.yuan(values["reward_yuan"])

    return {
        "lead": text["correction_lead"].format(reason=record.reason),
        "rows": [
            (names.get(one["code"], one["code"]), *told(one["before"]), *told(one["after"]))
            for one in record.difference or ()
        ],
    }
