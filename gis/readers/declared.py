"""The coordinate reference system of a file: declared by the file or by the caller, never guessed."""

from __future__ import annotations

from pathlib import Path

import pyproj
from pyproj.exceptions import CRSError

from gis.errors import CrsError
from gis.geometry.datum import ACCEPTED, SourceCrs, parse_crs

CHINESE = {"gcj02", "bd09"}  # no file format can declare these two
PLAIN = {"wgs84", "cgcs2000", "EPSG:4326", "EPSG:4490", "EPSG:4979", "EPSG:4480"}  # one and the same, see datum
CONFIDENCE = 70  # per cent; a .prj seldom repeats the authority's text letter by letter


def choose_crs(path: Path, given: str | None, declared: str | None) -> SourceCrs:
    """The system that the coordinates are in.

    A file's own declaration holds. `given` stands in where there is none or none that has a name; it goes before the
    declaration only where it says GCJ-02 or BD-09, which no format can declare, and must otherwise agree with it.

    Parameters
    ----------
    given
        What the caller wrote after --crs.
    declared
        What the file says, as an authority's code or WKT; None where it says nothing.

    Raises
    ------
    CrsError
        Neither says anything; both do and contradict each other; or the one that counts is not accepted.
    """
    wanted = parse_crs(given) if given else None
    own = _read_declaration(path, declared)
    if own is None:
        if wanted is not None:
            return wanted
        said = "declares no coordinate reference system" if declared is None else "declares one without an EPSG code"
        msg = f"{path.name} {said}: say which its coordinates are in with --crs; accepted: {ACCEPTED}"
        raise CrsError(msg)
    source, is_geographic = own
    if wanted is None:
        return source
    if wanted.name in CHINESE:
        if is_geographic:
            return wanted
        msg = f"--crs {given} means longitude and latitude, but {path.name} declares {source.name} ({source.title})"
        raise CrsError(msg)
    if wanted.name == source.name or {wanted.name, source.name} <= PLAIN:
        return source
    msg = (
        f"--crs {given} ({wanted.title}) contradicts {path.name}, which declares {source.name} ({source.title}): "
        "leave --crs out, or correct the file"
    )
    raise CrsError(msg)


def _read_declaration(path: Path, declared: str | None) -> tuple[SourceCrs, bool] | None:
    if declared is None:
        return None
    try:
        crs = pyproj.CRS.from_user_input(declared)
    except CRSError as problem:
        msg = f"{path.name} declares a coordinate reference system that cannot be read: {declared[:80]!r}"
        raise CrsError(msg) from problem
    if crs.is_compound:
        crs = crs.sub_crs_list[0]  # heights are dropped anyway
    authority = crs.to_authority(min_confidence=CONFIDENCE)
    if authority is None or authority[0] not in {"EPSG", "OGC"}:
        return None
    try:
        return parse_crs(":".join(authority)), bool(crs.is_geographic)
    except CrsError as problem:
        msg = f"{path.name}: {problem}"
        raise CrsError(msg) from problem
