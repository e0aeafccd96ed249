"""Which column of a file is which field: what the caller maps, else one of the names declared here, else none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gis.errors import FileError, ParameterError

# A field is found under its own name or one of these, upper or lower case; where a file has several, the first counts.
ALIASES: dict[str, tuple[str, ...]] = {
    "code": ("gbcode", "adcode", "编码", "代码"),
    "name": ("名称",),
    "name_en": ("ename", "英文名称"),
    "level": ("级别",),
    "parent_code": ("上级编码",),
    "area_code": ("所属编码",),
    "cell_code": ("网格编码",),
    "street_code": ("area_code", "街道编码"),
    "tier": ("区域类别",),
    "class": ("highway", "道路等级"),
    "phone": ("电话",),
    "point": ("点位", "点位编号"),
    "g_per_m2": ("积尘量", "克重"),
    "weighed_on": ("称重日期",),
    "weighed_by": ("称重人",),
    "lon": ("lng", "longitude", "经度"),
    "lat": ("latitude", "纬度"),
    "wkt": ("geometry", "geom"),
}


def find_columns(
    path: Path,
    columns: Iterable[str],
    mapping: Mapping[str, str],
    required: tuple[str, ...],
    optional: tuple[str, ...],
) -> dict[str, str]:
    """Field -> column of the file, for every field that the file has.

    Parameters
    ----------
    mapping
        Field -> column as the caller says; goes before every name found here.

    Raises
    ------
    ParameterError
        `mapping` names a field that this kind of file has not.
    FileError
        A mapped column does not exist, or a required field is found under no name.
    """
    present = list(columns)
    fields = (*required, *optional)
    by_lower = {column.lower(): column for column in reversed(present)}
    found: dict[str, str] = {}
    for name, column in mapping.items():
        if name not in fields:
            raise ParameterError("--map", f"there is no field {name!r} here; the fields are {', '.join(fields)}")
        if column not in present and column.lower() not in by_lower:
            msg = f"{path.name} has no column {column!r} (mapped to {name}); it has {_listed(present)}"
            raise FileError(msg)
        found[name] = column if column in present else by_lower[column.lower()]
    for name in fields:
        if name not in found:
            names = [alias for alias in (name, *ALIASES.get(name, ())) if alias in by_lower]
            if names:
                found[name] = by_lower[names[0]]
    missing = [name for name in required if name not in found]
    if missing:
        msg = (
            f"{path.name} has no column {' and no column '.join(missing)}; it has {_listed(present)}. "
            f"Say which one it is: --map {missing[0]}=COLUMN"
        )
        raise FileError(msg)
    return found


def _listed(columns: list[str]) -> str:
    return ", ".join(columns) if columns else "no columns at all"
