"""Do the numbers add up (clause 3)? What was read, what became of it, and where it lies."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection

from gis.store.database import sql


def reconciliation(conn: Connection, from_day: date | None = None, to_day: date | None = None) -> dict[str, Any]:
    """Read, accepted, duplicate, rejected; in_cells, outside, no_position; and whether both sums hold.

    Parameters
    ----------
    from_day, to_day
        Days of the city on which the reports were made, `to_day` exclusive; None: open. A rejected row without readable
        time belongs to no day and is counted only where both are open.

    Returns
    -------
    dict
        The seven numbers; `adds_up`: accepted + duplicate + rejected = read and in_cells + outside + no_position =
        accepted, the places counted from the reports themselves and not from what imports noted.
    """
    window = {"from_day": from_day, "to_day": to_day}
    taken = conn.execute(sql("reconcile_imports"), window).mappings().one()
    placed = conn.execute(sql("reconcile_reports"), window).mappings().one()
    answer: dict[str, Any] = {
        "read": int(taken["accepted"] + taken["duplicate"] + taken["rejected"]),
        **{name: int(taken[name]) for name in ("accepted", "duplicate", "rejected")},
        **{name: int(placed[name]) for name in ("in_cells", "outside", "no_position")},
    }
    if from_day is None and to_day is None:
        answer["read"] = int(conn.execute(sql("reconcile_read")).scalar_one())
    places = answer["in_cells"] + answer["outside"] + answer["no_position"]
    answer["adds_up"] = (
        answer["accepted"] + answer["duplicate"] + answer["rejected"] == answer["read"] and places == answer["accepted"]
    )
    return answer
