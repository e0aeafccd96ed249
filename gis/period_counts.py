"""Reports of each cell or segment in each of several periods 旬, from the roll-up: what series and effects count on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.counts import CountKey
from gis.density import category_ids, source_ids
from gis.errors import ParameterError
from gis.ground import Ground
from gis.rules.periods import Period, month, ten_day_period
from gis.store.copying import copy_out_fields
from gis.store.database import sql

STEPS = {"period": ten_day_period, "month": month}
MOST_PERIODS = 1200


def periods_between(from_day: date, to_day: date, by: str) -> list[Period]:
    """The ten-day periods or months that hold the days from `from_day` to `to_day` (exclusive), whole.

    Raises
    ------
    ParameterError
        There is no such step, the window holds no day, or more than MOST_PERIODS periods.
    """
    if by not in STEPS:
        raise ParameterError("by", f"there are {' and '.join(STEPS)}, not {by[:40]!r}")
    if to_day <= from_day:
        raise ParameterError("to", f"must be after from={from_day}; it is exclusive")
    try:
        found = [STEPS[by](from_day)]
        while found[-1].after < to_day:
            if len(found) == MOST_PERIODS:
                msg = f"the window holds more than {MOST_PERIODS} periods; narrow it, or ask by=month"
                raise ParameterError("to", msg)
            found.append(found[-1].following())
    except (OverflowError, ValueError) as problem:
        msg = f"no period ends after {date.max}; choose earlier days"
        raise ParameterError("to", msg) from problem
    return found


def counts_of_periods(
    conn: Connection,
    ground: Ground,
    target: str,
    periods: Sequence[Period],
    categories: tuple[str, ...] = (),
    sources: tuple[str, ...] = (),
) -> NDArray[np.int64]:
    """Reports of every cell or segment in every period.

    Parameters
    ----------
    target
        `cell` or `segment`.
    periods
        One after the other, without a gap.
    categories, sources
        As in `gis.density.DensityQuery`; empty: all.

    Returns
    -------
    int64 of shape (periods, cells or segments)
        By rank in the ground; what lies in none, or in one that is retired, is left out.

    Raises
    ------
    ParameterError
        There is no such category or source.
    """
    places = len(ground.cell_ids if target == "cell" else ground.segment_ids)
    counts = np.zeros((len(periods), places), np.int64)
    for period, at, reports in _packed(conn, ground, target, periods, categories, sources):
        # Sums of whole numbers below 2**53 are exact in float64.
        counts[period] += np.bincount(at, reports, places).astype(np.int64)
    return counts


def sums_of_periods(
    conn: Connection,
    ground: Ground,
    cells: NDArray[np.bool_],
    periods: Sequence[Period],
    categories: tuple[str, ...] = (),
) -> list[int]:
    """Reports of some cells together in every period; as `counts_of_periods`, without a number for each cell.

    Parameters
    ----------
    cells
        Which, by rank.

    Raises
    ------
    ParameterError
        There is no such category.
    """
    sums = [0] * len(periods)
    for period, at, reports in _packed(conn, ground, "cell", periods, categories, ()):
        sums[period] += int(reports[cells[at]].sum())
    return sums


def _packed(
    conn: Connection,
    ground: Ground,
    target: str,
    periods: Sequence[Period],
    categories: tuple[str, ...],
    sources: tuple[str, ...],
) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
    """Position of a period, ranks of live places, and their reports, piece by piece; a place may come again."""
    rank = ground.rank_of_cell if target == "cell" else ground.rank_of_segment
    key = CountKey(periods[0].first, periods[-1].after, category_ids(conn, categories), source_ids(conn, sources))
    asked = {**key.parameters(target), "starts": [period.first for period in periods]}
    for _, period, ids, reports in copy_out_fields(conn, sql("packed_counts_by_period"), asked):
        if period is None or ids is None or reports is None or not len(rank):
            continue
        at = np.frombuffer(ids, "<i4")
        known = (at > 0) & (at < len(rank))
        ranks = np.where(known, rank[np.where(known, at, 0)], -1)
        live = ranks >= 0
        yield (
            int.from_bytes(period, "big"),
            ranks[live].astype(np.intp),
            np.frombuffer(reports, "<i4")[live].astype(np.int64),
        )
