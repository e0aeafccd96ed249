"""Vector drawing for print: metres to paper, paths, labels that keep out of each other's way, scale bar and north."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

import numpy as np
import shapely

FONTS = "Noto Sans CJK SC, WenQuanYi Micro Hei, PingFang SC, Microsoft YaHei, sans-serif"
INK = "#1f2933"
STEPS = (1, 2, 5)
WIDE_FROM = "\u1100"
"""Characters from here on are as wide as they are high."""


@dataclass
class Sheet:
    """A piece of paper onto which metres are projected.

    Parameters
    ----------
    box
        West, south, east, north in metres; shown whole, in the middle of the sheet.
    width, height
        In units of the drawing.
    """

    box: tuple[float, float, float, float]
    width: float
    height: float
    parts: list[str] = field(default_factory=list)
    taken: list[shapely.Geometry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find the scale at which the box fits."""
        west, south, east, north = self.box
        self.scale = min(self.width / max(east - west, 1e-9), self.height / max(north - south, 1e-9))
        self._x0 = (west + east) / 2 - self.width / self.scale / 2
        self._y1 = (south + north) / 2 + self.height / self.scale / 2

    @property
    def frame(self) -> shapely.Geometry:
        """The whole sheet in metres, a little beyond its edge."""
        over = 4 / self.scale
        x1, y0 = self._x0 + self.width / self.scale, self._y1 - self.height / self.scale
        return shapely.box(self._x0 - over, y0 - over, x1 + over, self._y1 + over)

    def on_paper(self, shape: shapely.Geometry) -> shapely.Geometry:
        """A shape in units of the drawing, y downwards."""
        return shapely.transform(
            shape, lambda at: np.column_stack(((at[:, 0] - self._x0) * self.scale, (self._y1 - at[:, 1]) * self.scale))
        )

    def draw(self, shape: shapely.Geometry, **style: str | float) -> None:
        """Draw a shape in metres: lighter by what nobody can see, cut at the edge."""
        seen = shapely.simplify(shapely.make_valid(shape).intersection(self.frame), 0.35 / self.scale)
        self.add_path(self.on_paper(seen), **style)

    def add_path(self, shape: shapely.Geometry, **style: str | float) -> None:
        """Draw a shape that is on paper already."""
        if text := path_of(shape):
            self.parts.append(f'<path d="{text}"{attributes(style)}/>')

    def label(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        *,
        angle: float = 0,
        colour: str = INK,
        bold: bool = False,
        force: bool = False,
    ) -> bool:
        """Write a text around a point of the sheet, on a white edge; False: it would cover another one or the edge.

        Parameters
        ----------
        angle
            Degrees, clockwise.
        force
            Write it all the same.
        """
        wide = text_width(text, size)
        box = shapely.box(x - wide / 2, y - size * 0.6, x + wide / 2, y + size * 0.6)
        place = shapely.affinity.rotate(box, angle, origin=(x, y))
        inside = shapely.box(0, 0, self.width, self.height).contains(place)
        if not force and not (inside and not any(place.intersects(other) for other in self.taken)):
            return False
        self.taken.append(place)
        # Vertical centring by hand: not every renderer knows dominant-baseline.
        turn = f' transform="rotate({angle:.1f} {x:.1f} {y:.1f})"' if angle else ""
        style = f'font-family="{FONTS}" font-size="{size:g}" text-anchor="middle"{turn}'
        style += ' font-weight="bold"' if bold else ""
        at = f'x="{x:.1f}" y="{y + size * 0.35:.1f}"'
        said = escape(text)
        halo = f'stroke="#ffffff" stroke-width="{size * 0.25:.1f}" stroke-linejoin="round" fill="#ffffff"'
        self.parts.append(f"<text {at} {style} {halo}>{said}</text>")
        self.parts.append(f'<text {at} {style} fill="{colour}">{said}</text>')
        return True

    def keep_free(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """No label goes here."""
        self.taken.append(shapely.box(x0, y0, x1, y1))

    def scale_bar(self, size: float) -> None:
        """A bar of a round length at the lower left."""
        metres = round_length(self.width / self.scale * 0.28)
        long = metres * self.scale
        x, y = size * 0.8, self.height - size * 0.8
        said = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
        over = shapely.box(x - 3, y - size * 1.6, x + long + 3, y + size * 0.5)
        self.parts.append(f'<path d="{path_of(over)}" fill="#ffffff" fill-opacity="0.8"/>')
        self.parts.append(
            f'<path d="M{x:.1f} {y - size * 0.35:.1f}V{y:.1f}H{x + long:.1f}V{y - size * 0.35:.1f}" fill="none"'
            f' stroke="{INK}" stroke-width="{size / 9:.1f}"/>'
        )
        self._text(said, x + long / 2, y - size * 0.5, size)
        self.taken.append(over)

    def north(self, letter: str, size: float) -> None:
        """An arrow to the north at the upper right."""
        x, y = self.width - size * 1.1, size * 0.6
        over = shapely.box(x - size * 0.8, 0, self.width, y + size * 3)
        self.parts.append(f'<path d="{path_of(over)}" fill="#ffffff" fill-opacity="0.8"/>')
        self.parts.append(
            f'<path d="M{x:.1f} {y:.1f}L{x + size * 0.5:.1f} {y + size * 1.5:.1f}L{x:.1f} {y + size * 1.1:.1f}'
            f'L{x - size * 0.5:.1f} {y + size * 1.5:.1f}Z" fill="{INK}"/>'
        )
        self._text(letter, x, y + size * 2.6, size)
        self.taken.append(over)

    def _text(self, text: str, x: float, y: float, size: float) -> None:
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-family="{FONTS}" font-size="{size:g}" text-anchor="middle"'
            f' fill="{INK}">{escape(text)}</text>'
        )

    def svg(self, title: str) -> str:
        """The drawing; its size on the page is the style sheet's."""
        inner = "".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" role="img"'
            f' aria-label="{escape(title)}">{inner}'
            f'<rect x="0.5" y="0.5" width="{self.width - 1:g}" height="{self.height - 1:g}" fill="none"'
            ' stroke="#9aa5b1" stroke-width="1"/></svg>'
        )


def attributes(style: dict[str, str | float]) -> str:
    """Presentation attributes, which every renderer of SVG reads: stroke_width -> stroke-width."""
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())


def path_of(shape: shapely.Geometry) -> str:
    """Lines and areas of a shape as path data, to a tenth of a unit; points are nothing."""
    pieces = []
    for part in _parts(shape):
        rings: Iterable[shapely.Geometry]
        rings = (part.exterior, *part.interiors) if part.geom_type == "Polygon" else (part,)
        for ring in rings:
            at = np.round(shapely.get_coordinates(ring), 1)
            keep = np.append(True, np.any(np.diff(at, axis=0) != 0, axis=1))
            if keep.sum() > 1:
                steps = "L".join(f"{x:g} {y:g}" for x, y in at[keep].tolist())
                pieces.append(f"M{steps}" + ("Z" if part.geom_type == "Polygon" else ""))
    return "".join(pieces)


def _parts(shape: shapely.Geometry) -> list[shapely.Geometry]:
    flat: list[shapely.Geometry] = []
    for part in shapely.get_parts(shape).tolist():
        flat += _parts(part) if part.geom_type in ("GeometryCollection", "MultiPolygon", "MultiLineString") else [part]
    return [part for part in flat if part.geom_type in ("Polygon", "LineString", "LinearRing")]


def text_width(text: str, size: float) -> float:
    """About how wide a text is."""
    return sum(size if letter >= WIDE_FROM else size * 0.56 for letter in text)


def round_length(most_m: float) -> float:
    """The largest of 1, 2, 5, 10, 20 ... metres that is not longer."""
    most = max(most_m, 1.0)
    power = 10 ** math.floor(math.log10(most))
    # A logarithm may round up to the next power.
    steps = [step * power for step in STEPS if step * power <= most]
    return float(max(steps, default=power / 10 * STEPS[-1]))


def hatched(shape: shapely.Geometry, apart: float) -> shapely.Geometry:
    """Slanted lines over an area, as shapes: patterns are not drawn by every renderer."""
    west, south, east, north = shape.bounds
    high = north - south
    starts = np.arange(math.floor((west - high) / apart) * apart, east, apart)
    lines = [shapely.LineString([(x, south), (x + high, north)]) for x in starts.tolist()]
    return shapely.MultiLineString(lines).intersection(shape)
