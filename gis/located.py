"""What is known of places: the answers of /grid/locate and `finegrid locate`, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from gis.ground import DM2_PER_KM2
from gis.holders import Holder
from gis.live import Picture

CSV_COLUMNS = (
    "lon",
    "lat",
    "code",
    "community",
    "street",
    "district",
    "tier",
    "area_km2",
    "responsible",
    "segment",
    "distance_m",
)
NO_SEGMENT = b'null,"distance_m":null}'


class Located:
    """Answers over one picture, as bytes; what does not depend on the point is encoded once."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._cells: list[tuple[float, bytes] | None] = [None] * len(picture.ground.cell_ids)
        self._segments: list[bytes | None] = [None] * len(picture.ground.segment_ids)

    def cell_facts(self, rank: int, now: float) -> tuple[dict[str, Any], float]:
        """What is known of a cell now, and until when (epoch seconds) that stays right.

        Whoever is named answers for the cell, or for one of the areas above it: the earliest change of any of them ends
        the answer.
        """
        ground, holders = self.picture.ground, self.picture.holders
        area_id = int(ground.cell_areas[rank])
        holder, until = holders.at_cell(int(ground.cell_ids[rank]), now)
        facts: dict[str, Any] = {"code": ground.cell_codes[rank]}
        for level in reversed(ground.city.area_levels):
            area = ground.area_of(area_id, level)
            if area is None:
                facts[level] = None
                continue
            head, head_until = holders.at_area(area.id, now)
            facts[level] = {"code": area.code, "name": area.name, "responsible": _named(head)}
            until = min(until, head_until)
        facts["tier"] = ground.cell_tiers[rank]
        facts["area_km2"] = int(ground.cell_dm2[rank]) / DM2_PER_KM2
        facts["responsible"] = _named(holder)
        return facts, until

    def segment_facts(self, rank: int) -> dict[str, Any] | None:
        """What is known of a segment; None for none."""
        if rank < 0:
            return None
        ground = self.picture.ground
        return {
            "code": ground.segment_codes[rank],
            "name": ground.segment_names[rank],
            "class": ground.segment_classes[rank],
        }

    def _cell_json(self, cell: int, now: float) -> tuple[float, bytes]:
        facts, until = self.cell_facts(cell, now)
        known = self._cells[cell] = (until, orjson.dumps(facts)[:-1] + b',"segment":')
        return known

    def _segment_json(self, segment: int) -> bytes:
        named = self._segments[segment] = orjson.dumps(self.segment_facts(segment)) + b',"distance_m":'
        return named

    def encode(self, cell: int, segment: int, distance_m: float, now: float) -> bytes:
        """One answer as JSON."""
        known = self._cells[cell]
        if known is None or known[0] <= now:
            known = self._cell_json(cell, now)
        if segment < 0:
            return known[1] + NO_SEGMENT
        return b"%b%b%.2f}" % (known[1], self._segments[segment] or self._segment_json(segment), distance_m)

    def one(self, lon: float, lat: float) -> bytes | None:
        """The answer for a point in WGS 84 degrees; None outside all cells."""
        locator = self.picture.locator
        cell = locator.cell_index.locate_one(lon, lat)
        if cell < 0:
            return None
        segment, distance_m = locator.segment_index.nearest_one(*locator.to_metric.transform(lon, lat))
        return self.encode(cell, segment, distance_m, time.time())

    def many(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> bytes:
        """A JSON array of answers in input order, null outside all cells."""
        placed = self.picture.locator.place(lon, lat)
        now, cells, segments = time.time(), self._cells, self._segments
        answers: list[bytes] = []
        say = answers.append
        # Ten thousand turns of this loop are most of the work, so nothing in it is called that need not be.
        for cell, segment, distance_m in zip(
            placed.cell.tolist(), placed.segment.tolist(), placed.distance_m.tolist(), strict=True
        ):
            if cell < 0:
                say(b"null")
                continue
            known = cells[cell]
            if known is None or known[0] <= now:
                known = self._cell_json(cell, now)
            if segment < 0:
                say(known[1] + NO_SEGMENT)
            else:
                say(b"%b%b%.2f}" % (known[1], segments[segment] or self._segment_json(segment), distance_m))
        return b"[" + b",".join(answers) + b"]"

    def table(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> str:
        """A CSV table of answers in input order, empty fields outside all cells."""
        placed = self.picture.locator.place(lon, lat)
        now = time.time()
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for at, cell in enumerate(placed.cell.tolist()):
            row: list[Any] = [float(lon[at]), float(lat[at])]
            if cell >= 0:
                facts, _ = self.cell_facts(cell, now)
                named = self.segment_facts(int(placed.segment[at])) or {}
                row.append(facts["code"])
                row += [(facts.get(level) or {}).get("code") for level in ("community", "street", "district")]
                row += [facts["tier"], facts["area_km2"], (facts["responsible"] or {}).get("ref"), named.get("code")]
                row.append(f"{placed.distance_m[at]:.2f}" if named else None)
            writer.writerow(row + [None] * (len(CSV_COLUMNS) - len(row)))
        return out.getvalue()


def _named(holder: Holder | None) -> dict[str, Any] | None:
    return None if holder is None else {"ref": holder.ref, "name": holder.name, "phone": holder.phone}
