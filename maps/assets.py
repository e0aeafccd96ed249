"""The scripts, styles and images of the pages: linked from the server that serves them, or written into the page."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent

ASSET_FOLDERS = {"vendor": HERE / "vendor", "static": HERE / "static"}
"""What a server has to serve under its asset root: first part of the path -> folder."""

SCRIPTS = (
    "vendor/leaflet/leaflet.js",
    "static/packing.js",
    "static/texts.js",
    "static/model.js",
    "static/painting.js",
    "static/hotspots.js",
    "static/details.js",
    "static/controls.js",
    "static/heatmap.js",
)
ASKING = ("static/hotspots.js",)
"""Scripts that ask the server; a page that is one file leaves them out."""
STYLES = ("vendor/leaflet/leaflet.css", "static/heatmap.css")


@cache
def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def asset_url(name: str, root: str) -> str:
    """Address of an asset under the server's asset root; it changes with the content, so that nothing stale is kept."""
    digest = hashlib.sha256(_text(name).encode()).hexdigest()[:12]
    return f"{root.rstrip('/')}/{name}?v={digest}"


@cache
def inline_script(name: str) -> str:
    """A script as it may stand inside a script element."""
    return re.sub(r"</(?=script)", r"<\\/", _text(name), flags=re.IGNORECASE)


@cache
def inline_style(name: str) -> str:
    """A style sheet with its images written into it."""
    folder = (HERE / name).parent

    def embedded(match: re.Match[str]) -> str:
        content = base64.b64encode((folder / match[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{content})"

    return re.sub(r"url\(([\w/-]+\.png)\)", embedded, _text(name))
