"""The public list of places under supervision 挂牌督办: a table that reads without scripts, and a map beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode

import orjson

from gis.city import City
from gis.listing_map import Background
from gis.listing_reads import OPEN
from gis.rules.supervision import STATES, UNDER_SUPERVISION
from gis.settings import settings
from maps.assets import asset_url
from maps.listings_texts import STATE_WORDS, TEXTS
from maps.ogc_pages import templates
from maps.ogc_texts import TEXTS as PAGE_TEXTS
from maps.ogc_texts import layer_name, listed
from maps.packing import STEPS_PER_DEGREE, pack_shapes

SCRIPTS = ("vendor/leaflet/leaflet.js", "static/packing.js", "static/texts.js", "static/listings.js")
STYLES = ("vendor/leaflet/leaflet.css", "static/ogc.css", "static/listings.css")
PAGE = "/maps/listings"
SOON_DAYS = 3
"""So many days before its deadline a place is shown as urgent."""
URGENCIES = ("late", "soon", "running", "waiting", "held", "off")
"""Most urgent first; the page has a colour for each."""
Language = Literal["zh", "en"]
Row = Mapping[str, Any]


def urgency(row: Row) -> str:
    """How urgent a listing is: one of URGENCIES."""
    if row["state"] not in UNDER_SUPERVISION:
        return "off"
    if row["state"] == "verified":
        return "held"
    if row["days_left"] is None:
        return "waiting"
    if row["days_left"] < 0:
        return "late"
    return "soon" if row["days_left"] <= SOON_DAYS else "running"


def listings_page(
    city: City,
    rows: Sequence[Row],
    shapes: Mapping[int, bytes],
    background: Background,
    *,
    today: date,
    asked: Mapping[str, str],
    lang: Language,
    asset_root: str,
) -> str:
    """Make the page as HTML.

    Parameters
    ----------
    rows
        As `gis.listing_reads.list_listings` has them.
    shapes
        GeoJSON text of each row's place, by id.
    asked
        The query of the page, without `lang`.
    asset_root
        Path under which the server serves `maps.assets.ASSET_FOLDERS`.
    """
    text, state_words = TEXTS[lang], STATE_WORDS[lang]
    page_text = PAGE_TEXTS[lang]
    ordered = sorted(rows, key=_by_urgency)
    other = "en" if lang == "zh" else "zh"
    counts = {one: sum(urgency(row) == one for row in rows) for one in URGENCIES}
    synthetic = [layer_name(name, lang) for name, facts in city.provenance.items() if facts.get("synthetic")]
    for_data = {"state": OPEN, **asked}
    page = {
        "kind": "listings",
        "t": page_text,
        "l": text,
        "html_lang": "zh-CN" if lang == "zh" else "en",
        "title": f"{city.name if lang == 'zh' else city.name_en} {text['title']}",
        "home": f"/?f=html&lang={lang}",
        "nav": [
            (page_text["heatmap"], f"/maps/heatmap?lang={lang}"),
            (text["title"], f"{PAGE}?lang={lang}"),
            (page_text["collections"], f"/collections?f=html&lang={lang}"),
            (page_text["docs"], "/docs"),
        ],
        "crumbs": (),
        "other_lang": "zh-CN" if other == "zh" else "en",
        "other_href": _address(PAGE, {**asked, "lang": other}),
        "json_href": _address("/listings", {**for_data, "f": "json"}),
        "forms": [
            (text["geojson"], _address("/listings", {**for_data, "f": "geojson"})),
            (text["csv"], _address("/listings", {**for_data, "f": "csv"})),
        ],
        "synthetic": listed(synthetic, lang),
        "links": (),
        "styles": [asset_url(name, asset_root) for name in STYLES],
        "scripts": [asset_url(name, asset_root) for name in SCRIPTS],
        "action": PAGE,
        "lang": lang,
        "asked": asked,
        "states": [(OPEN, text["open"]), *((state, state_words[state]) for state in STATES)],
        "counted": text["counted"].format(on=today, open=sum(row["state"] in UNDER_SUPERVISION for row in rows)),
        "sums": [
            (one, text[name].format(count=counts[one]))
            for one, name in (("late", "overdue"), ("soon", "soon"), ("waiting", "waiting"), ("held", "holding"))
            if counts[one]
        ],
        "legend": [(one, text["legend" + one.capitalize()]) for one in URGENCIES if counts[one]],
        "rows": [_shown(row, text, state_words, lang) for row in ordered],
        "data": _data(ordered, shapes, background),
    }
    return templates().get_template("listings.html").render(**page)


def _by_urgency(row: Row) -> tuple[int, int, int]:
    left = row["days_left"]
    return URGENCIES.index(urgency(row)), 0 if left is None else left, row["id"]


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _shown(row: Row, text: Mapping[str, str], state_words: Mapping[str, str], lang: str) -> dict[str, Any]:
    """A row in words."""
    is_segment = row["kind"] == "segment"
    score = row["score"]
    return {
        "id": row["id"],
        "urgency": urgency(row),
        "href": f"/collections/listings/items/{row['id']}?f=html&lang={lang}",
        "place": _place(row, text),
        "kind": text[row["kind"]] + (f" {row['code']}" if row["code"] else ""),
        "rank": text["byHand"] if row["rank"] is None else text["rank"].format(rank=row["rank"]),
        "street": row["street_name"] or text["nobody"],
        "responsible": row["responsible"] or text["nobody"],
        "state": state_words[row["state"]],
        "escalated": text["escalated"] if row["escalated"] and row["state"] in UNDER_SUPERVISION else "",
        "due": row["due_on"],
        "left": _left(row, text),
        "score": text["perKm"].format(score=f"{score:.1f}") if is_segment else f"{score:.1f}",
        "reports": row["reports"],
        "period": row["period"],
    }


def _place(row: Row, text: Mapping[str, str]) -> str:
    """Where it is, in words."""
    if row["kind"] == "segment":
        return str(row["name"] or text["unnamed"])
    if row["name"]:
        return text["near"].format(name=row["name"])
    return f"{row['lat']:.5f}, {row['lon']:.5f}"


def _left(row: Row, text: Mapping[str, str]) -> str:
    """What a reader wants to know of the deadline."""
    left, over = row["days_left"], row["overdue_days"]
    if left is None:
        said = {"submitted": text["checking"]}.get(row["state"], "")
        if row["state"] == "verified":
            said = text["held"].format(day=row["hold_until"])
        late = text["lateDone"].format(days=over) if over else ""
        return " · ".join(filter(None, (said, late))) or text["nobody"]
    if left < 0:
        return text["late"].format(days=-left)
    return text["today"] if left == 0 else text["inDays"].format(days=left)


def _data(rows: Sequence[Row], shapes: Mapping[int, bytes], background: Background) -> dict[str, Any]:
    """What the map draws, in the order of the table."""
    places = [
        {
            "id": row["id"],
            "at": [round(row["lat"], 6), round(row["lon"], 6)],
            "urgency": urgency(row),
            "shape": orjson.loads(shapes.get(row["id"], b"null")),
        }
        for row in rows
    ]
    tiles = settings().tile_url
    return {
        "places": places,
        "stepsPerDegree": STEPS_PER_DEGREE,
        "streets": {**pack_shapes(background.streets), "names": background.names},
        "roads": pack_shapes(background.roads),
        "tiles": None if tiles is None else [tiles, settings().tile_attribution or " "],
    }
