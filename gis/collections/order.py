"""The order of features, and the tokens by which a page continues where the one before ended."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement
from sqlalchemy.sql.selectable import Subquery

from gis.collections.declared import Collection, PropertyKind
from gis.errors import ParameterError

TAKE_IT = "take it from the `next` link of the page before"
INT4 = 2**31
JSON_TYPES: dict[PropertyKind, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}


@dataclass(frozen=True)
class SortKey:
    """One column of an order; features without a value come last, whatever the direction."""

    name: str
    descending: bool = False
    nullable: bool = False


def full_order(collection: Collection, sort: Sequence[SortKey]) -> tuple[SortKey, ...]:
    """An order in which no two features are equal: the one asked for, then the key."""
    named = {key.name for key in sort}
    return (*sort, *(SortKey(name) for name in collection.key if name not in named))


def order_by(f: Subquery, order: Sequence[SortKey]) -> list[ColumnElement[Any]]:
    """ORDER BY of an order."""
    columns = []
    for key in order:
        column: ColumnElement[Any] = f.c[key.name].desc() if key.descending else f.c[key.name].asc()
        columns.append(column.nulls_last() if key.nullable else column)
    return columns


def write_token(last: str | bytes) -> str:
    """The token of a next page.

    Parameters
    ----------
    last
        JSON array of the values of the order's columns at the last feature.
    """
    return base64.urlsafe_b64encode(last.encode() if isinstance(last, str) else last).decode().rstrip("=")


def read_token(token: str, collection: Collection, order: Sequence[SortKey]) -> tuple[Any, ...]:
    """Values of the order's columns out of a `next` link.

    Raises
    ------
    ParameterError
        It was made for another order, or by somebody else.
    """
    try:
        values = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(order):
            raise ParameterError("after", TAKE_IT)
        return tuple(
            _typed(value, collection.kind(key.name), nullable=key.nullable)
            for value, key in zip(values, order, strict=True)
        )
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise ParameterError("after", TAKE_IT) from None


def _typed(value: Any, kind: PropertyKind, *, nullable: bool) -> Any:
    if value is None and nullable:
        return None
    if kind == "date-time":
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    if type(value) not in JSON_TYPES.get(kind, (str,)) or (isinstance(value, str) and "\0" in value):
        raise ParameterError("after", TAKE_IT)
    if isinstance(value, int) and not -INT4 <= value < INT4:
        raise ParameterError("after", TAKE_IT)
    return value
