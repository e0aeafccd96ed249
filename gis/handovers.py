"""Hand-over 交接: one person's duty ends and another's begins at the same instant, in one transaction (clause 1)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update

from gis.city import City, read_city
from gis.errors import Conflict, NotFound, ParameterError
from gis.instants import EPOCH
from gis.loading import INSTANT, INTEGER, TEXT, stage
from gis.store.database import bump_version, own_ground, sql
from gis.store.schema import areas, cells, persons
from gis.store.schema_duty import SCOPES, handovers

SHOWN = 5


@dataclass(frozen=True)
class HandoverOrder:
    """Who is to take over what, and when; nothing checked yet.

    Parameters
    ----------
    scope, code
        `cell`: the cell `code`; `cells`: every live cell of the area `code`; `area`: its head, without its cells.
    to
        Ref of the person who takes over.
    at
        The last holder's end and the new one's beginning, aware; before or after now.
    actor, reason
        Who orders it, and why.
    until
        First instant no longer, aware; None: open.
    name, phone
        Of the person: a new one needs a name; a phone replaces the one that is known.
    """

    scope: str
    code: str
    to: str
    at: datetime
    actor: str
    reason: str
    until: datetime | None = None
    name: str | None = None
    phone: str | None = None


def hand_over(conn: Connection, order: HandoverOrder) -> dict[str, Any]:
    """End what is held at an instant and give it to another person from that instant on, without gap or overlap.

    What was before that instant stays as it was. Where nobody answered, the new person's duty begins all the same.
    What the new person holds already for the whole time is left alone, so that an order given twice changes nothing.

    Returns
    -------
    dict
        handover (its number, null where nothing changed), scope, code, at, until, to, changed, unchanged, vacant
        (places that nobody held at that instant), and from: who gave how many places away.

    Raises
    ------
    ParameterError
        Something is missing or cannot be.
    NotFound
        There is no such cell or area.
    Conflict
        Somebody answers for a place later, or began at that very instant; says who, and what would be right.
    """
    order = _checked(order)
    own_ground(conn)
    city = read_city(conn)
    _place(conn, order)
    person = _person(conn, order)
    _refuse_obstacles(conn, order, city)
    unchanged = conn.execute(sql("forget_places_held"), {"ref": order.to}).rowcount
    vacant, given = 0, Counter[tuple[str, str]]()
    changed = int(conn.execute(text("SELECT count(*) FROM incoming_places")).scalar_one())
    number = None
    if changed:
        given.update((row.ref, row.name) for row in conn.execute(sql("end_responsibilities"), {"at": order.at}))
        vacant = changed - given.total()
        number = _note(conn, order, person.id)
        conn.execute(sql("begin_responsibilities"), {"person_id": person.id, "handover_id": number})
    if changed or person.new:
        bump_version(conn, "responsibles")
    return {
        "handover": number,
        "scope": order.scope,
        "code": order.code,
        "at": order.at,
        "until": order.until,
        "to": {"ref": order.to, "name": person.name, "phone": person.phone},
        "changed": changed,
        "unchanged": unchanged,
        "vacant": vacant,
        "from": [{"ref": ref, "name": name, "places": count} for (ref, name), count in sorted(given.items())],
    }


def _checked(order: HandoverOrder) -> HandoverOrder:
    if order.scope not in SCOPES:
        raise ParameterError("scope", f"{order.scope[:40]!r} is none of {', '.join(SCOPES)}")
    for name in ("code", "to", "actor", "reason", "name", "phone"):
        value = getattr(order, name)
        if value is not None and (not value.strip() or "\0" in value):
            needed = " or left out" if name in ("name", "phone") else ""
            raise ParameterError(name, f"{value[:40]!r} says nothing; a text is right{needed}")
    for name in ("at", "until"):
        at = getattr(order, name)
        if at is not None and at.tzinfo is None:
            raise ParameterError(name, f"{at.isoformat()} has no time zone; 2016-06-01T08:00:00+08:00 has")
    if order.until is not None and order.until <= order.at:
        raise ParameterError("until", f"{order.until.isoformat()} is not after {order.at.isoformat()}")
    return order


def _place(conn: Connection, order: HandoverOrder) -> None:
    """Stage the places that the order means, as a file of responsible persons would be."""
    kept = cells if order.scope == "cell" else areas
    found = conn.execute(select(kept.c.id).where(kept.c.code == order.code, kept.c.retired_at.is_(None))).scalar()
    what = "cell" if order.scope == "cell" else "area"
    if found is None:
        where = "GET /grid/locate tells the cell of a coordinate" if what == "cell" else "GET /areas lists all"
        msg = f"there is no {what} {order.code[:60]!r}; {where}"
        raise NotFound(msg)
    stage(
        conn,
        "incoming_responsibles",
        {
            "row": (INTEGER, [1]),
            **{name: (TEXT, [value]) for name, value in (("ref", order.to), ("scope", order.scope))},
            "code": (TEXT, [order.code]),
            "first": (INSTANT, [_microseconds(order.at)]),
            "stop": (INSTANT, [None if order.until is None else _microseconds(order.until)]),
        },
    )
    conn.execute(text("DROP TABLE IF EXISTS pg_temp.incoming_places"))
    if not conn.execute(sql("place_responsibles")).rowcount:
        msg = f"the area {order.code} has no cells to answer for: scope area means its head"
        raise Conflict(msg)


def _microseconds(at: datetime) -> int:
    return (at.astimezone(UTC) - EPOCH) // EPOCH.resolution


@dataclass(frozen=True)
class _Person:
    id: int
    name: str
    phone: str | None
    new: bool


def _person(conn: Connection, order: HandoverOrder) -> _Person:
    known = conn.execute(select(persons).where(persons.c.ref == order.to)).first()
    if known is None:
        if order.name is None:
            raise ParameterError("name", f"is missing; there is no person {order.to[:60]!r} yet, a new one needs it")
        values = {"ref": order.to, "name": order.name, "phone": order.phone}
        made = conn.execute(insert(persons).values(values).returning(persons.c.id)).scalar_one()
        return _Person(made, order.name, order.phone, new=True)
    if order.name not in (None, known.name):
        msg = f"{order.to} is {known.name}, not {order.name}: another person has another ref; a file corrects a name"
        raise ParameterError("name", msg)
    if order.phone in (None, known.phone):
        return _Person(known.id, known.name, known.phone, new=False)
    conn.execute(update(persons).where(persons.c.id == known.id).values(phone=order.phone))
    return _Person(known.id, known.name, order.phone, new=True)


def _refuse_obstacles(conn: Connection, order: HandoverOrder, city: City) -> None:
    found = conn.execute(sql("handover_obstacles"), {"at": order.at, "ref": order.to}).all()
    if not found:
        return
    lines = [_obstacle(one, city) for one in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more like these")
    msg = "nothing was handed over: " + "; ".join(lines)
    raise Conflict(msg)


def _obstacle(one: Row[Any], city: City) -> str:
    def local(at: datetime | None) -> str:
        return "open" if at is None else at.astimezone(city.zone).isoformat()

    where = one.code if one.places == 1 else f"{one.code} and {one.places - 1} more"
    who = f"{one.ref} {one.name}"
    if one.why == "begins_then":
        return f"{who} begins at {where} at that very instant: choose a later one"
    if one.why == "ends_sooner":
        return f"{who} answers for {where} already, until {local(one.until)}: hand over from then, or say until"
    since, until = local(one.since), local(one.until)
    return f"{who} answers for {where} from {since} to {until}: say until={since} at the latest, or a later instant"


def _note(conn: Connection, order: HandoverOrder, person_id: int) -> int:
    values = {name: getattr(order, name) for name in ("scope", "code", "at", "until", "actor", "reason")}
    return int(
        conn.execute(insert(handovers).values(**values, person_id=person_id).returning(handovers.c.id)).scalar_one()
    )
