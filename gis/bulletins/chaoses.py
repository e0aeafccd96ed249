"""The four chaoses 四乱 of a period beside those of the period before, by district (clause 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from gis.ground import Ground
from gis.period_counts import counts_of_periods
from gis.rules.periods import Period
from gis.store.database import sql

CHAOSES = ("parking", "trading", "rubbish", "posters")


@dataclass(frozen=True)
class ChaosChange:
    """Reports of the four chaoses of a place.

    Parameters
    ----------
    code, name
        Of the area; both "" for the whole city.
    counts, before
        Reports in cells of the place, by chaos, in this period and in the one before.
    days, days_before
        Length of both, because a third ten-day period may have eight to eleven days.
    """

    code: str
    name: str
    counts: dict[str, int]
    before: dict[str, int]
    days: int
    days_before: int

    @property
    def count(self) -> int:
        """All four together, now."""
        return sum(self.counts.values())

    @property
    def count_before(self) -> int:
        """All four together, in the period before."""
        return sum(self.before.values())

    @property
    def change(self) -> float | None:
        """Change per day as a share of the period before: -0.2 is a fifth less; None where there was nothing."""
        return self.change_of(None)

    def change_of(self, chaos: str | None) -> float | None:
        """As `change`, of one chaos; None: of all four."""
        now = self.count if chaos is None else self.counts[chaos]
        then = self.count_before if chaos is None else self.before[chaos]
        # One division, so that equal rates give exactly 0.
        return now * self.days_before / (then * self.days) - 1 if then else None

    def plain(self) -> dict[str, Any]:
        """Fit for JSON."""
        return {
            "code": self.code or None,
            "name": self.name or None,
            **{chaos: self.counts[chaos] for chaos in CHAOSES},
            "count": self.count,
            "count_before": self.count_before,
            "days": self.days,
            "days_before": self.days_before,
            "change": self.change,
        }


def chaos_change(conn: Connection, ground: Ground, period: Period) -> list[ChaosChange]:
    """Count the four chaoses of both periods; the city first, then each area of the highest level that has cells."""
    before = period.previous()
    of_chaos = _counted(conn, ground, before, period)
    listed, position = ground.cells_by_area(ground.city.area_levels[0])
    inside = position >= 0
    sums = {
        chaos: [np.bincount(position[inside], row[inside], len(listed)).astype(np.int64).tolist() for row in counts]
        for chaos, counts in of_chaos.items()
    }
    length = period.days, before.days
    whole = [{chaos: int(counts[at].sum()) for chaos, counts in of_chaos.items()} for at in (1, 0)]
    answer = [ChaosChange("", "", whole[0], whole[1], *length)]
    has_cells = np.bincount(position[inside], minlength=len(listed))
    for at, area in enumerate(listed):
        if has_cells[at]:
            now, then = ({chaos: rows[which][at] for chaos, rows in sums.items()} for which in (1, 0))
            answer.append(ChaosChange(area.code, area.name, now, then, *length))
    return answer


def _counted(conn: Connection, ground: Ground, before: Period, period: Period) -> dict[str, Any]:
    """By chaos: reports of each cell in both periods; nothing where the dictionary has no such category."""
    there = {row.chaos for row in conn.execute(sql("category_chaoses"))}
    nothing = np.zeros((2, len(ground.cell_ids)), np.int64)
    return {
        chaos: counts_of_periods(conn, ground, "cell", [before, period], (f"chaos:{chaos}",))
        if chaos in there
        else nothing
        for chaos in CHAOSES
    }
