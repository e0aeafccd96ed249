"""What files of media reports, surveys, facilities and measures have in common: how their fields are judged."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal, InvalidOperation

from sqlalchemy import Connection, text

from gis.readers import Features

EPOCH = date(1970, 1, 1)
LARGEST = 2**31 - 1
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
LONGEST = 200


def reject_without(features: Features, needed: tuple[str, ...]) -> None:
    """Reject rows that lack a field, naming every field that they lack."""
    columns = [features.column(name) for name in needed]
    for at, values in enumerate(zip(*columns, strict=True)):
        if missing := [name for name, value in zip(needed, values, strict=True) if value is None]:
            features.reject(at, f"it has no {' and no '.join(missing)}")


def reject_repeated(features: Features, *key: str) -> None:
    """Reject rows whose key stands in the file more than once."""
    keys = list(zip(*(features.column(name) for name in key), strict=True))
    times = Counter(keys)
    for at, values in enumerate(keys):
        if any(values) and times[values] > 1:
            said = " ".join(value or "-" for value in values)
            features.reject(at, f"{' '.join(key)} {said} stands in the file more than once")


def reject_long(features: Features, *names: str) -> None:
    """Reject rows by whose codes no index could find them."""
    for name in names:
        for at, value in enumerate(features.column(name)):
            if value is not None and len(value) > LONGEST:
                features.reject(at, f"its {name} has {len(value)} characters; {LONGEST} at most")


def days_of(features: Features, name: str) -> list[int | None]:
    """A field as days since 1970; rows that hold anything but an ISO day are rejected."""
    days: list[int | None] = []
    for at, value in enumerate(features.column(name)):
        try:
            days.append(None if value is None else (_iso_day(value) - EPOCH).days)
        except ValueError:
            days.append(None)
            features.reject(at, f"its {name} {value!r} is no ISO day such as 2016-06-01, from {EARLIEST} to {LATEST}")
    return days


def _iso_day(value: str) -> date:
    day = date.fromisoformat(value)
    # 20160601 and 2016-W22-3 are ISO days, too, and as good as never meant.
    if day.isoformat() != value or not EARLIEST <= day <= LATEST:
        raise ValueError(value)
    return day


def whole_numbers(features: Features, name: str, least: int = 0, largest: int = LARGEST) -> list[int | None]:
    """A field as whole numbers; rows that hold anything else are rejected."""
    numbers: list[int | None] = []
    for at, value in enumerate(features.column(name)):
        # Longer texts would be too large anyway, and reading them takes time that grows with the square.
        plain = value is not None and value.isascii() and value.isdigit() and len(value) <= len(str(largest))
        number = int(value) if plain and value is not None else None
        if value is not None and (number is None or not least <= number <= largest):
            features.reject(at, f"its {name} {value[:40]!r} is no whole number from {least} to {largest}")
            number = None
        numbers.append(number)
    return numbers


def decimals(features: Features, name: str, largest: int) -> list[Decimal | None]:
    """A field as exact decimals from 0 to `largest`; rows that hold anything else are rejected."""
    numbers: list[Decimal | None] = []
    for at, value in enumerate(features.column(name)):
        try:
            number = None if value is None else Decimal(value)
        except InvalidOperation:
            number = Decimal("NaN")
        if number is not None and not (number.is_finite() and 0 <= number <= largest):
            features.reject(at, f"its {name} {(value or '')[:40]!r} is no number from 0 to {largest}")
            number = None
        numbers.append(number)
    return numbers


def area_ids(conn: Connection, features: Features, levels: tuple[str, ...]) -> list[int | None]:
    """Ids of the areas that the field area_code names; None where it is empty; others are rejected."""
    rows = conn.execute(text("SELECT code, id, level FROM areas WHERE retired_at IS NULL"))
    known = {row.code: row for row in rows}
    ids: list[int | None] = []
    for at, code in enumerate(features.column("area_code")):
        area = None if code is None else known.get(code)
        ids.append(area.id if area else None)
        if code is not None and area is None:
            features.reject(at, f"the area {code!r} is not known; GET /areas lists them, load areas first")
        elif area is not None and area.level not in levels:
            features.reject(at, f"the area {code} is a {area.level}; a {' or '.join(levels)} is right")
    return ids


def whole_areas(conn: Connection) -> dict[str, set[str]]:
    """Code of an area -> codes of itself and of all areas above it."""
    rows = {row.id: row for row in conn.execute(text("SELECT id, code, parent_id FROM areas"))}
    whole: dict[str, set[str]] = {}
    for row in rows.values():
        held, current = whole.setdefault(row.code, set()), row
        while True:
            held.add(current.code)
            if current.parent_id is None:
                break
            current = rows[current.parent_id]
    return whole


def reject_reversed(features: Features, first: list[int | None], stop: list[int | None]) -> None:
    """Reject rows whose valid_to is not after their valid_from."""
    for at, (from_day, to_day) in enumerate(zip(first, stop, strict=True)):
        if from_day is not None and to_day is not None and to_day <= from_day:
            features.reject(at, "its valid_to is not after its valid_from; valid_to is the first day no longer")
