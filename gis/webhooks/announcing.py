"""The outbox: what will be told of a state change, written in the transaction of the change itself."""

from __future__ import annotations

from sqlalchemy import Connection


def announce(conn: Connection, case_id: int, number: int) -> None:
    """Put an event of a case 案件 into the outbox, for whoever wants to be told of it.

    To be called in the transaction that recorded the event, after the rows of `cases` and `case_events` were written:
    what is told is read from there. One statement, which does nothing where no active webhook wants the event. Where
    the transaction rolls back, nobody hears of it.

    Parameters
    ----------
    case_id, number
        Key of the row of `case_events`.
    """
