"""Service requests of another server -> judged reports 问题上报, by the rules of every import."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa

from gis.errors import FileError, ParameterError
from gis.open311.reading import Row
from gis.report_files import Chunk, Reject
from gis.report_rows import AMBIGUOUS, Judge, Verdict, judge_rows

MAP_COLUMNS = ("service_code", "category")
Unknown = Counter[tuple[str, str]]
"""(service_code, service_name) -> how many requests."""


@dataclass
class Incoming:
    """Turns rows of a server into reports.

    Parameters
    ----------
    categories
        Service code or name there -> category here, as the dictionary spells it. What is not named here is looked up
        in the dictionary itself, by code and by name.
    unknown
        Services of which nobody said what they are here, counted.
    """

    categories: Mapping[str, str]
    unknown: Unknown = field(default_factory=Counter)

    def judged(self, rows: Sequence[Row], judge: Judge) -> Verdict:
        """Rows divided into those that may go in and rejects, numbered from 1, each with what the server sent."""
        refs, reasons = [], {}
        wanted: list[str] = []
        for at, row in enumerate(rows):
            refs.append(row.get("service_request_id", ""))
            category = self._category(row, judge)
            wanted.append(category or "")
            if not refs[at]:
                reasons[at] = "no service_request_id yet: the other city has not taken it in"
            elif category is None:
                code, name = row.get("service_code", ""), row.get("service_name", "")
                self.unknown[code, name] += 1
                reasons[at] = f"service {code!r} ({name}) is no category here: say which with --map {code}=CATEGORY"
            elif "requested_datetime" not in row:
                reasons[at] = "no requested_datetime"
        columns = {
            "source_ref": refs,
            "category": wanted,
            "reported_at": [row.get("requested_datetime", "") for row in rows],
            "lon": [row.get("long", "") for row in rows],
            "lat": [row.get("lat", "") for row in rows],
            "description": [row.get("description", "") for row in rows],
        }
        good = np.array([at for at in range(len(rows)) if at not in reasons], np.int64)
        chosen = {name: pa.array([values[at] for at in good], pa.string()) for name, values in columns.items()}
        verdict = judge_rows(
            Chunk(pa.RecordBatch.from_pydict(chosen), good + 1, {name: name for name in chosen}), judge
        )
        refused: list[tuple[Reject, int | None]] = [
            (Reject(at + 1, reason, _original(rows[at])), None) for at, reason in reasons.items()
        ]
        refused += [
            (Reject(one.row, one.reason, _original(rows[one.row - 1])), day)
            for one, day in zip(verdict.rejects, verdict.reject_days, strict=True)
        ]
        refused.sort(key=lambda entry: entry[0].row)
        return Verdict(verdict.good, [one for one, _ in refused], [day for _, day in refused])

    def _category(self, row: Row, judge: Judge) -> str | None:
        names = [row[name] for name in ("service_code", "service_name") if name in row]
        for name in names:
            if name in self.categories:
                return self.categories[name]
        return next((name for name in names if judge.categories.get(name, AMBIGUOUS) != AMBIGUOUS), None)


def _original(row: Row) -> str:
    return orjson.dumps(row).decode()


def check_categories(categories: Mapping[str, str], spellings: Mapping[str, int]) -> None:
    """See that every service is mapped to a category that there is.

    Raises
    ------
    ParameterError
        Naming the first one that is not.
    """
    for service, category in categories.items():
        found = spellings.get(category)
        if found is None or found == AMBIGUOUS:
            why = "is not in the dictionary" if found is None else "stands for several entries: write kind:code"
            msg = f"{service}={category}: {category!r} {why} (finegrid export categories lists them)"
            raise ParameterError("--map", msg)


def read_category_map(path: Path) -> dict[str, str]:
    """A CSV file with the columns service_code and category.

    Raises
    ------
    FileError
        It cannot be read, lacks a column, or names a service twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in MAP_COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path}: no column {missing[0]!r}; service_code and category are right"
                raise FileError(msg)
            found: dict[str, str] = {}
            for number, row in enumerate(reader, 1):
                service, category = ((row[name] or "").strip() for name in MAP_COLUMNS)
                if not service or not category:
                    continue  # a service that has no category here
                if found.setdefault(service, category) != category:
                    msg = f"{path}: row {number}: {service} is mapped to {found[service]} and to {category}"
                    raise FileError(msg)
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        msg = f"{path}: cannot be read as CSV: {problem}"
        raise FileError(msg) from problem
