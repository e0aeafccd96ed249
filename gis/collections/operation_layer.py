"""The collection of special operations 专项行动."""

from __future__ import annotations

from gis.collections.declared import Collection, Property

OPERATIONS = Collection(
    id="operations",
    title="Special operations",
    title_zh="专项行动",
    description="Named polygons with a window whose problems and work can be shown alone: conferences, air-pollution "
    "alerts.",
    description_zh="有名称、范围和时段的专项行动（会议保障、重污染应急等），其问题与处置可单独查看。",
    question="collection_operations",
    properties=(
        Property("code", "string", "Code", "代码"),
        Property("name", "string", "Name", "名称"),
        Property("name_en", "string", "Name in English", "英文名称", nullable=True),
        Property("valid_from", "date-time", "First instant", "开始时间"),
        Property("valid_to", "date-time", "First instant no longer", "结束时间（不含）"),
        Property("area_km2", "number", "Area, geodesic", "面积（测地）", "km2"),
    ),
    key=("code",),
    geometry="multipolygon",
    layers=("operations",),
    time=("valid_from", "valid_to"),
    sums=("area_km2",),
    synthetic="operations",
)
