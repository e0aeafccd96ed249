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
    key, old = ((one.category_id << 32) + one.segment_id for one in (now, earlier))
    keys, which = np.unique(old[earlier.segment_id != OFF_ROAD], return_inverse=True)
    most = np.zeros(len(keys) + 1, np.int64)
    np.maximum.at(most, which.ravel(), earlier.times[earlier.segment_id != OFF_ROAD])
    at = np.searchsorted(keys, key)
    found = (at < len(keys)) & (now.segment_id != OFF_ROAD)
    found[found] = keys[at[found]] == key[found]
    before[found] = most[at[found]]
    again |= np.isin(old, key) & (earlier.segment_id != OFF_ROAD)


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
        points, old = _metres(now, mine, to_metric), _metres(earlier, others, to_metric)
        tree = cKDTree(points)
        # Groups of equal times from the most down: the first that is near is the most.
        for times in np.unique(earlier.times[others])[::-1].tolist():
            group = cKDTree(old[earlier.times[others] == times])
            near = np.isfinite(group.query(points, distance_upper_bound=np.nextafter(reach_m, np.inf))[0])
            before[mine[near]] = np.maximum(before[mine[near]], times)
        came = np.isfinite(tree.query(old, distance_upper_bound=np.nextafter(reach_m, np.inf))[0])
        again[others[came]] = True


def _metres(noticed: Noticed, which: Ints, to_metric: pyproj.Transformer) -> NDArray[np.float64]:
    x, y = to_metric.transform(noticed.lon_e7[which] / E7, noticed.lat_e7[which] / E7)
    # To a centimetre, so that sums of squares are exact in float64 and distances do not hang on the last bit.
    return np.round(np.column_stack([x, y]), 2)


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
