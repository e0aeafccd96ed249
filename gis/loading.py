"""What every load has in common: staging rows beside the tables, and the account it gives afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from sqlalchemy import Connection, text

from gis.errors import RowProblem
from gis.readers import Features
from gis.store.copying import CopyColumn, copy_in

SRID = 4326

# Column type of a staging table -> how its values are sent. Codes compare by code point, as in the tables themselves.
SENT_AS = {
    'text COLLATE "C"': "text",
    "integer": "int4",
    "date": "date",
    "timestamptz": "timestamptz",
    "geometry": "bytea",
}
TEXT, INTEGER, DATE, INSTANT, GEOMETRY = SENT_AS


@dataclass
class LoadSummary:
    """What a load found and did.

    Parameters
    ----------
    layer
        areas, cells, roads, tiers, coordinators, responsibles or categories.
    file
        Name of the file; None for a lattice.
    crs
        What its coordinates were in; empty where it has none.
    read
        Rows of the file, or cells of the lattice.
    added, changed, unchanged, retired
        Rows of the city afterwards.
    reassigned
        Reports whose cell or segment changed by this.
    repairs
        Rows whose geometry was mended, and how.
    warnings
        What is allowed but should be looked at.
    """

    layer: str
    file: str | None = None
    crs: str = ""
    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    reassigned: int = 0
    repairs: list[RowProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, layer: str, features: Features) -> LoadSummary:
        """The account of a file that was read and not stored yet."""
        return cls(layer, features.path.name, features.crs, features.rows, repairs=features.repairs)

    @property
    def changes(self) -> bool:
        """Whether the city differs from before."""
        return bool(self.added or self.changed or self.retired)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "layer": self.layer,
            "file": self.file,
            "crs": self.crs,
            "read": self.read,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "retired": self.retired,
            "reassigned": self.reassigned,
            "repairs": [{"row": one.row, "code": one.code, "reason": one.reason} for one in self.repairs],
            "warnings": self.warnings,
        }

    def merged(self, touched: list[bool]) -> None:
        """Count what a merge answered: one entry per row it wrote, True where that row is new."""
        self.added += sum(touched)
        self.changed += len(touched) - sum(touched)
        self.unchanged = self.read - self.added - self.changed


def stage(conn: Connection, table: str, columns: dict[str, tuple[str, Any]]) -> None:
    """Put rows into a temporary table that lives as long as the transaction; one of that name is replaced.

    Parameters
    ----------
    columns
        Name -> (TEXT, INTEGER, DATE, INSTANT or GEOMETRY, n values). Integers, days since 1970 and microseconds since
        1970 UTC may be None; geometry is shapely, stored with SRID 4326 (or as it is where it has an SRID of its own).
    """
    definition = ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items())
    conn.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    conn.execute(text(f"CREATE TEMPORARY TABLE {table} ({definition}) ON COMMIT DROP"))
    copy_in(conn, table, [_column(name, kind, values) for name, (kind, values) in columns.items()])
    conn.execute(text(f"ANALYZE {table}"))


def _column(name: str, kind: str, values: Any) -> CopyColumn:
    sent = SENT_AS[kind]
    if kind == TEXT:
        return CopyColumn(name, sent, pa.array(values, pa.string()))
    if kind == GEOMETRY:
        return CopyColumn(name, sent, pa.array(wkb_of(values), pa.binary()))
    valid = np.array([value is not None for value in values], dtype=bool)
    return CopyColumn(name, sent, np.array([value or 0 for value in values], dtype=np.int64), valid)


def wkb_of(geometry: Any) -> list[bytes | None]:
    """EWKB as PostGIS keeps it."""
    geometry = np.asarray(geometry, dtype=object)
    with_srid = np.where(shapely.get_srid(geometry) == 0, shapely.set_srid(geometry, SRID), geometry)
    return list(shapely.to_wkb(with_srid, include_srid=True, byte_order=1))


def describe(path: Path | str, count: int, what: str) -> str:
    """`areas.geojson: 26 areas`."""
    return f"{Path(path).name}: {count} {what}"
