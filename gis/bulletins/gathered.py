"""The bulletin 通报 of a period, gathered once as plain values: pages and workbooks show them (clauses 2, 5, 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from gis.bulletins.chaoses import ChaosChange, chaos_change
from gis.bulletins.places import WorstPlaces, overdue_places, worst_places
from gis.bulletins.rows import compared, standing_before
from gis.city import City
from gis.errors import ParameterError
from gis.ground import Ground
from gis.rules.deductions import KINDS
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.standing_reads import COLUMNS, Standing, read_standing
from gis.standings import level_of

CHANGES = (
    "district",
    "change",
    "rank_before",
    "rank_change",
    "deduction_before",
    "deduction_change",
    "density_before",
    "density_change",
)
"""What a row of the bulletin has besides the columns of the standing."""


@dataclass(frozen=True)
class Bulletin:
    """What a bulletin says.

    Parameters
    ----------
    standing
        The standing itself, published or a draft.
    before
        The standing of the period before, as it was published when this one was; None: there is none.
    rows
        Rows of the standing with COLUMNS and CHANGES, best first, those without rank last.
    gone
        Rows of the standing before that this one no longer has.
    worst
        The worst segments and spots, and where they come from.
    overdue
        Listed places that were over their deadline in the period, as they were deducted.
    chaoses
        The four chaoses in this period and the one before, by the city's highest level of areas.
    synthetic
        Layers that were made up.
    """

    city: City
    period: Period
    standing: Standing
    before: Standing | None
    rows: list[dict[str, Any]]
    gone: list[dict[str, Any]]
    worst: WorstPlaces
    overdue: list[dict[str, Any]]
    chaoses: list[ChaosChange]
    synthetic: list[str]

    @property
    def head(self) -> dict[str, Any]:
        """What GET /standings says besides its rows."""
        return self.standing.head()

    @property
    def published(self) -> bool:
        """False: it is a draft, and has to say so on every page."""
        return self.standing.record.published_at is not None

    @property
    def level(self) -> str:
        """What is ranked: street or district."""
        return str(self.standing.record.level)

    @property
    def policy(self) -> Policy:
        """Whose numbers the standing was worked out by."""
        return self.standing.policy

    @property
    def ranked(self) -> list[dict[str, Any]]:
        """Rows that have a rank."""
        return [row for row in self.rows if row["rank"] is not None]

    @property
    def unranked(self) -> list[dict[str, Any]]:
        """Rows that have none; their note says why."""
        return [row for row in self.rows if row["rank"] is None]

    @property
    def rewarded(self) -> list[dict[str, Any]]:
        """Rows that are paid, best first."""
        return [row for row in self.ranked if row["reward_yuan"] > 0]

    @property
    def penalised(self) -> list[dict[str, Any]]:
        """Rows that pay or have consequences, worst first."""
        return [row for row in self.ranked if row["reward_yuan"] < 0 or row["consequences"]][::-1]

    @property
    def kinds(self) -> list[str]:
        """Kinds of deduction in the order of the rule book."""
        return list(KINDS)

    def plain(self) -> dict[str, Any]:
        """Everything as plain values, fit for JSON."""
        before = self.before
        return {
            "city": {"code": self.city.code, "name": self.city.name, "name_en": self.city.name_en},
            **self.head,
            "synthetic": self.synthetic,
            "summary": self.summary(),
            "before": before
            and {
                "period": before.record.period,
                "revision": before.record.revision,
                "sha256": before.record.sha256,
            },
            "rows": [{name: row[name] for name in (*COLUMNS, *CHANGES)} for row in self.rows],
            "gone": self.gone,
            "difference": self.standing.record.difference,
            "worst": self.worst.plain(),
            "overdue": self.overdue,
            "four_chaoses": [one.plain() for one in self.chaoses],
        }

    def summary(self) -> dict[str, Any]:
        """The figures that are read out first."""
        ranked = self.ranked
        return {
            "ranked": len(ranked),
            "unranked": len(self.unranked),
            "provisional": sum(row["provisional"] for row in ranked),
            "rewarded": len(self.rewarded),
            "penalised": sum(row["reward_yuan"] < 0 for row in ranked),
            "flagged": sum("flag" in row["consequences"] for row in ranked),
            "not_apart": sum(row["apart"] is False for row in ranked),
            "problems": sum(row["problems"] for row in self.rows),
            "deduction": sum(row["deduction"] for row in self.rows),
        }


def bulletin(
    conn: Connection, ground: Ground, period: Period, level: str | None = None, revision: int | None = None
) -> Bulletin:
    """Gather the bulletin of a period.

    Parameters
    ----------
    conn
        In a transaction over one snapshot.
    level
        street or district, as the city ranks them in such a period; None: whichever that is.
    revision
        None: the newest published one, else the draft.

    Raises
    ------
    NotFound
        There is no such standing.
    ParameterError
        Another level is ranked in such a period, or the city has neither streets nor districts.
    """
    right = level_of(ground.city, period)
    if level not in (None, right):
        msg = f"{period.name} ranks {right}s, not {str(level)[:20]!r}: ten-day periods rank streets, months districts"
        raise ParameterError("level", msg)
    standing = read_standing(conn, right, period, revision)
    before = standing_before(conn, standing, period)
    rows, gone = compared(ground, standing, before)
    return Bulletin(
        city=ground.city,
        period=period,
        standing=standing,
        before=before,
        rows=rows,
        gone=gone,
        worst=worst_places(conn, period),
        overdue=overdue_places(conn, standing),
        chaoses=chaos_change(conn, ground, period),
        synthetic=[layer for layer, facts in ground.city.provenance.items() if facts.get("synthetic")],
    )
