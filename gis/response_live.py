"""The live list of double ten 双十: what runs out in the next minutes, and what has just run out (clause 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping

from gis.breakdowns import areas_within
from gis.density import category_ids
from gis.ground import Ground
from gis.policies import city_policies
from gis.rules.policy import policy_on
from gis.rules.response import MISSING, PENDING, Response, Step, step
from gis.store.database import sql

COLUMNS = (
    "case_id",
    "step",
    "verdict",
    "begun_at",
    "due_at",
    "seconds_left",
    "category",
    "category_name",
    "category_name_en",
    "cell",
    "street_code",
    "street",
    "responsible",
    "lon",
    "lat",
)


@dataclass(frozen=True)
class LiveQuery:
    """Which steps are listed.

    Parameters
    ----------
    within_s
        Steps whose limit is reached within so many seconds, or was within so many seconds before.
    categories
        As in `gis.density.DensityQuery`.
    street
        Code of a street or another area; None: anywhere.
    """

    within_s: int
    categories: tuple[str, ...] = ()
    street: str | None = None


def response_live(conn: Connection, ground: Ground, query: LiveQuery, at: datetime) -> list[dict[str, Any]]:
    """Steps that are not done, most urgent first; then those that ran out a moment ago, the latest first.

    Parameters
    ----------
    at
        The instant, aware: now, or a past one, of which only what had happened by then counts.

    Returns
    -------
    list
        Rows with COLUMNS: instants UTC; `seconds_left` negative where the limit has passed; `responsible` a dict of
        ref, name and phone, or None where nobody answered for the cell; lon, lat in WGS 84 degrees.

    Raises
    ------
    ParameterError
        There is no such category or area.
    """
    policies = city_policies(conn)
    reach = timedelta(seconds=max(policy.response_limit_s for policy in policies) + query.within_s)
    wanted = category_ids(conn, query.categories)
    given = {
        "at": at,
        "since": at - reach - timedelta(seconds=1),
        "since_day": (at - reach).astimezone(ground.city.zone).date() - timedelta(days=1),
        "day": at.astimezone(ground.city.zone).date() + timedelta(days=1),
        "categories": None if wanted is None else list(wanted),
        "area_ids": None if query.street is None else areas_within(ground, query.street),
    }
    rows = []
    for row in conn.execute(sql("response_open_steps"), given).mappings():
        case = Response(row["found_at"], row["chaos"], row["arrived_at"], row["failed_at"])
        judged = step(case, row["step"], at, policy_on(row["day"], policies).response_limit_s)
        if judged.due_at is None or judged.verdict not in (PENDING, MISSING):
            continue
        left = (judged.due_at - at).total_seconds()
        if abs(left) <= query.within_s:
            rows.append(_row(row, judged, left))
    return sorted(rows, key=lambda one: (one["verdict"] == MISSING, abs(one["seconds_left"]), one["case_id"]))


def _row(row: RowMapping, judged: Step, left: float) -> dict[str, Any]:
    named = None
    if row["person_ref"] is not None:
        named = {"ref": row["person_ref"], "name": row["person_name"], "phone": row["person_phone"]}
    facts: dict[str, Any] = {"responsible": named, "seconds_left": left}
    facts |= {name: getattr(judged, name) for name in ("verdict", "begun_at", "due_at")}
    return {name: facts[name] if name in facts else row[name] for name in COLUMNS}
