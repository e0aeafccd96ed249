"""PostGIS as the judge: every assignment and every roll-up derived again in SQL and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyproj
from sqlalchemy import Connection, text

from gis.city import read_city
from gis.counts import COUNT_FIELDS, KEY, NO_POSITION, OUTSIDE, stored_counts
from gis.policies import city_policy
from gis.reconciliation import reconciliation
from gis.rules.policy import Policy
from gis.shared_positions import shared_positions_of_reports
from gis.store.copying import copy_out_array
from gis.store.database import share_ground, sql

DAYS_AT_ONCE = 5
SHOWN = 10


@dataclass
class Verification:
    """What was compared and what differs; `differences` is 0 where all is right."""

    reports: int = 0
    cell_differences: int = 0
    segment_differences: int = 0
    count_differences: int = 0
    survey_differences: int = 0
    unflagged_positions: int = 0
    adds_up: bool = True
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """All differences together."""
        wrong = self.cell_differences + self.segment_differences + self.count_differences + self.survey_differences
        return wrong + (not self.adds_up)

    def as_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        return {**asdict(self), "differences": self.differences}


def verify(conn: Connection, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Compare every report's cell and segment, every count and the sums with what PostGIS says.

    The cell is derived with ST_Covers and the lowest code, the segment with <-> and ST_Distance in the city's metric
    CRS; the roll-ups of reports and of patrol passes with GROUP BY; none of them by the code that wrote them.

    Parameters
    ----------
    progress
        Called with (days done, days in all).

    Raises
    ------
    CityError
        The database holds no city yet.
    """
    share_ground(conn)
    policy = city_policy(conn, datetime.now(UTC).date())
    found = Verification()
    crs = pyproj.CRS.from_user_input(read_city(conn).metric_crs)
    first, last = conn.execute(text("SELECT min(day), max(day) FROM reports")).one()
    days = 0 if first is None else (last - first).days + 1
    looked_at = {"first": first, "days": DAYS_AT_ONCE}
    stretches = list(conn.execute(sql("stretches_of_reports"), looked_at).scalars())
    for start in (stretch * DAYS_AT_ONCE for stretch in stretches):
        window = {"first": first, "start": start, "stop": start + DAYS_AT_ONCE}
        _compare_places(conn, found, window, crs.to_epsg() or 0, policy)
        _compare_counts(conn, found, window)
        if progress:
            progress(min(start + DAYS_AT_ONCE, days), days)
    stray = int(conn.execute(sql("stray_counts"), {**looked_at, "stretches": stretches}).scalar_one())
    found.count_differences += stray
    unlike = conn.execute(sql("wrong_survey_periods")).mappings().all()
    found.survey_differences = len(unlike)
    found.examples += [dict(row) for row in unlike[: max(SHOWN - len(found.examples), 0)]]
    found.adds_up = bool(reconciliation(conn)["adds_up"])
    found.unflagged_positions = len(shared_positions_of_reports(conn, policy))
    return found


def _compare_places(conn: Connection, found: Verification, window: dict[str, Any], srid: int, policy: Policy) -> None:
    found.reports += int(conn.execute(sql("count_reports_of_days"), window).scalar_one())
    wrong_cells = conn.execute(sql("misplaced_in_cells"), window).mappings().all()
    wrong_segments = (
        conn.execute(
            sql("misplaced_on_segments"),
            {**window, "srid": srid, "reach_m": policy.segment_reach_m, "tie_m": policy.segment_tie_m},
        )
        .mappings()
        .all()
    )
    found.cell_differences += len(wrong_cells)
    found.segment_differences += len(wrong_segments)
    room = SHOWN - len(found.examples)
    found.examples += [dict(row) for row in [*wrong_cells, *wrong_segments][: max(room, 0)]]


def _compare_counts(conn: Connection, found: Verification, window: dict[str, Any]) -> None:
    """Roll-up against the reports themselves, grouped by the database."""
    for target in ("cell", "segment"):
        parameters = {**window, "target": target, "outside": OUTSIDE, "no_position": NO_POSITION}
        derived = copy_out_array(conn, sql("grouped_reports"), parameters, COUNT_FIELDS)
        held = stored_counts(conn, target, window)
        if np.array_equal(np.sort(derived, order=KEY), held):
            continue
        by_key = [{tuple(row)[:4]: int(row["count"]) for row in rows} for rows in (derived, held)]
        wrong = sorted(key for key in by_key[0].keys() | by_key[1].keys() if by_key[0].get(key) != by_key[1].get(key))
        found.count_differences += len(wrong)
        for key in wrong[: max(SHOWN - len(found.examples), 0)]:
            day, category_id, source_id, place = (int(part) for part in key)
            found.examples.append(
                {
                    "day": str(np.datetime64(day, "D")),
                    "category_id": category_id,
                    "source_id": source_id,
                    f"{target}_id": place,
                    "reports": by_key[0].get(key),
                    "roll_up": by_key[1].get(key),
                }
            )
