"""Which street a road segment belongs to, so that lengths add up over streets (clause 9)."""

from __future__ import annotations

from sqlalchemy import Connection

from gis.store.database import sql


def place_segments(conn: Connection) -> int:
    """Put every live segment into the area that holds most of its length; called by whatever loads roads or areas.

    The street with most of its length has the segment (where a district has no streets, the district), and of that
    street the community with most of it, if communities hold more than the rest of the street. Lengths are geodesic;
    ties go to the lowest code.

    Returns
    -------
    int
        Segments that belong to another area than before; the caller bumps the version of `roads`.
    """
    return len(conn.execute(sql("place_segments")).all())
