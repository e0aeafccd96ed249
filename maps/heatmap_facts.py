"""Everything the heat map page knows, as one JSON text: shapes, counts and class breaks; static/model.js reads it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.density import DM2_PER_KM2, DensityQuery
from gis.ground import Ground
from gis.heatmap import (
    Category,
    SharedCount,
    SparseCounts,
    SubPeriod,
    counts_by_period,
    dictionary,
    ground_shapes,
    shapes_inside,
    shared_counts,
    sub_periods,
)
from gis.operations import Inside, operations, shape_texts
from gis.policies import city_policy
from gis.staffing import LEVELS as STAFFED_LEVELS
from gis.staffing import staffing
from gis.store.schema import CHAOSES, ROAD_CLASSES, TIERS
from maps.classes import class_breaks
from maps.packing import STEPS_PER_DEGREE, pack_numbers, pack_shapes, pack_steps

MOST_OPERATIONS = 20
"""So many special operations are offered, the latest ones."""

MOST_COUNTS = 1_500_000
"""With more counts than this a page would be too heavy: it then has the whole window only."""

WORST_SEGMENTS = 20


def heatmap_facts(
    conn: Connection,
    ground: Ground,
    query: DensityQuery,
    *,
    lang: str,
    reload: bool,
    tiles: bool,
) -> bytes:
    """Collect what the page needs.

    Parameters
    ----------
    reload
        Whether the page can ask its server for another window.
    tiles
        Whether a tile server gives the background.

    Returns
    -------
    bytes
        JSON, in which `<` is escaped so that it can stand inside a script element.
    """
    inside = query.operation
    if inside is None:
        shapes = ground_shapes(conn, ground)
    else:
        ground, shapes = shapes_inside(conn, ground, query, inside)
    policy = city_policy(conn, query.from_day)
    periods = sub_periods(query.from_day, query.to_day)
    cells = counts_by_period(conn, ground, "cell", query, periods)
    segments = counts_by_period(conn, ground, "segment", query, periods)
    shared = shared_counts(conn, ground, query, periods)
    too_many = len(cells) + len(segments) > MOST_COUNTS
    if too_many:
        periods = [SubPeriod(query.from_day, query.to_day)]
        cells, segments = cells.whole_window(), segments.whole_window()
        shared = [SharedCount(*_fields(one, period=0)) for one in shared]
    present = set(np.unique(cells.category).tolist())
    categories = [category for category in dictionary(conn) if category.id in present]
    facts = {
        "lang": lang,
        "reload": reload,
        "tiles": tiles,
        "city": {"slug": ground.city.slug, "zh": ground.city.name, "en": ground.city.name_en},
        "provenance": ground.city.provenance,
        "window": _window(SubPeriod(query.from_day, query.to_day)),
        "periods": [_window(period) for period in periods] if len(periods) > 1 else [],
        "periodsDropped": too_many,
        "onlyCategories": list(query.categories),
        "onlySources": list(query.sources),
        "withoutShared": query.without_shared,
        "operation": None if inside is None else _operation(conn, ground, inside),
        "operations": _listed(conn, ground) if inside is None and reload else [],
        "view": _view(query, shapes.cells if len(shapes.cells) else shapes.areas),
        "stepsPerDegree": STEPS_PER_DEGREE,
        "areas": _areas(ground, shapes.areas),
        "tiers": TIERS,
        "cells": _cells(ground, shapes.cells),
        "roadClasses": ROAD_CLASSES,
        "segments": _segments(ground, shapes.segments),
        "categories": [
            {
                "kind": one.kind,
                "code": one.code,
                "zh": one.name,
                "en": one.name_en,
                "domain": one.domain,
                "chaos": one.chaos,
            }
            for one in categories
        ],
        "chaoses": CHAOSES,
        "cellCounts": _counts(cells, categories),
        "segmentCounts": _counts(segments, categories),
        "shared": _shared(shared, categories),
        "breaks": _breaks(ground, cells, categories, len(periods)),
        "worst": {
            "most": WORST_SEGMENTS,
            "min_m": policy.listing_segment_m,
            "min_reports": policy.listing_segment_reports,
        },
        # Coordinators are counted by whole streets, so they say nothing about an operation.
        "staffing": None if inside is not None else _staffing(conn, ground, query),
    }
    return orjson.dumps(facts, option=orjson.OPT_SERIALIZE_NUMPY).replace(b"<", b"\\u003c")


def _listed(conn: Connection, ground: Ground) -> list[dict[str, str]]:
    """The latest special operations, which the page offers to show alone."""
    found = []
    for one in operations(conn)[:MOST_OPERATIONS]:
        first, after = one.days(ground.city.zone)
        days = {"first": first.isoformat(), "last": (after - timedelta(days=1)).isoformat()}
        found.append({"code": one.code, "zh": one.name, "en": one.name_en or one.name, **days})
    return found


def _operation(conn: Connection, ground: Ground, inside: Inside) -> dict[str, Any]:
    operation, zone = inside.operation, ground.city.zone
    first, after = operation.days(zone)
    text = shape_texts(conn, [operation.id])[operation.id]
    return {
        "code": operation.code,
        "zh": operation.name,
        "en": operation.name_en or operation.name,
        "from": inside.from_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "to": inside.to_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "days": {"first": first.isoformat(), "last": (after - timedelta(days=1)).isoformat()},
        "length": round(inside.days, 2),
        "km2": float(operation.area_km2),
        "outline": pack_shapes(np.array([shapely.from_geojson(text)], object)),
    }


def _fields(one: SharedCount, *, period: int) -> tuple[Any, ...]:
    return (one.lon, one.lat, one.cell, one.segment, one.category, period, one.reports)


def _window(period: SubPeriod) -> dict[str, Any]:
    return {"from": period.from_day.isoformat(), "to": period.to_day.isoformat(), "days": period.days}


def _view(query: DensityQuery, shapes: NDArray[np.object_]) -> list[float] | None:
    if query.bbox is not None:
        return list(query.bbox)
    return [round(float(side), 6) for side in shapely.total_bounds(shapes)] if len(shapes) else None


def _areas(ground: Ground, shapes: NDArray[np.object_]) -> dict[str, Any]:
    position = {area_id: at for at, area_id in enumerate(ground.areas)}
    listed = ground.areas.values()
    inside = shapely.get_coordinates(shapely.point_on_surface(shapes)).round(6)
    return {
        "level": [area.level for area in listed],
        "code": [area.code for area in listed],
        "name": [area.name for area in listed],
        "name_en": [area.name_en for area in listed],
        "parent": [-1 if area.parent_id is None else position[area.parent_id] for area in listed],
        "km2": [float(area.area_km2) for area in listed],
        "inside": inside.tolist(),
        "shapes": pack_shapes(shapes),
    }


def _cells(ground: Ground, shapes: NDArray[np.object_]) -> dict[str, Any]:
    position = {area_id: at for at, area_id in enumerate(ground.areas)}
    areas = ground.cell_areas.tolist()
    prefixes = {area_id: area.code for area_id, area in ground.areas.items()}
    # A code that begins with its area's travels without it; one that does not begins with "=".
    codes = (
        code.removeprefix(prefixes[area]) if code.startswith(prefixes[area]) else "=" + code
        for code, area in zip(ground.cell_codes, areas, strict=True)
    )
    tiers = {tier: at for at, tier in enumerate(TIERS)}
    return {
        "codes": "\n".join(codes),
        "area": pack_steps(np.array([position[area] for area in areas], np.int64)),
        "tier": pack_numbers(np.array([tiers[tier] for tier in ground.cell_tiers], np.int64)),
        "dm2": pack_steps(ground.cell_dm2),
        "shapes": pack_shapes(shapes),
    }


def _segments(ground: Ground, shapes: NDArray[np.object_]) -> dict[str, Any]:
    names = sorted(set(ground.segment_names))
    position = {name: at for at, name in enumerate(names)}
    classes = {name: at for at, name in enumerate(ROAD_CLASSES)}
    return {
        "codes": "\n".join(ground.segment_codes),
        "names": names,
        "name": pack_numbers(np.array([position[name] for name in ground.segment_names], np.int64)),
        "class": pack_numbers(np.array([classes[name] for name in ground.segment_classes], np.int64)),
        "mm": pack_numbers(np.rint(ground.segment_m * 1000).astype(np.int64)),
        "shapes": pack_shapes(shapes),
    }


def _positions(categories: Iterable[Category]) -> NDArray[np.int64]:
    """Position in the page's list by category id, -1 for those not in it."""
    ids = [category.id for category in categories]
    position = np.full(max(ids, default=0) + 1, -1, np.int64)
    position[ids] = np.arange(len(ids))
    return position


def _counts(counts: SparseCounts, categories: list[Category]) -> dict[str, str]:
    category = _positions(categories)[counts.category] if len(counts) else counts.category
    return {
        "place": pack_steps(counts.place),
        "category": pack_steps(category),
        "period": pack_steps(counts.period),
        "reports": pack_numbers(counts.reports),
    }


def _shared(shared: list[SharedCount], categories: list[Category]) -> dict[str, Any]:
    position = _positions(categories)
    places = sorted({(one.lon, one.lat) for one in shared})
    at = {place: number for number, place in enumerate(places)}
    return {
        "places": [[round(lon, 6), round(lat, 6)] for lon, lat in places],
        "counts": [
            [at[one.lon, one.lat], one.cell, one.segment, int(position[one.category]), one.period, one.reports]
            for one in shared
        ],
    }


def choices(categories: Iterable[Category]) -> dict[str, list[int]]:
    """What can be chosen in the page: key -> positions of the categories that belong to it."""
    listed = list(enumerate(categories))
    grouped = {"all": [at for at, _ in listed], "chaos:any": [at for at, one in listed if one.chaos]}
    for chaos in CHAOSES:
        grouped[f"chaos:{chaos}"] = [at for at, one in listed if one.chaos == chaos]
    return {**grouped, **{str(at): [at] for at, _ in listed}}


def _breaks(
    ground: Ground, counts: SparseCounts, categories: list[Category], periods: int
) -> dict[str, dict[str, list[int]]]:
    """Class breaks of the whole window and of its sub-periods, for each choice."""
    cells = len(ground.cell_dm2)
    in_cells = counts.place < cells
    place, period, reports = counts.place[in_cells], counts.period[in_cells], counts.reports[in_cells]
    category = _positions(categories)[counts.category[in_cells]] if len(counts) else counts.category
    measured = ground.cell_dm2 > 0  # without area there is no density
    km2 = ground.cell_dm2[measured] / DM2_PER_KM2
    answer = {}
    for key, members in choices(categories).items():
        chosen = np.isin(category, members)
        by_period = np.bincount(
            period[chosen] * cells + place[chosen], weights=reports[chosen], minlength=periods * cells
        ).reshape(periods, cells)
        answer[key] = {
            "window": class_breaks(by_period.sum(axis=0)[measured] / km2),
            "period": class_breaks((by_period[:, measured] / km2).ravel()),
        }
    return answer


def _staffing(conn: Connection, ground: Ground, query: DensityQuery) -> dict[str, Any] | None:
    """Streets with fewer coordinators than the rule asks for on the last day of the window, most missing first.

    None where no coordinators are known: then nothing is said, rather than that all are missing.
    """
    if not set(STAFFED_LEVELS) & set(ground.city.area_levels):
        return None
    last_day = query.to_day - timedelta(days=1)
    areas = staffing(conn, None, last_day).by_area()
    if not any(area["on_post"] for area in areas):
        return None
    position = {area_id: at for at, area_id in enumerate(ground.areas)}
    short = sorted(
        (area for area in areas if area["gap"] is not None and area["gap"] < 0), key=lambda area: area["gap"]
    )
    rows = [
        {
            "area": position[area["id"]],
            "required": area["required"],
            "on_post": area["on_post"],
            "gap": area["gap"],
            "tiers": [
                [tier["tier"], float(tier["area_km2"]), tier["required"], tier["on_post"]] for tier in area["tiers"]
            ],
        }
        for area in short
    ]
    return {"on": last_day.isoformat(), "rows": rows}
