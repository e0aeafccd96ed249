"""Responsible persons 责任人: who answers for a cell or an area at an instant (clause 1)."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection

from gis.store.database import sql


@dataclass(frozen=True)
class Holder:
    """A person and the time (UTC epoch seconds, half-open) for which he or she answers for a place."""

    ref: str
    name: str
    phone: str | None
    valid_from: float
    valid_to: float


@dataclass(frozen=True)
class Holders:
    """Holders by place; the database's exclusion constraint sees to it that no two hold one place at one instant."""

    of_cell: dict[int, list[Holder]]
    of_area: dict[int, list[Holder]]

    def at_cell(self, cell_id: int, now: float) -> tuple[Holder | None, float]:
        """Holder of a cell now, and until when (epoch seconds) this answer stays right."""
        return _holding(self.of_cell.get(cell_id, []), now)

    def at_area(self, area_id: int, now: float) -> tuple[Holder | None, float]:
        """Holder of an area now, and until when (epoch seconds) this answer stays right."""
        return _holding(self.of_area.get(area_id, []), now)


def _holding(holders: list[Holder], now: float) -> tuple[Holder | None, float]:
    changes = [moment for holder in holders for moment in (holder.valid_from, holder.valid_to) if moment > now]
    return next((holder for holder in holders if holder.valid_from <= now < holder.valid_to), None), min(
        changes, default=math.inf
    )


def load_holders(conn: Connection) -> Holders:
    """Everybody who holds a place now or later."""
    of_cell: dict[int, list[Holder]] = defaultdict(list)
    of_area: dict[int, list[Holder]] = defaultdict(list)
    for cell_id, area_id, ref, name, phone, valid_from, valid_to in conn.execute(sql("holders")):
        holder = Holder(
            ref,
            name,
            phone,
            -math.inf if valid_from is None else valid_from,
            math.inf if valid_to is None else valid_to,
        )
        (of_area[area_id] if cell_id is None else of_cell[cell_id]).append(holder)
    return Holders(dict(of_cell), dict(of_area))
