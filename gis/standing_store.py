"""Rows of a standing as the database keeps them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gis.rules.deductions import UNITS, points
from gis.standing_rows import Row

EXACT = Decimal("0.00001")
AREA = Decimal("0.00000001")


def stored_row(row: Row) -> dict[str, Any]:
    """A row's columns in `standing_rows`, without the standing."""
    place = row.place
    return {
        "code": place.code,
        "area_id": row.area_id,
        "name": row.name,
        "rank": place.rank,
        "deduction": (Decimal(row.units) / UNITS).quantize(EXACT),
        "square_deduction": Decimal(row.square_units).scaleb(-10),
        "area_km2": row.area_km2.quantize(AREA),
        "density": place.density,
        "score": place.score,
        "problems": row.problems,
        "coverage": row.coverage,
        "provisional": place.provisional,
        "note": row.note,
        "reward_yuan": place.reward_yuan,
        "bottom_run": place.bottom_run,
        "consequences": list(place.consequences),
        "parts": {kind: f"{points(units):f}" for kind, units in row.by_kind.items()},
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "smoothed": row.smoothed,
        "apart": row.apart,
    }
