"""Coordinates shared by suspiciously many reports, such as the default of an address geocoder (clause 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from gis.rules.policy import Policy
from gis.store.database import sql
from gis.store.schema import shared_positions

MOST_KEPT = 1 << 20


@dataclass(frozen=True)
class SharedPosition:
    """A coordinate (WGS 84 degrees) and how many reports stand exactly there."""

    lon: float
    lat: float
    reports: int


class PositionTally:
    """Counts equal coordinates of a stream in bounded memory.

    Where more than MOST_KEPT distinct coordinates are held, those seen once are let go: a coordinate that is shared by
    many can lose one sighting each time that happens, and then `exact` is False.
    """

    def __init__(self) -> None:
        self.exact = True
        self._positions = np.empty(0, np.complex128)
        self._counts = np.empty(0, np.int64)
        self._waiting: list[NDArray[np.complex128]] = []
        self._waiting_count = 0
        self._total = 0

    def add(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> None:
        """Count points; those without position (nan) are passed over."""
        known = ~np.isnan(lon)
        # A complex number is both coordinates in one sortable value, exactly.
        points = np.empty(int(known.sum()), np.complex128)
        points.real, points.imag = lon[known], lat[known]
        self._waiting.append(points)
        self._waiting_count += len(points)
        self._total += len(points)
        if self._waiting_count > MOST_KEPT:
            self._merge()

    def suspicious(self, policy: Policy) -> list[SharedPosition]:
        """Coordinates with at least as many reports as the policy calls suspicious, most first."""
        self._merge()
        least = max(policy.shared_position_reports, policy.shared_position_share * self._total)
        chosen = np.flatnonzero(self._counts >= least)
        order = chosen[np.argsort(-self._counts[chosen], kind="stable")]
        return [
            SharedPosition(float(self._positions[at].real), float(self._positions[at].imag), int(self._counts[at]))
            for at in order
        ]

    def _merge(self) -> None:
        if not self._waiting:
            return
        points, counts = np.unique(np.concatenate(self._waiting), return_counts=True)
        self._waiting, self._waiting_count = [], 0
        if len(self._positions):
            every = np.concatenate([self._positions, points])
            weights = np.concatenate([self._counts, counts])
            points, inverse = np.unique(every, return_inverse=True)
            counts = np.bincount(inverse, weights=weights).astype(np.int64)
        if len(points) > MOST_KEPT:
            self.exact = False
            again = counts > 1
            points, counts = points[again], counts[again]
        self._positions, self._counts = points, counts


def shared_positions_of_import(
    conn: Connection, tally: PositionTally, import_id: int, policy: Policy
) -> list[SharedPosition]:
    """Suspicious coordinates of an import, exactly counted, most first."""
    found = tally.suspicious(policy)
    if tally.exact or not found:
        return found
    parameters = {
        "import_id": import_id,
        "lons": [place.lon for place in found],
        "lats": [place.lat for place in found],
    }
    return [SharedPosition(*row) for row in conn.execute(sql("reports_at_positions"), parameters)]


def flag_positions(conn: Connection, positions: list[SharedPosition]) -> None:
    """Remember suspicious coordinates; a known one keeps the larger number."""
    if not positions:
        return
    rows = [
        {"lon": place.lon, "lat": place.lat, "reports": place.reports}
        for place in sorted(positions, key=lambda p: (p.lon, p.lat))
    ]
    statement = insert(shared_positions)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["lon", "lat"],
            set_={"reports": statement.excluded.reports},
            where=shared_positions.c.reports < statement.excluded.reports,
        ),
        rows,
    )


def shared_positions_of_reports(conn: Connection, policy: Policy) -> list[SharedPosition]:
    """Suspicious coordinates among all stored reports that are not flagged yet; looks at every report."""
    parameters = {"least": policy.shared_position_reports, "share": policy.shared_position_share}
    return [SharedPosition(*row) for row in conn.execute(sql("unflagged_positions"), parameters)]
