"""The live board 双十实时看板: what runs out in the next minutes, as a list with countdowns and a map.

The page holds no data of its own: it asks /response/live of its server every few seconds, and nobody else for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gis.ground import Ground
from gis.settings import settings
from maps.assets import asset_url

REFRESH_S = 5
STYLES = ("vendor/leaflet/leaflet.css", "static/board.css")
SCRIPTS = (
    "vendor/leaflet/leaflet.js",
    "static/packing.js",
    "static/texts.js",
    "static/board_texts.js",
    "static/board.js",
)
TITLES = {"zh": "双十实时看板", "en": "Double ten, live"}


@dataclass(frozen=True)
class BoardChoice:
    """What the board opens with.

    Parameters
    ----------
    within_s
        Steps that run out within so many seconds.
    street
        Code of a street; None: the whole city.
    at
        Replays the city from this past instant on; None: now.
    limit_s
        Seconds that a step may take, for the bars.
    """

    within_s: int
    street: str | None
    at: datetime | None
    limit_s: int


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def board_page(
    ground: Ground, choice: BoardChoice, *, lang: Literal["zh", "en"], synthetic: Sequence[str], asset_root: str
) -> str:
    """Make the page as HTML.

    Parameters
    ----------
    lang
        Language it opens in; the page itself can switch.
    synthetic
        Layers that are made up.
    asset_root
        Path under which the server serves `maps.assets.ASSET_FOLDERS`.
    """
    city = ground.city
    level = next((one for one in ("street", "district", "community") if one in city.area_levels), None)
    tiles = settings().tile_url
    facts: dict[str, Any] = {
        "lang": lang,
        "city": {"zh": city.name, "en": city.name_en},
        "zone": city.time_zone,
        "areas": level and f"/areas?level={level}&f=geojson",
        "streets": [
            {"code": area.code, "zh": area.name, "en": area.name_en or area.name}
            for area in ground.areas.values()
            if area.level == level
        ],
        "refreshS": REFRESH_S,
        "limitS": choice.limit_s,
        "withinS": choice.within_s,
        "street": choice.street,
        "at": choice.at and choice.at.isoformat(),
        "synthetic": list(synthetic),
        "tiles": tiles and {"url": tiles, "attribution": settings().tile_attribution or " "},
    }
    return (
        _templates()
        .get_template("board.html")
        .render(
            html_lang="zh-CN" if lang == "zh" else "en",
            title=f"{facts['city'][lang]} {TITLES[lang]}",
            styles=[asset_url(name, asset_root) for name in STYLES],
            scripts=[asset_url(name, asset_root) for name in SCRIPTS],
            facts=facts,
        )
    )
