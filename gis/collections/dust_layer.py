"""The collection of weighing points of dust draws 以克论净."""

from __future__ import annotations

from gis.collections.declared import Collection, Property
from gis.store.schema import ROAD_CLASSES

DUST_POINTS = Collection(
    id="dust-points",
    title="Weighing points of dust draws",
    title_zh="以克论净称重点",
    description="Where dust is weighed: points on each drawn road of a ten-day period, from the reveal of its draw "
    "on, with what was swept up in g/m2.",
    description_zh="以克论净称重点位：每旬抽中道路各五点（种子公开后可见）及每平方米积尘克数。",
    question="collection_dust_points",
    properties=(
        Property("point", "string", "Period, road of the draw, point along it", "点位编号"),
        Property("period", "string", "Ten-day period", "旬"),
        Property("first_day", "date", "First day of the period", "当旬首日"),
        Property("last_day", "date", "Last day of the period", "当旬末日"),
        Property("road", "integer", "Number of the road in the draw", "抽样序号"),
        Property("code", "string", "Code of the road segment", "路段代码"),
        Property("name", "string", "Name of the road when it was drawn", "抽样时道路名称", nullable=True),
        Property("road_class", "string", "Class of the road", "道路等级", one_of=ROAD_CLASSES),
        Property("street_code", "string", "Code of the street office", "街道代码", nullable=True),
        Property("street_name", "string", "Street office that has the segment", "所属街道", nullable=True),
        Property("at_m", "number", "From the beginning of the segment", "距路段起点", "m"),
        Property("g_per_m2", "number", "Dust swept up; empty: not weighed", "每平方米积尘", "g/m2", nullable=True),
        Property("weighed_on", "date", "Day of weighing", "称重日期", nullable=True),
        Property("weighed_by", "string", "Who weighed", "称重人", nullable=True),
    ),
    key=("point",),
    feature_id="point",
    geometry="point",
    layers=("dust", "roads", "areas"),
    time=("first_day", "last_day"),
    synthetic="dust",
)
