"""The collections of facilities 设施 and engineering measures 工程措施."""

from __future__ import annotations

from gis.collections.declared import Collection, Property

_VALID = (
    Property("valid_from", "date", "First day there", "启用日期"),
    Property("valid_to", "date", "First day no longer there", "停用日期（不含）", nullable=True),
)

FACILITIES = Collection(
    id="facilities",
    title="Facilities",
    title_zh="设施",
    description="Parking places with their spaces, public toilets and other facilities, from their first day to their "
    "last; a point of each.",
    description_zh="停车场（含泊位数）、公共厕所等设施及其启用、停用日期；以点表示。",
    question="collection_facilities",
    properties=(
        Property("code", "string", "Code", "代码"),
        Property("kind", "string", "Kind", "类型"),
        Property("name", "string", "Name", "名称"),
        Property("capacity", "integer", "Spaces, seats, ...", "容量（泊位、座位等）", nullable=True),
        *_VALID,
    ),
    key=("code",),
    geometry="point",
    layers=("facilities",),
    time=("valid_from", "valid_to"),
    sums=("capacity",),
    synthetic="facilities",
)

MEASURES = Collection(
    id="measures",
    title="Engineering measures",
    title_zh="工程措施",
    description="Barriers, bollards, pocket greens, parking spaces and other measures, since when and at what cost. "
    "Points and lines are widened to 5 m on either side, so that one layer holds all; GET /measures has them as drawn.",
    description_zh="护栏、隔离桩、口袋绿地、停车泊位等工程措施及其起止日期与造价；点、线两侧各扩 5 米以便同层显示，"
    "原始图形见 GET /measures。",
    question="collection_measures",
    properties=(
        Property("ref", "string", "Reference", "编号"),
        Property("kind", "string", "Kind", "类型"),
        Property("name", "string", "Name", "名称"),
        Property("shape", "string", "As drawn", "原始图形", one_of=("point", "line", "polygon")),
        *_VALID,
        Property("begun", "date", "First day of the works", "开工日期", nullable=True),
        Property("cost_yuan", "integer", "Cost", "造价", "yuan", nullable=True),
        Property("length_m", "number", "Length of lines, geodesic", "长度（线，测地）", "m"),
        Property("area_m2", "number", "Area of polygons, geodesic", "面积（面，测地）", "m2"),
    ),
    key=("ref",),
    feature_id="ref",
    geometry="multipolygon",
    layers=("measures",),
    time=("valid_from", "valid_to"),
    sums=("cost_yuan",),
    synthetic="measures",
)
