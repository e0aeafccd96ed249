"""The category dictionary 事部件分类: its key is (standard, kind, code), as codes of events and components collide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from gis.city import read_city
from gis.loading import TEXT, LoadSummary, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, sql
from gis.store.schema import CATEGORY_KINDS, CHAOSES

KEY = ("standard_ref", "kind", "code")
CATEGORIES = Layout("categories", (*KEY, "name"), ("name_en", "domain", "chaos"))


def load_categories(
    conn: Connection, path: Path, mapping: Mapping[str, str] | None = None, *, encoding: str | None = None
) -> LoadSummary:
    """Load a dictionary of categories; those that the file lacks stay, as reports may be counted under them.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    read_city(conn)
    features = read_features(path, None, mapping or {}, CATEGORIES, encoding=encoding)
    _judge(features)
    features.refuse()
    names = features.column("name")
    english = [own or name for own, name in zip(features.column("name_en"), names, strict=True)]
    columns = {name: features.column(name) for name in (*KEY, "name", "domain", "chaos")} | {"name_en": english}
    stage(conn, "incoming_categories", {name: (TEXT, values) for name, values in columns.items()})
    summary = LoadSummary.of("categories", features)
    summary.merged(list(conn.execute(sql("merge_categories")).scalars()))
    if summary.changes:
        bump_version(conn, "categories")
    return summary


def _judge(features: Features) -> None:
    keys = list(zip(*(features.column(name) for name in KEY), strict=True))
    times = Counter(keys)
    chaoses, names = features.column("chaos"), features.column("name")
    for at, (key, chaos, name) in enumerate(zip(keys, chaoses, names, strict=True)):
        empty = [field for field, value in zip((*KEY, "name"), (*key, name), strict=True) if not value]
        if empty:
            features.reject(at, f"it has no {' and no '.join(empty)}")
        elif key[1] not in CATEGORY_KINDS:
            features.reject(at, f"the kind {key[1]!r} is none of {', '.join(CATEGORY_KINDS)}")
        elif chaos is not None and chaos not in CHAOSES:
            features.reject(at, f"the chaos {chaos!r} is none of {', '.join(CHAOSES)}, nor empty")
        elif times[key] > 1:
            features.reject(at, f"{' '.join(map(str, key))} stands in the file more than once")
