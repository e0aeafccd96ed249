"""The category dictionary 事部件分类 as the list of services that a citizen can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from gis.errors import NotFound
from gis.open311.words import Language
from gis.store.schema import categories, data_versions


@dataclass(frozen=True)
class Service:
    """A category as a service.

    Parameters
    ----------
    code
        kind:code, as in the rest of the API, because codes of events and components collide.
    category_ids
        The entries of that code: several where standards share it, and then nobody can ask for it, because a report
        could not say which one it means.
    """

    code: str
    category_ids: tuple[int, ...]
    facts: dict[str, Any]


def service_name(language: Language, name: str, name_en: str) -> str:
    """Name of a category; both, where the client did not say what it reads."""
    if language == "en" or name == name_en:
        return name_en
    return name if language == "zh" else f"{name} {name_en}"


def read_services(conn: Connection) -> dict[str, Service]:
    """Every service by its code, in the order of the codes."""
    rows = [
        dict(row) for row in conn.execute(select(categories).order_by(categories.c.kind, categories.c.code)).mappings()
    ]
    found: dict[str, Service] = {}
    for row in rows:
        code = f"{row['kind']}:{row['code']}"
        known = found[code].category_ids if code in found else ()
        found[code] = Service(code, (*known, row["id"]), row)
    return found


def list_services(conn: Connection, language: Language) -> list[dict[str, Any]]:
    """Services that can be asked for, as GET services answers them."""
    return [_described(one, language) for one in read_services(conn).values() if len(one.category_ids) == 1]


def _described(service: Service, language: Language) -> dict[str, Any]:
    facts = service.facts
    names = service_name(None, facts["name"], facts["name_en"])
    words = [facts["name"], facts["name_en"], facts["chaos"], facts["domain"], facts["kind"], facts["code"]]
    return {
        "service_code": service.code,
        "service_name": service_name(language, facts["name"], facts["name_en"]),
        "description": f"{names} ({facts['standard_ref']} {service.code})",
        "metadata": False,
        "type": "realtime",
        "keywords": ", ".join(dict.fromkeys(word for word in words if word)),
        "group": facts["chaos"] or facts["domain"],
    }


def service_definition(conn: Connection, service_code: str) -> dict[str, Any]:
    """One service with the attributes that a request may carry: none, whatever the service.

    Raises
    ------
    NotFound
        There is no such service.
    """
    return {"service_code": one_service(conn, service_code).code, "attributes": []}


def one_service(conn: Connection, service_code: str) -> Service:
    """A service that can be asked for.

    Raises
    ------
    NotFound
        There is none of this code, or several standards share it.
    """
    services = read_services(conn)
    found = services.get(service_code)
    if found is None or len(found.category_ids) > 1:
        some = ", ".join([code for code, one in services.items() if len(one.category_ids) == 1][:4]) or "none yet"
        msg = f"service_code {service_code[:80]!r} was not found; there are {some}, ... (GET services lists all)"
        raise NotFound(msg)
    return found


def changeset(conn: Connection) -> datetime | None:
    """When the list of services last changed; None: never."""
    chosen = select(data_versions.c.changed_at).where(data_versions.c.layer == "categories")
    return conn.execute(chosen).scalar()
