"""The problems of a period that a standing deducts: each case and each exposed incident once (clauses 5, 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from sqlalchemy import Connection, select

from gis.coverage import CoverageRow, road_coverage
from gis.geometry.datum import metric_transformer
from gis.ground import NOWHERE, Area, Ground
from gis.policies import city_policy
from gis.repeats import E7, OFF_ROAD, Noticed
from gis.rules.coverage import is_enough
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.store.copying import copy_out_array, copy_table
from gis.store.database import sql
from gis.store.schema import sources

READ = pa.schema(
    [
        ("source_id", pa.int64()),
        ("ref", pa.string()),
        ("category_id", pa.int64()),
        ("cell_id", pa.int64()),
        ("segment_id", pa.int64()),
        ("lon_e7", pa.int64()),
        ("lat_e7", pa.int64()),
        ("at_us", pa.int64()),
        ("case_id", pa.int64()),
        ("void", pa.int64()),
    ]
)
MEDIA_KIND = "media"
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """A period of a city as a standing looks at it.

    Parameters
    ----------
    level
        street, or district in a city without streets.
    as_of
        Instant, aware: steps of double ten and enforcement are judged as they stood then. That a case was void, or the
        same as another, counts whenever it is known: there was no problem of its own.
    roads
        How much of each place's roads was surveyed, by database id.
    surveyed
        Database ids of the segments of which enough was surveyed.
    """

    ground: Ground
    level: str
    period: Period
    as_of: datetime
    policy: Policy
    roads: dict[int | None, CoverageRow]
    surveyed: Ints
    to_metric: pyproj.Transformer

    @cached_property
    def places(self) -> list[Area]:
        """The streets in code order."""
        return self.ground.cells_by_area(self.level)[0]

    @cached_property
    def well_surveyed(self) -> list[int]:
        """Database ids of the places whose coverage is enough."""
        return [
            place.id
            for place in self.places
            if (row := self.roads.get(place.id)) and is_enough(row.surveyed_m, row.length_m, self.policy)
        ]


def scene_of(conn: Connection, ground: Ground, level: str, period: Period, now: datetime) -> Scene:
    """The period as it stands now, or as it stood `judged_after_h` after its end, whichever is earlier."""
    policy = city_policy(conn, period.first)
    asked = {"first": period.first, "share": policy.surveyed_share}
    return Scene(
        ground,
        level,
        period,
        min(now, judged_at(period, policy, ground.city.zone)),
        policy,
        {row.id: row for row in road_coverage(conn, period, level).rows},
        copy_out_array(conn, sql("standing_surveyed"), asked, {"id": "int4"})["id"].astype(np.int64),
        metric_transformer(ground.city.metric_crs),
    )


def judged_at(period: Period, policy: Policy, zone: ZoneInfo) -> datetime:
    """When a period is judged, and from when on its standing may be published."""
    return datetime.combine(period.after, time(), zone) + timedelta(hours=policy.judged_after_h)


@dataclass(frozen=True)
class Problems:
    """Arrays of equal length, one entry per problem.

    Parameters
    ----------
    noticed
        Category, segment, position and street (database id); `times` is 0 yet.
    source_id, ref
        The report that stands for it: the first of its case.
    reports
        How many reports it stands for.
    exposed
        Whether one of them came from the media, or was named by them.
    surveyed
        Whether its segment was surveyed; near no road: whether enough of its street's roads were.
    named
        Reports among them that the media named: (name of the source, its number).
    counted
        What became of the period's reports: they add up.
    """

    noticed: Noticed
    source_id: Ints
    ref: pa.Array
    reports: Ints
    exposed: Bools
    surveyed: Bools
    named: frozenset[tuple[str, str]]
    counted: dict[str, int]

    def __len__(self) -> int:
        """Problems."""
        return len(self.reports)


def period_problems(conn: Connection, scene: Scene, named: Iterable[tuple[str | None, str]] = ()) -> Problems:
    """Read a period's reports and find what they are reports of.

    Parameters
    ----------
    named
        (name of the source, its number) of reports that the media named.
    """
    period = scene.period
    asked = {"from_day": period.first, "to_day": period.after}
    rows = copy_table(conn, sql("standing_reports"), asked, READ)
    number = {name: rows[name].fill_null(0).to_numpy() for name in READ.names if name != "ref"}
    ref = rows["ref"].combine_chunks()
    place = _places(scene, number["cell_id"])
    located = rows["lon_e7"].is_valid().to_numpy()
    by_name = conn.execute(select(sources.c.id, sources.c.name, sources.c.kind).order_by(sources.c.name)).all()
    media = np.isin(number["source_id"], [row.id for row in by_name if row.kind == MEDIA_KIND])
    void = number["void"] > 0
    live = (place != NOWHERE) & ~void
    known = _rows_named(number["source_id"], ref, {row.id: row.name for row in by_name}, set(named))
    group = _groups(number, media, live, scene)
    exposed = media.copy()
    exposed[list(known)] = True
    first = _firsts(number, ref, group, live, [row.id for row in by_name])
    size = len(first)
    chosen = np.flatnonzero(live)
    of_group = group[chosen]
    noticed = Noticed(
        number["category_id"][first],
        number["segment_id"][first],
        number["lon_e7"][first],
        number["lat_e7"][first],
        place[first],
        np.zeros(size, np.int64),
    )
    counted = {
        "reports": len(rows),
        "problems": size,
        "repeated": len(chosen) - size,
        "void": int((void & (place != NOWHERE)).sum()),
        "outside": int(((place == NOWHERE) & located).sum()),
        "no_position": int((~located).sum()),
    }
    return Problems(
        noticed,
        number["source_id"][first],
        ref.take(pa.array(first)),
        np.bincount(of_group, minlength=size).astype(np.int64),
        np.bincount(of_group, exposed[chosen], minlength=size) > 0,
        surveyed_at(noticed, scene),
        frozenset(known.values()),
        counted,
    )


def _rows_named(
    source_id: Ints, ref: pa.Array, names: dict[int, str], named: set[tuple[str | None, str]]
) -> dict[int, tuple[str, str]]:
    """The rows that are among some reports, and which."""
    if not named:
        return {}
    refs = pa.array(sorted({one for _, one in named}), pa.string())
    rows = np.flatnonzero(pc.is_in(ref, refs).to_numpy(zero_copy_only=False)).tolist()
    found = {row: (names[int(source_id[row])], ref[row].as_py()) for row in rows}
    return {row: one for row, one in found.items() if one in named}


def _places(scene: Scene, cell_id: Ints) -> Ints:
    _, position = scene.ground.cells_by_area(scene.level)
    ids = np.array([*(area.id for area in scene.places), NOWHERE], np.int64)
    of_rank = np.append(ids[position], NOWHERE)
    ranks = np.append(scene.ground.rank_of_cell, np.int32(NOWHERE))
    known = np.where(cell_id < len(ranks) - 1, cell_id, len(ranks) - 1)
    # Id 0 belongs to no cell, and rank -1 finds the last entry: nowhere.
    return of_rank[ranks[known]]


def surveyed_at(noticed: Noticed, scene: Scene) -> Bools:
    """Whether anybody looked there in the period; near no road: whether enough of the street's roads was surveyed."""
    on_road = noticed.segment_id != OFF_ROAD
    return np.where(on_road, _among(noticed.segment_id, scene.surveyed), _among(noticed.place, scene.well_surveyed))


def _among(ids: Ints, some: Ints | list[int]) -> Bools:
    """Whether each id is one of some; by looking up, ids being small numbers."""
    marks = np.zeros(int(ids.max(initial=0)) + 1, bool)
    known = np.asarray(some, np.int64)
    marks[known[known < len(marks)]] = True
    return marks[ids]


def _groups(number: dict[str, Ints], media: Bools, live: Bools, scene: Scene) -> Ints:
    """Number of the problem that each report is of: its case's, its incident's, or its own; -1: of none."""
    own = np.arange(len(media), dtype=np.int64)
    key = np.where(number["case_id"] > 0, -number["case_id"], own)
    loose = np.flatnonzero(live & media & (number["case_id"] == 0))
    if len(loose):
        # One deduction per distinct incident: of one category on one segment, or within reach near no road.
        key[loose] = loose[_incidents(number, loose, scene.to_metric, scene.policy.repeat_reach_m)]
    group = np.full(len(key), -1, np.int64)
    group[live] = np.unique(key[live], return_inverse=True)[1].ravel()
    return group


def _incidents(number: dict[str, Ints], loose: Ints, to_metric: pyproj.Transformer, reach_m: float) -> Ints:
    """For each of a few reports the position of the first of its incident."""
    category, segment = number["category_id"][loose], number["segment_id"][loose]
    x, y = to_metric.transform(number["lon_e7"][loose] / E7, number["lat_e7"][loose] / E7)
    pairs = cKDTree(np.column_stack([x, y])).query_pairs(reach_m, output_type="ndarray")
    off = (segment[pairs] == OFF_ROAD).any(axis=1) & (category[pairs[:, 0]] == category[pairs[:, 1]])
    keys, first = np.unique((category << 32) + segment, return_index=True)
    at = first[np.searchsorted(keys, (category << 32) + segment)]
    on = segment != OFF_ROAD
    edges = np.concatenate([pairs[off], np.column_stack([np.arange(len(loose))[on], at[on]])])
    links = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (len(loose), len(loose)))
    labels = connected_components(links, directed=False)[1]
    _, lowest, which = np.unique(labels, return_index=True, return_inverse=True)
    return lowest[which.ravel()]


def _firsts(number: dict[str, Ints], ref: pa.Array, group: Ints, live: Bools, by_name: list[int]) -> Ints:
    """Row of the first report of each problem: by time, then name of the source, then its number there."""
    chosen = np.flatnonzero(live)
    if not len(chosen):
        return chosen
    place_of = np.zeros(max(by_name) + 1, np.int64)
    place_of[by_name] = np.arange(len(by_name))
    source = place_of[number["source_id"][chosen]]
    order = chosen[np.lexsort((source, number["at_us"][chosen], group[chosen]))]
    ordered = group[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    first = order[starts]
    # Equal in time and source: the lowest number decides; seldom enough to look one by one.
    ends = np.append(starts[1:], len(order))
    for at in np.flatnonzero(ends - starts > 1).tolist():
        rows = order[starts[at] : ends[at]]
        equal = rows[
            (number["at_us"][rows] == number["at_us"][rows[0]])
            & (number["source_id"][rows] == number["source_id"][rows[0]])
        ]
        if len(equal) > 1:
            first[at] = min(equal.tolist(), key=lambda row: ref[row].as_py())
    return first
