"""Repeats 重复问题: which problems of a period had been noticed in the period before (clause 6).

Same problem: same category on the same segment; where one of the two is near no road, within `repeat_reach_m`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis.fact_text import Facts
from gis.rules.deductions import times_noticed
from gis.rules.policy import Policy

OFF_ROAD = 0
"""Segment id of what is near no road."""
E7 = 10_000_000
CM_PER_M = 100
SIGN = 1 << 31
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Noticed:
    """Problems at the end of a period, those included that nobody looked for again since; arrays of equal length.

    Parameters
    ----------
    category_id, segment_id
        Database ids; segment OFF_ROAD: near no road.
    lon_e7, lat_e7
        1e-7 degrees of WGS 84.
    place
        Database id of the street.
    times
        In how many periods in a row.
    """

    category_id: Ints
    segment_id: Ints
    lon_e7: Ints
    lat_e7: Ints
    place: Ints
    times: Ints

    def __len__(self) -> int:
        """Problems."""
        return len(self.times)

    def chosen(self, which: NDArray[np.bool_] | Ints) -> Noticed:
        """Some of them."""
        return Noticed(*(getattr(self, name)[which] for name in COLUMNS))


COLUMNS = ("category_id", "segment_id", "lon_e7", "lat_e7", "place", "times")
NOTHING = Noticed(*(np.empty(0, np.int64) for _ in COLUMNS))


def times_of(before: Ints, surveyed: NDArray[np.bool_]) -> Ints:
    """`rules.deductions.times_noticed` of arrays: the rule is asked once per distinct pair."""
    pairs, which = np.unique(before * 2 + surveyed, return_inverse=True)
    times = [times_noticed(pair >> 1, surveyed=bool(pair & 1)) for pair in pairs.tolist()]
    return np.array(times, np.int64)[which.ravel()]


def times_before(
    now: Noticed, earlier: Noticed, to_metric: pyproj.Transformer, policy: Policy
) -> tuple[Ints, NDArray[np.bool_]]:
    """How often each problem had been noticed up to the period before, and which of those came again.

    Returns
    -------
    before : int64 of the length of `now`
        The most times of any problem of before that it is the same as; 0: it is new.
    again : bool of the length of `earlier`
        Whether any problem of now is the same.
    """
    before = np.zeros(len(now), np.int64)
    again = np.zeros(len(earlier), bool)
    if len(now) and len(earlier):
        _on_segments(now, earlier, before, again)
        for category in np.intersect1d(now.category_id, earlier.category_id).tolist():
            here, there = (np.flatnonzero(one.category_id == category) for one in (now, earlier))
            _near(now, here, earlier, there, to_metric, policy.repeat_reach_m, before, again)
    return before, again


def _on_segments(now: Noticed, earlier: Noticed, before: Ints, again: NDArray[np.bool_]) -> None:
    old = np.flatnonzero(earlier.segment_id != OFF_ROAD)
    mine = np.flatnonzero(now.segment_id != OFF_ROAD)
    keys, which = np.unique((earlier.category_id[old] << 32) + earlier.segment_id[old], return_inverse=True)
    if not len(keys):
        return
    most = np.zeros(len(keys), np.int64)
    np.maximum.at(most, which, earlier.times[old])
    key = (now.category_id[mine] << 32) + now.segment_id[mine]
    at = np.searchsorted(keys, key).clip(max=len(keys) - 1)
    found = keys[at] == key
    before[mine[found]] = most[at[found]]
    came = np.zeros(len(keys), bool)
    came[at[found]] = True
    again[old] = came[which]


def _near(
    now: Noticed,
    here: Ints,
    earlier: Noticed,
    there: Ints,
    to_metric: pyproj.Transformer,
    reach_m: float,
    before: Ints,
    again: NDArray[np.bool_],
) -> None:
    """Within reach, where at least one of the two is near no road."""
    off = now.segment_id[here] == OFF_ROAD
    for mine, others in (
        (here[off], there),
        (here[~off], there[earlier.segment_id[there] == OFF_ROAD]),
    ):
        if not len(mine) or not len(others):
            continue
        # Each position once, so that thousands of reports on one coordinate are not thousands times thousands of pairs.
        points, of_mine = np.unique(_centimetres(now, mine, to_metric), return_inverse=True)
        old, of_others = np.unique(_centimetres(earlier, others, to_metric), return_inverse=True)
        most = np.zeros(len(old), np.int64)
        np.maximum.at(most, of_others, earlier.times[others])
        pairs = _tree(points).sparse_distance_matrix(_tree(old), reach_m, output_type="ndarray")
        at_points, at_old = np.zeros(len(points), np.int64), np.zeros(len(old), bool)
        np.maximum.at(at_points, pairs["i"], most[pairs["j"]])
        at_old[pairs["j"]] = True
        before[mine] = np.maximum(before[mine], at_points[of_mine])
        again[others] |= at_old[of_others]


def _tree(places: Ints) -> cKDTree:
    # A tree that is asked once is not worth balancing.
    north = ((places & 0xFFFFFFFF) ^ SIGN) - SIGN
    metres = np.column_stack([places >> 32, north]) / CM_PER_M
    return cKDTree(metres, balanced_tree=False, compact_nodes=False)


def _centimetres(noticed: Noticed, which: Ints, to_metric: pyproj.Transformer) -> Ints:
    """Positions in the city's metric CRS as one number each, east x 2**32 + north; no city reaches beyond 2**31 cm.

    To a centimetre, so that whether something is within reach does not hang on the last bit.
    """
    x, y = to_metric.transform(noticed.lon_e7[which] / E7, noticed.lat_e7[which] / E7)
    east, north = (np.rint(np.asarray(at) * CM_PER_M).astype(np.int64) for at in (x, y))
    return (east << 32) + (north & 0xFFFFFFFF)


def noticed_at_end(facts: Facts, category_ids: dict[tuple[str, str], int], segment_ids: dict[str, int]) -> Noticed:
    """What a standing's facts hand on to the next period.

    Parameters
    ----------
    category_ids, segment_ids
        (standard, kind:code) of the category, and code of the segment -> database id; a category that is unknown today
        is left out, and a segment that is unknown is no road any more.
    """
    listed = facts.table("categories").select(["standard", "code"]).to_pylist()
    categories = np.array([category_ids.get((one["standard"], one["code"]), -1) for one in listed], np.int64)
    codes = facts.table("segments")["code"].to_pylist()
    # One more at the end, which -1 finds.
    segments = np.array([*(segment_ids.get(code, OFF_ROAD) for code in codes), OFF_ROAD], np.int64)
    places = facts.numbers("places", "area_id")

    def both(column: str) -> Ints:
        return np.concatenate([facts.numbers("problems", column), facts.numbers("held", column)]).astype(np.int64)

    fresh = times_of(facts.numbers("problems", "before").astype(np.int64), facts.numbers("problems", "surveyed") > 0)
    whole = Noticed(
        categories[both("category")] if len(categories) else both("category"),
        segments[both("segment")],
        both("lon_e7"),
        both("lat_e7"),
        places[both("place")] if len(places) else both("place"),
        np.concatenate([fresh, facts.numbers("held", "times")]).astype(np.int64),
    )
    return whole.chosen(whole.category_id >= 0)
