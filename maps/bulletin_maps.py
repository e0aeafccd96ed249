"""The maps of a bulletin: the standing over the city, and the surroundings of each worst segment and spot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gis.bulletins.ground import PlaceShape, Road, Shapes
from maps.bulletin_drawing import Sheet, hatched, path_of, text_width

WIDTH = 720.0
SMALL = 240.0, 160.0
COLOURS = ("#fff3c9", "#fedc8c", "#fdb863", "#f08a43", "#c9501c")
"""Lightest is best; the order also reads without colour."""
LIGHT_TEXT = 4
"""From this class on, dark."""
REWARDED, PENALISED = "#15803d", "#b91c1c"
NAMES_UP_TO = 16
"""So few areas are written on with their names."""
WIDTHS = {"ring": 7.0, "trunk": 7.0, "main": 5.5, "branch": 3.5, "back_street": 2.0}
ORDER = ("back_street", "branch", "main", "trunk", "ring")
ROAD, EDGE, LAND = "#c6cbd2", "#7b8794", "#f7f6f2"
MOST_NAMES = 5
HATCH_INK, HATCH_APART = "#52606d", 7
_SWATCH = shapely.box(0, 0, 36, 24)
HATCH = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 24" aria-hidden="true">'
    f'<path d="{path_of(hatched(_SWATCH, HATCH_APART))}" fill="none" stroke="{HATCH_INK}" stroke-width="1.2"/>'
    '<rect x="1" y="1" width="34" height="22" fill="none" stroke="#7b8794" stroke-width="2"/></svg>'
)
"""How provisional areas look, for the legend."""


@dataclass(frozen=True)
class Classes:
    """Densities in classes of about as many areas each.

    Parameters
    ----------
    bounds
        Lowest and highest density of each class, best first.
    """

    bounds: list[tuple[float, float]]

    def of(self, density: float) -> int:
        """Number of the class."""
        return next((at for at, (_, high) in enumerate(self.bounds) if density <= high), len(self.bounds) - 1)


def classes_of(densities: Sequence[float]) -> Classes:
    """Up to five classes; equal densities are never torn apart."""
    values = np.unique(np.array(sorted(densities)))
    cuts = [part for part in np.array_split(values, min(len(COLOURS), max(len(values), 1))) if len(part)]
    return Classes([(float(part[0]), float(part[-1])) for part in cuts])


def city_map(shapes: Shapes, rows: Sequence[dict[str, Any]], north: str, title: str) -> tuple[str, Classes]:
    """The standing as a map, and the classes of its colours.

    Parameters
    ----------
    rows
        Of the bulletin.
    """
    by_code = {row["code"]: row for row in rows}
    ranked = [one for one in shapes.areas if one.ranked and by_code[one.code]["rank"] is not None]
    classes = classes_of([float(by_code[one.code]["density"]) for one in ranked])
    drawn = [one.shape for one in ranked or shapes.areas]
    # A city may have no areas of the level at all.
    west, south, east, top = shapely.total_bounds(drawn).tolist() if drawn else (0.0, 0.0, 1000.0, 500.0)
    room = max(east - west, top - south) * 0.04
    box = west - room, south - room, east + room, top + room
    shape = (box[3] - box[1]) / max(box[2] - box[0], 1e-9)
    sheet = Sheet(box, WIDTH, WIDTH * min(max(shape, 0.42), 0.72))
    for one in shapes.areas:
        if one.ranked:
            sheet.draw(one.shape, fill="#eceef0", stroke="#c6cbd2", stroke_width=0.6)
    for one in ranked:
        row = by_code[one.code]
        colour = COLOURS[_spread(classes.of(float(row["density"])), len(classes.bounds))]
        sheet.draw(one.shape, fill=colour, stroke="#6b7280", stroke_width=0.8, stroke_linejoin="round")
        if row["provisional"]:
            paper = sheet.on_paper(shapely.make_valid(one.shape))
            sheet.add_path(hatched(paper, HATCH_APART), fill="none", stroke=HATCH_INK, stroke_width=0.45)
    for one in shapes.areas:
        if not one.ranked:
            sheet.draw(one.shape, fill="none", stroke="#323f4b", stroke_width=1.6, stroke_linejoin="round")
    sheet.scale_bar(11)
    sheet.north(north, 11)
    _ranks(sheet, [(one.shape, by_code[one.code]) for one in ranked])
    return sheet.svg(title), classes


def _spread(at: int, count: int) -> int:
    """Colour of a class: few classes still reach from the lightest to the darkest."""
    return round(at * (len(COLOURS) - 1) / max(count - 1, 1))


def colours_of(classes: Classes) -> list[str]:
    """A colour for each class."""
    return [COLOURS[_spread(at, len(classes.bounds))] for at in range(len(classes.bounds))]


def _ranks(sheet: Sheet, places: Sequence[tuple[shapely.Geometry, dict[str, Any]]]) -> None:
    """Ranks in the middle of areas, ringed where money moves; names where there are few areas."""
    with_names = len(places) <= NAMES_UP_TO
    for shape, row in places:
        inner = shapely.maximum_inscribed_circle(shapely.make_valid(shape).intersection(sheet.frame), 20.0)
        paper = sheet.on_paper(inner)
        x, y = shapely.get_coordinates(paper)[0].tolist()
        size = min(max(paper.length * 0.9, 7.5), 13.0)
        if row["reward_yuan"]:
            ring = REWARDED if row["reward_yuan"] > 0 else PENALISED
            circle = shapely.Point(x, y).buffer(size * 0.82, 8)
            sheet.add_path(circle, fill="#ffffff", fill_opacity=0.85, stroke=ring, stroke_width=1.8)
            sheet.label(str(row["rank"]), x, y, size, bold=True, colour=ring, force=True)
        else:
            sheet.label(str(row["rank"]), x, y, size, force=True)
        if with_names:
            sheet.label(row["name"], x, y + size * 1.6, 10)


def place_map(shape: PlaceShape, name: str, north: str, title: str) -> str:
    """A small map of a worst segment or spot with the roads around it."""
    sheet = Sheet(shape.box, *SMALL)
    sheet.parts.append(f'<rect width="{SMALL[0]:g}" height="{SMALL[1]:g}" fill="{LAND}"/>')
    for edge in shape.streets:
        sheet.draw(edge, fill="none", stroke=EDGE, stroke_width=1.2, stroke_dasharray="6 3 1 3")
    for road_class in ORDER:
        lines = [road.line for road in shape.roads if road.road_class == road_class]
        if lines:
            style: dict[str, str | float] = {
                "stroke": ROAD,
                "stroke_width": WIDTHS[road_class],
                "stroke_linecap": "round",
            }
            sheet.draw(shapely.union_all(lines), fill="none", stroke_linejoin="round", **style)
    is_area = shape.place.geom_type in ("Polygon", "MultiPolygon")
    if is_area:
        sheet.draw(shape.place, fill=PENALISED, fill_opacity=0.28, stroke=PENALISED, stroke_width=1.8)
    else:
        line: dict[str, str | float] = {
            "fill": "none",
            "stroke": PENALISED,
            "stroke_linecap": "round",
            "stroke_linejoin": "round",
        }
        sheet.draw(shape.place, stroke_width=6, **line)
    sheet.scale_bar(10)
    sheet.north(north, 10)
    if name and not is_area:
        _name_beside(sheet, shape.place, name)
    _road_names(sheet, shape.roads, name, done=not is_area)
    return sheet.svg(title)


def _name_beside(sheet: Sheet, place: shapely.Geometry, name: str) -> None:
    """The name of a segment beside it, so that it stays to be seen."""
    line, size = _longest(sheet, [place]), 11.0
    sheet.taken.append(line.buffer(3))
    angle = _angle(line, 0.5)
    x, y = shapely.get_coordinates(line.interpolate(0.5, normalized=True))[0].tolist()
    for away in (size, -size):
        dx, dy = math.sin(math.radians(angle)) * away, -math.cos(math.radians(angle)) * away
        if sheet.label(name, x + dx, y + dy, size, angle=angle, colour=PENALISED, bold=True):
            return


def _road_names(sheet: Sheet, roads: Sequence[Road], first: str, *, done: bool) -> None:
    """Names along the longest pieces of road, that of the place itself first unless it is written already."""
    by_name: dict[str, list[shapely.Geometry]] = {}
    for road in roads:
        if road.name and not (done and road.name == first):
            by_name.setdefault(road.name, []).append(road.line)
    pieces = {name: _longest(sheet, lines) for name, lines in by_name.items()}
    written = 0
    for name, piece in sorted(pieces.items(), key=lambda pair: (pair[0] != first, -pair[1].length, pair[0])):
        size = 11.0 if name == first else 9.0
        if name != first and piece.length < text_width(name, size) * 0.9:
            continue
        colour = PENALISED if name == first else "#3e4c59"
        for share in (0.5, 0.3, 0.7):
            x, y = shapely.get_coordinates(piece.interpolate(share, normalized=True))[0].tolist()
            if sheet.label(name, x, y, size, angle=_angle(piece, share), colour=colour, bold=name == first):
                written += 1
                break
        if written == MOST_NAMES:
            return


def _longest(sheet: Sheet, lines: Sequence[shapely.Geometry]) -> shapely.Geometry:
    merged = shapely.line_merge(shapely.union_all(list(lines)))
    return sheet.on_paper(max(shapely.get_parts(merged).tolist(), key=lambda part: part.length))


def _angle(piece: shapely.Geometry, share: float) -> float:
    """Direction of a line there in degrees, so that text never stands on its head."""
    ends = [piece.interpolate(min(max(share + step, 0), 1), normalized=True) for step in (-0.1, 0.1)]
    (x0, y0), (x1, y1) = (shapely.get_coordinates(end)[0] for end in ends)
    return float((np.degrees(np.arctan2(y1 - y0, x1 - x0)) + 90) % 180 - 90)
