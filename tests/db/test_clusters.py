"""DBSCAN against PostGIS' ST_ClusterDBSCAN, which leaves the cluster of a border point to chance."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Connection, text

from gis.geometry.clusters import dbscan
from gis.geometry.neighbours import NOISE

POSTGIS = text(
    "SELECT ST_ClusterDBSCAN(ST_MakePoint(x, y), 50, :least) OVER (ORDER BY n) AS cluster"
    " FROM unnest(CAST(:xs AS float8[]), CAST(:ys AS float8[])) WITH ORDINALITY AS p (x, y, n) ORDER BY n"
)


@pytest.mark.parametrize("seed", range(12))
def test_as_postgis_clusters(conn: Connection, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = 3000
    if seed % 2:
        x, y = rng.integers(0, 250, count) * 10.0, rng.integers(0, 250, count) * 10.0
    else:
        x, y = (rng.integers(0, 6, count) * 400 + rng.normal(0, 70, count) for _ in range(2))
    least = 3 + seed % 4
    answer = conn.execute(POSTGIS, {"least": least, "xs": x.tolist(), "ys": y.tolist()}).scalars()
    theirs = np.array([NOISE if one is None else one for one in answer])
    ours, core = dbscan(x, y, 50.0, least)
    # The same points are in clusters, and cores are grouped alike.
    assert np.array_equal(theirs == NOISE, ours == NOISE)
    pairs = set(zip(ours[core].tolist(), theirs[core].tolist(), strict=True))
    assert len(pairs) == len(set(ours[core].tolist())) == len(set(theirs[core].tolist()))
    # A border point is in a cluster of which a core is within reach.
    same = dict(pairs)
    for border in np.flatnonzero(~core & (ours != NOISE)):
        near = core & ((x - x[border]) ** 2 + (y - y[border]) ** 2 <= 2500)
        assert theirs[border] in {same[one] for one in ours[near].tolist()}
    assert core.any()
    assert (~core & (ours != NOISE)).any()
