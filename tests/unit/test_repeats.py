"""Which problems had been noticed before: the most times of any that is the same, by segment or within reach."""

from __future__ import annotations

import numpy as np

from gis.geometry.datum import metric_transformer
from gis.repeats import Noticed, times_before
from gis.rules.policy import POLICIES


def noticed(*rows: tuple[int, int, int, int]) -> Noticed:
    """Category, segment (0: none), 1e-7 degrees east of a point, times."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Noticed(
        table[:, 0],
        table[:, 1],
        1_136_000_000 + table[:, 2],
        np.full(len(table), 347_000_000),
        np.ones(len(table), np.int64),
        table[:, 3],
    )


def test_the_most_times_of_any_that_is_the_same() -> None:
    earlier = noticed((1, 5, 0, 2), (1, 5, 90_000, 4), (2, 5, 0, 7), (1, 0, 0, 3), (1, 0, 3000, 6), (1, 9, 900_000, 8))
    now = noticed((1, 5, 0, 0), (1, 0, 0, 0), (1, 6, 0, 0), (2, 0, 500_000, 0), (2, 5, 500_000, 0))
    before, again = times_before(now, earlier, metric_transformer("EPSG:4547"), POLICIES[0])
    # The first by its segment and by what lies within 50 m near no road; the fourth is near nothing.
    assert before.tolist() == [6, 6, 6, 0, 7]
    assert again.tolist() == [True, True, True, True, True, False]
