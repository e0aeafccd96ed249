"""The heat map 热力图 page: Folium and Leaflet with everything on board, so that no request leaves the server.

Cells are coloured by problems per km2 of geodesic area in round classes (maps/classes.py); nothing is blurred, and
zooming changes no colour. The background is the city's own areas and roads, unless a tile server is set.
"""

from __future__ import annotations

from html import escape
from typing import Literal

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template
from sqlalchemy import Connection

from gis.density import DensityQuery
from gis.ground import Ground
from gis.settings import settings
from maps.assets import ASKING, SCRIPTS, STYLES, asset_url, inline_script, inline_style
from maps.heatmap_facts import heatmap_facts

Language = Literal["zh", "en"]
Assets = Literal["linked", "inline"]

FACTS_ID = "fg-facts"
NO_ICON = '<link rel="icon" href="data:,">'


class CityMap(folium.Map):
    """Folium's map without any of the libraries that it links by default, drawing on canvas."""

    def __init__(self) -> None:
        super().__init__(
            location=[0, 0],
            zoom_start=2,
            tiles=None,
            prefer_canvas=True,
            zoom_snap=0.25,
            zoom_delta=0.5,
            max_zoom=18,
            font_size="14px",
        )
        self.default_js, self.default_css = [], []
        self._id = "city"  # folium would draw a random one; the same city gives the same page


class PageFrame(MacroElement):
    """The page around the map: side panel, card with numbers, hatch pattern, facts, and the call that starts it all."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <svg id="fg-defs" aria-hidden="true"><defs>
                <pattern id="fg-hatch" width="12" height="12"
                    patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <line x1="0" y1="0" x2="0" y2="12" stroke="#00695c" stroke-width="2" stroke-opacity="0.65" />
                </pattern>
            </defs></svg>
            <aside id="fg-side"><noscript>This page needs JavaScript. 本页需要 JavaScript。</noscript></aside>
            <section id="fg-details" aria-live="polite" hidden></section>
            <script type="application/json" id="{{ this.facts_id }}">{{ this.facts }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            Finegrid.openHeatmap({{ this._parent.get_name() }}, {{ this.facts_id|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, facts: str) -> None:
        super().__init__()
        self._name = "PageFrame"
        self._id = "heatmap"
        self.facts = facts
        self.facts_id = FACTS_ID


def heatmap_page(
    conn: Connection,
    ground: Ground,
    query: DensityQuery,
    *,
    lang: Language,
    assets: Assets,
    asset_root: str = "/static/maps",
) -> str:
    """Make the page as HTML.

    Parameters
    ----------
    query
        Window, categories and sources that the page holds; `bbox`: the view it opens with; `without_shared`: whether it
        opens without the reports on shared coordinates.
    lang
        Language it opens in; the page itself can switch.
    assets
        `linked`: scripts and styles come from `asset_root`, and the page can ask its server for another window.
        `inline`: all in one file that needs no server and no network.
    asset_root
        Path under which the server serves `maps.assets.ASSET_FOLDERS`.

    Raises
    ------
    ParameterError
        The dictionary has no such category, or there is no such source.
    Conflict
        The ground changed meanwhile.
    """
    tiles = settings().tile_url
    facts = heatmap_facts(conn, ground, query, lang=lang, reload=assets == "linked", tiles=tiles is not None).decode()
    city = CityMap()
    if tiles is not None:
        folium.TileLayer(tiles, attr=settings().tile_attribution or " ", control=False).add_to(city)
    PageFrame(facts).add_to(city)
    figure = city.get_root()
    if not isinstance(figure, Figure):
        msg = f"folium put the map into {type(figure).__name__}, not into a Figure"
        raise TypeError(msg)
    figure.title = _title(ground, query, lang)
    figure.header.add_child(Element(NO_ICON), name="icon")  # else the browser asks the server for one
    for number, element in enumerate(_asset_elements(assets, asset_root)):
        figure.header.add_child(Element(element), name=f"asset{number}")
    return figure.render().replace("<html>", f'<html lang="{"zh-CN" if lang == "zh" else "en"}">', 1)


def _title(ground: Ground, query: DensityQuery, lang: Language) -> str:
    city = ground.city.name if lang == "zh" else ground.city.name_en
    if query.operation is None:
        return city
    operation = query.operation.operation
    return escape(f"{city} {operation.name if lang == 'zh' else operation.name_en or operation.name}")


def _asset_elements(assets: Assets, root: str) -> list[str]:
    # An Element's text is itself a template: what is inlined must not be read as one.
    if assets == "linked":
        return [f'<link rel="stylesheet" href="{asset_url(name, root)}">' for name in STYLES] + [
            f'<script src="{asset_url(name, root)}"></script>' for name in SCRIPTS
        ]
    return [_raw(f"<style>{inline_style(name)}</style>") for name in STYLES] + [
        _raw(f"<script>{inline_script(name)}</script>") for name in SCRIPTS if name not in ASKING
    ]


def _raw(text: str) -> str:
    return "{% raw %}" + text + "{% endraw %}"
