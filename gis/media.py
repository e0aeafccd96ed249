"""Media reports 媒体报道: praise and exposures 媒体曝光 as a dated series, and which exposures deduct (clause 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, text

from gis.evidence_files import area_ids, days_of, reject_long, reject_repeated, reject_without, whole_areas
from gis.loading import DATE, INTEGER, TEXT, LoadSummary, stage
from gis.policies import city_policy
from gis.readers import Features, Layout, read_features
from gis.report_rows import AMBIGUOUS
from gis.reports import category_spellings
from gis.rules.media import first_reports
from gis.rules.periods import Period
from gis.store.database import bump_version, sql
from gis.store.schema import reports, sources
from gis.store.schema_measures import TONES

LAYER = "media"
NEEDED = ("ref", "day", "outlet", "title", "tone")
MEDIA = Layout("media reports", NEEDED, ("incident", "url", "area_code", "category", "source", "source_ref"))
EXPOSURE, POSITIVE = "exposure", "positive"


@dataclass(frozen=True)
class MediaReport:
    """One media report.

    Parameters
    ----------
    area_id
        Street or district that it names, else the area of the cell of the report it is linked to; None: unknown.
    area_named
        Whether it names the area itself.
    category
        As kind:code; its own, else that of the linked report; None: unknown.
    source, source_ref
        The stored report of the same problem; None: not linked.
    """

    ref: str
    day: date
    outlet: str
    title: str
    url: str | None
    tone: str
    incident: str
    area_id: int | None
    area_named: bool
    category: str | None
    source: str | None
    source_ref: str | None


@dataclass(frozen=True)
class Exposure:
    """An incident that the media exposed, once, however many papers printed it.

    Parameters
    ----------
    ref, day, outlet, title
        Of the report that counts: the first one of the incident, by day and then by ref.
    street_code
        Street where it was; None: not known, or only the district is.
    district_code
        District where it was; None: not known.
    category
        As kind:code; None: not known.
    source, source_ref
        The stored report of the same problem, of the first report of the incident that is linked to one; None: none is.
    """

    incident: str
    ref: str
    day: date
    outlet: str
    title: str
    street_code: str | None
    district_code: str | None
    category: str | None
    source: str | None
    source_ref: str | None


def media_reports(
    conn: Connection, from_day: date | None, to_day: date | None, tone: str | None = None
) -> list[MediaReport]:
    """What the media printed on some days of the city, `to_day` exclusive, in the order of day and ref; None: open."""
    window = {"from_day": from_day, "to_day": to_day, "tone": tone, "incidents": None}
    return [MediaReport(*row) for row in conn.execute(sql("media"), window)]


def exposures(conn: Connection, period: Period) -> list[Exposure]:
    """The exposures that deduct in a period: one for each incident, in the order of day and ref.

    An incident that was exposed before is not counted again within `media_memory_days` of the report that counted
    (policy of the period's last day); whatever the policy, it counts once in a period. What the first report does not
    say (where, which category, which stored report) is taken from the next one of the incident that does, up to the
    end of the period: a later period cannot change an earlier one's facts.
    """
    within = media_reports(conn, period.first, period.after, EXPOSURE)
    told = reports_about(conn, {one.incident for one in within})
    return exposures_among(told, period, media_memory_days(conn, period), ancestry(conn))


def media_memory_days(conn: Connection, period: Period) -> int:
    """How long an incident that counted is not counted again, by the policy of a period's last day."""
    return city_policy(conn, period.after - timedelta(days=1)).media_memory_days


def exposures_among(
    told: Iterable[MediaReport], period: Period, memory_days: int, places: Mapping[int, Mapping[str, str]]
) -> list[Exposure]:
    """The exposures that deduct in a period, out of all that was printed about the incidents of the period.

    Parameters
    ----------
    told
        Media reports in any order; what was printed after the period is passed over.
    places
        Area id -> level -> code, as `ancestry` answers.
    """
    of_incident: dict[str, list[MediaReport]] = defaultdict(list)
    for one in told:
        if one.tone == EXPOSURE and one.day < period.after:
            of_incident[one.incident].append(one)
    found = []
    for same in of_incident.values():
        firsts = [one for one in first_reports(same, memory_days) if one.day in period]
        found += [_exposure(firsts[0], same, places)] if firsts else []
    return sorted(found, key=lambda one: (one.day, one.ref))


def reports_about(conn: Connection, incidents: set[str]) -> list[MediaReport]:
    """All that was ever printed about incidents."""
    asked = {"from_day": None, "to_day": None, "tone": EXPOSURE, "incidents": sorted(incidents)}
    return [MediaReport(*row) for row in conn.execute(sql("media"), asked)]


def _exposure(first: MediaReport, same: list[MediaReport], places: Mapping[int, Mapping[str, str]]) -> Exposure:
    # Nearest to the report that counts first: itself, then what came after it, then what came before.
    nearest = sorted(same, key=lambda one: ((one.day, one.ref) < (first.day, first.ref), one.day, one.ref))
    named = [places[one.area_id] for one in nearest if one.area_id is not None]
    street = next((place for place in named if "street" in place), None)
    place = street or next(iter(named), {})
    linked = next((one for one in nearest if one.source is not None), None)
    return Exposure(
        incident=first.incident,
        ref=first.ref,
        day=first.day,
        outlet=first.outlet,
        title=first.title,
        street_code=place.get("street"),
        district_code=place.get("district"),
        category=next((one.category for one in nearest if one.category is not None), None),
        source=linked.source if linked else None,
        source_ref=linked.source_ref if linked else None,
    )


def ancestry(conn: Connection) -> dict[int, dict[str, str]]:
    """Area id -> level -> code, of the area itself and of all above it; retired ones too, as past reports name them."""
    rows = {row.id: row for row in conn.execute(text("SELECT id, level, code, parent_id FROM areas"))}
    found: dict[int, dict[str, str]] = {}
    for area_id in rows:
        held: dict[str, str] = {}
        current: int | None = area_id
        while current is not None:
            held[rows[current].level] = rows[current].code
            current = rows[current].parent_id
        found[area_id] = held
    return found


# -- loading -----------------------------------------------------------------------------------------------------------


def load_media(
    conn: Connection, path: Path, mapping: Mapping[str, str] | None = None, *, encoding: str | None = None
) -> LoadSummary:
    """Load media reports; one that is stored under the same ref becomes what the file says, the others stay.

    Raises
    ------
    FileError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    features = read_features(path, None, mapping or {}, MEDIA, encoding=encoding)
    reject_without(features, NEEDED)
    reject_repeated(features, "ref")
    reject_long(features, "ref", "incident")
    for at, url in enumerate(features.column("url")):
        if url is not None and not url.startswith(("http://", "https://")):
            features.reject(at, f"its url {url[:60]!r} is no link; one begins with http:// or https://")
    for at, (tone, incident) in enumerate(zip(features.column("tone"), features.column("incident"), strict=True)):
        if tone is not None and tone not in TONES:
            features.reject(at, f"the tone {tone!r} is none of {', '.join(TONES)}")
        elif tone == EXPOSURE and incident is None:
            features.reject(
                at,
                "an exposure needs an incident: a code of your own that all reports of the same incident share, as it "
                "is deducted once",
            )
    columns: dict[str, tuple[str, Any]] = {
        name: (TEXT, features.column(name)) for name in ("ref", "outlet", "title", "url", "tone", "incident")
    }
    columns["day"] = (DATE, days_of(features, "day"))
    columns["area_id"] = (INTEGER, area_ids(conn, features, ("district", "street")))
    columns["category_id"] = (INTEGER, _categories(conn, features))
    columns["source_id"] = (INTEGER, _linked(conn, features))
    columns["source_ref"] = (TEXT, features.column("source_ref"))
    features.refuse()
    stage(conn, "incoming_media", columns)
    _reject_scattered(conn, features)
    features.refuse()
    summary = LoadSummary.of("media reports", features)
    summary.merged(list(conn.execute(sql("merge_media")).scalars()))
    if summary.changes:
        bump_version(conn, LAYER)
    return summary


def _categories(conn: Connection, features: Features) -> list[int | None]:
    spellings = category_spellings(conn)
    ids: list[int | None] = []
    for at, category in enumerate(features.column("category")):
        found = None if category is None else spellings.get(category)
        ids.append(found)
        if category is not None and found is None:
            features.reject(at, f"the category {category!r} is not in the dictionary")
        elif found == AMBIGUOUS:
            said = f"write event:{category} or component:{category}"
            features.reject(at, f"the category {category!r} is ambiguous; {said}")
    return ids


def _linked(conn: Connection, features: Features) -> list[int | None]:
    """Ids of the sources of linked reports."""
    known = dict(conn.execute(select(sources.c.name, sources.c.id)).all())
    ids: list[int | None] = []
    for at, (source, ref) in enumerate(zip(features.column("source"), features.column("source_ref"), strict=True)):
        ids.append(None if source is None else known.get(source))
        if (source is None) != (ref is None):
            features.reject(at, f"it has a {'source_ref' if source is None else 'source'} without the other of the two")
        elif source is not None and not _is_stored(conn, known.get(source), ref):
            features.reject(at, f"source {source!r} has no report {ref!r}; import the reports first")
    return ids


def _is_stored(conn: Connection, source_id: int | None, ref: str | None) -> bool:
    key = select(reports.c.source_id).where(reports.c.source_id == source_id, reports.c.source_ref == ref)
    return source_id is not None and conn.execute(key).first() is not None


def _reject_scattered(conn: Connection, features: Features) -> None:
    """Reject rows whose incident lies somewhere else by another report, in the file or stored."""
    row_of = {ref: at for at, ref in enumerate(features.column("ref"))}
    places: dict[str, tuple[str, str]] = {}
    whole = whole_areas(conn)
    for incident, ref, code in conn.execute(sql("media_places")):
        held_by, held = places.setdefault(incident, (ref, code))
        if code not in whole[held] and held not in whole[code]:
            at, other, there = (row_of[ref], held_by, held) if ref in row_of else (row_of.get(held_by), ref, code)
            if at is not None:
                said = f"the incident {incident} lies in {there} by the media report {other}"
                features.reject(at, f"{said}: correct one of them, or give each its own incident")
        elif held in whole[code]:
            places[incident] = (ref, code)
