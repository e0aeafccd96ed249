"""Media exposures 媒体曝光: which of the reports of one incident counts, as each incident deducts once (clause 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol, TypeVar


class Printed(Protocol):
    """A media report of an incident."""

    @property
    def incident(self) -> str:
        """Free code of what was exposed."""

    @property
    def day(self) -> date:
        """Day of the city on which it was printed."""

    @property
    def ref(self) -> str:
        """What the media report is called; breaks ties within a day."""


Report = TypeVar("Report", bound=Printed)


def first_reports(reports: Sequence[Report], memory_days: int) -> list[Report]:
    """The reports that count: of each incident the first one, by day and then by ref, whatever order they come in.

    A later report of an incident belongs to the report that counted before it as long as it was printed less than
    `memory_days` days after that one; it then costs nothing more, however many papers print it. A report from that day
    on counts anew: an incident that is still there a season later was not mended. As days are counted from the report
    that counted, not from the one before, a story that is repeated every week cannot be kept silent for ever.

    Parameters
    ----------
    memory_days
        At least 1; 1: only reports of the same day are one.

    Returns
    -------
    list
        In the order of day, then ref.
    """
    counted: dict[str, date] = {}
    first: list[Report] = []
    for report in sorted(reports, key=lambda one: (one.day, one.ref)):
        before = counted.get(report.incident)
        if before is None or (report.day - before).days >= memory_days:
            counted[report.incident] = report.day
            first.append(report)
    return first
