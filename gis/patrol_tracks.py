"""Tracks of patrols: fixes put together, kept, and matched to the road segments that they followed (clause 9)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.city import City, read_city
from gis.geometry.datum import metric_transformer
from gis.geometry.edge_grid import EdgeGrid, lines_of
from gis.geometry.track_match import Matched, MatchRules, Tracks, match_tracks
from gis.patrol_fixes import GoodFixes
from gis.patrol_writer import EPOCH, WHOLE, Passes, forget_track_passes, write_passes
from gis.policies import policy_by_day
from gis.rules.policy import Policy
from gis.store.copying import CopyColumn, copy_in
from gis.store.database import sql

SECOND_US = 1_000_000
E7 = 1e7
"""Positions are compared in ten-millionths of a degree, a centimetre."""
LINE_M_WITH_SRID = 0x60000002
TRACKS_AT_ONCE = 500
MATCHED_BY = (
    "survey_reach_m",
    "survey_heading_deg",
    "survey_gap_s",
    "survey_gap_m",
    "survey_least_m",
    "segment_tie_m",
)
"""Numbers of the policy that decide which segments a track ran along."""
LONELY = "it is the only fix of its track on that day: one place is no way"


@dataclass(frozen=True)
class Track:
    """A surveyor's fixes of one day of the city, in the order of their times.

    Parameters
    ----------
    surveyor_id
        Database id.
    day
        Days since 1970 in the city's time zone.
    lon, lat
        float64 of shape (n,): WGS 84 degrees.
    instant_us
        int64 of shape (n,): microseconds since 1970 UTC.
    """

    surveyor_id: int
    day: int
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    instant_us: NDArray[np.int64]

    def __len__(self) -> int:
        """Fixes."""
        return len(self.lon)

    def digest(self, surveyor: str) -> bytes:
        """What tells it from other tracks."""
        places = np.rint(np.column_stack([self.lon, self.lat]) * E7).astype("<i8")
        return hashlib.sha256(
            surveyor.encode() + b"\0" + self.instant_us.astype("<i8").tobytes() + places.tobytes()
        ).digest()

    def ewkb(self) -> bytes:
        """As PostGIS keeps it: a line with M, seconds since 1970 UTC."""
        head = struct.pack("<BIII", 1, LINE_M_WITH_SRID, 4326, len(self))
        return head + np.column_stack([self.lon, self.lat, self.instant_us / SECOND_US]).astype("<f8").tobytes()

    @classmethod
    def stored(cls, surveyor_id: int, day: int, ewkb: bytes) -> Track:
        """Out of what PostGIS keeps."""
        lon, lat, at_s = np.frombuffer(ewkb, "<f8", offset=13).reshape(-1, 3).T
        return cls(surveyor_id, day, lon, lat, np.rint(at_s * SECOND_US).astype(np.int64))


def tracks_of(fixes: GoodFixes, ids: NDArray[np.int32]) -> tuple[list[Track], list[str], NDArray[np.int64]]:
    """Put fixes together: one track per surveyor, track of the file and day.

    Parameters
    ----------
    ids
        Surveyor of each fix, as in the database.

    Returns
    -------
    tuple
        The tracks of two fixes and more; the reference of each one's surveyor; positions of the fixes that stand alone.
    """
    label = pc.dictionary_encode(fixes.track).indices.to_numpy()
    order = np.lexsort((fixes.rows, fixes.instant_us, label, fixes.day, ids))
    keys = np.column_stack([ids, fixes.day, label])[order]
    new = np.ones(len(order), bool)
    new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    tracks, names, lonely = [], [], []
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=False):
        own = order[first:end]
        if len(own) < 2:
            lonely += own.tolist()
            continue
        at = int(own[0])
        tracks.append(Track(int(ids[at]), int(fixes.day[at]), fixes.lon[own], fixes.lat[own], fixes.instant_us[own]))
        names.append(fixes.surveyor[at].as_py())
    return tracks, names, np.array(lonely, np.int64)


def keep_tracks(conn: Connection, import_id: int, tracks: list[Track], names: list[str]) -> dict[int, int]:
    """Store tracks; those that are stored already, or stand in the list before, change nothing.

    Returns
    -------
    dict
        Position of each new track -> its database id.
    """
    if not tracks:
        return {}
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE incoming_tracks (number int, surveyor_id int, sha256 bytea, started_at timestamptz,"
            " ended_at timestamptz, geom geometry) ON COMMIT DROP"
        )
    )
    digests = [track.digest(name) for track, name in zip(tracks, names, strict=True)]
    copy_in(
        conn,
        "incoming_tracks",
        [
            CopyColumn("number", "int4", np.arange(len(tracks))),
            CopyColumn("surveyor_id", "int4", np.array([track.surveyor_id for track in tracks])),
            CopyColumn("sha256", "bytea", pa.array(digests, pa.binary())),
            CopyColumn("started_at", "timestamptz", np.array([track.instant_us[0] for track in tracks])),
            CopyColumn("ended_at", "timestamptz", np.array([track.instant_us[-1] for track in tracks])),
            CopyColumn("geom", "bytea", pa.array([track.ewkb() for track in tracks], pa.binary())),
        ],
    )
    kept = {row.number: row.id for row in conn.execute(sql("add_tracks"), {"import_id": import_id})}
    conn.execute(text("DROP TABLE incoming_tracks"))
    return kept


@dataclass(frozen=True)
class Network:
    """The live road segments, ready for tracks to be matched to them.

    Parameters
    ----------
    ids
        int32 of shape (n,): database ids.
    scale
        float64 of shape (n,): geodesic metres per metre of the plane.
    """

    city: City
    ids: NDArray[np.int32]
    scale: NDArray[np.float64]
    grid: EdgeGrid
    rules: MatchRules

    def match(self, tracks: list[Track]) -> Matched:
        """The stretches of segments that tracks ran along."""
        sizes = [len(track) for track in tracks]
        lon, lat, instant_us = (
            np.concatenate([getattr(track, name) for track in tracks]) if tracks else np.empty(0)
            for name in ("lon", "lat", "instant_us")
        )
        x, y = metric_transformer(self.city.metric_crs).transform(lon, lat)
        number = np.repeat(np.arange(len(tracks), dtype=np.int32), sizes)
        return match_tracks(self.grid, Tracks(np.asarray(x), np.asarray(y), instant_us / SECOND_US, number), self.rules)

    def passes(self, matched: Matched, tracks: list[Track], ids: list[int], import_ids: list[int]) -> Passes:
        """Stretches as passes of the tracks with these database ids."""
        found = matched.stretches
        scale = self.scale[found.line] * 10
        from_dm = np.floor(found.from_m * scale).astype(np.int32)
        to_dm = np.maximum(np.ceil(found.to_m * scale), from_dm + 1).astype(np.int32)
        return Passes(
            self.ids[found.line],
            np.array([track.surveyor_id for track in tracks], np.int32)[found.track],
            np.rint(found.at_s * SECOND_US).astype(np.int64),
            np.array([track.day for track in tracks], np.int32)[found.track],
            from_dm,
            np.where(found.to_m >= self.grid.line_m[found.line], np.int32(WHOLE), to_dm),
            np.array(ids, np.int64)[found.track],
            np.array(import_ids, np.int64)[found.track],
        )


def match_rules(policy: Policy) -> MatchRules:
    """The numbers by which tracks are matched."""
    return MatchRules(
        reach_m=policy.survey_reach_m,
        heading_deg=policy.survey_heading_deg,
        gap_s=policy.survey_gap_s,
        gap_m=policy.survey_gap_m,
        least_m=policy.survey_least_m,
        tie_m=policy.segment_tie_m,
    )


def by_rules(tracks: list[Track], policies: Callable[[date], Policy]) -> dict[MatchRules, list[int]]:
    """Positions of the tracks that are matched by the same numbers: each day's by the policy of that day."""
    groups: dict[MatchRules, list[int]] = {}
    for at, track in enumerate(tracks):
        groups.setdefault(match_rules(policies(EPOCH + timedelta(days=track.day))), []).append(at)
    return groups


def load_network(conn: Connection, rules: MatchRules) -> Network:
    """Read the live road segments; half a second for 50 k."""
    rows = conn.execute(sql("survey_segments")).all()
    grid = EdgeGrid(lines_of([bytes(row.geom_m) for row in rows]), rules.reach_m)
    length_m = np.array([row.length_m for row in rows], np.float64)
    scale = length_m / np.where(grid.line_m > 0, grid.line_m, 1.0)
    return Network(read_city(conn), np.array([row.id for row in rows], np.int32), scale, grid, rules)


def match_again(conn: Connection) -> int:
    """Match every stored track anew, each by the policy of its day.

    Called by whatever changes roads, or the numbers of matching, in its transaction and under the ground lock.

    Rows that named a segment stay: they cover the whole of it, whatever it looks like now.

    Returns
    -------
    int
        Tracks that were matched.
    """
    done = 0
    networks: dict[MatchRules, Network] = {}
    policies = policy_by_day(conn)
    after = 0
    while rows := conn.execute(sql("patrol_tracks_after"), {"after": after, "most": TRACKS_AT_ONCE}).all():
        if not done:
            forget_track_passes(conn)
        tracks = [Track.stored(row.surveyor_id, (row.day - EPOCH).days, bytes(row.geom)) for row in rows]
        for rules, chosen in by_rules(tracks, policies).items():
            if rules not in networks:
                networks[rules] = load_network(conn, rules)
            network = networks[rules]
            own, of = [tracks[at] for at in chosen], [rows[at] for at in chosen]
            passes = network.passes(network.match(own), own, [one.id for one in of], [one.import_id for one in of])
            write_passes(conn, passes)
        done += len(rows)
        after = rows[-1].id
    return done
