"""Windows of days on the command line: both ends, or a special operation's own."""

from __future__ import annotations

from datetime import date, datetime

import click
from sqlalchemy import Connection

from gis.operations import Inside, inside


def days_or_operation(
    conn: Connection, operation: str | None, from_day: date | None, to_day: date | None
) -> tuple[date, date, Inside | None]:
    """The days that are asked for, and the inside of the special operation where one is named.

    Raises
    ------
    click.UsageError
        A day is missing.
    ParameterError
        There is no such operation, or it has no such day.
    """
    # click reads days as datetimes, which are dates to the type checker but not to the city.
    first, after = (day.date() if isinstance(day, datetime) else day for day in (from_day, to_day))
    if operation is not None:
        within = inside(conn, operation, first, after)
        return within.from_day, within.to_day, within
    if first is None or after is None:
        msg = f"Missing option '{'--from' if first is None else '--to'}'; or name a special operation with --operation"
        raise click.UsageError(msg)
    return first, after, None
