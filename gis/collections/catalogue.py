"""Every collection, declared. A further layer joins by one more entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gis.collections.case_layer import CASES
from gis.collections.coverage_layer import COVERAGE
from gis.collections.declared import Collection, Property
from gis.collections.dust_layer import DUST_POINTS
from gis.collections.hot_spot_layer import HOT_SPOTS
from gis.collections.listing_layers import LISTING_GROUNDS, LISTINGS
from gis.collections.measure_layers import FACILITIES, MEASURES
from gis.collections.operation_layer import OPERATIONS
from gis.collections.standing_layer import STANDINGS
from gis.collections.windows import PERIOD, STAFFING, density_of, staffing_rows
from gis.store.schema import CHAOSES, ROAD_CLASSES, SOURCE_KINDS, TIERS

CODE = Property("code", "string", "Code", "代码")
NAME = Property("name", "string", "Name", "名称")
STREET_NAME = Property("name", "string", "Name", "名称", nullable=True)
TIER = Property("tier", "string", "Tier", "区域等级", one_of=TIERS)
CLASS = Property("class", "string", "Road class", "道路等级", one_of=ROAD_CLASSES)
AREA_KM2 = Property("area_km2", "number", "Area, geodesic", "面积（测地）", "km2")
LENGTH_M = Property("length_m", "number", "Length, geodesic", "长度（测地）", "m")
COUNT = Property("count", "integer", "Reports", "上报数", "reports")
PER_KM2 = Property("per_km2", "number", "Reports per km2", "每平方公里上报数", "1/km2")
PER_KM2_PER_DAY = Property("per_km2_per_day", "number", "Reports per km2 and day", "每平方公里每日上报数", "1/km2/d")
PER_KM = Property("per_km", "number", "Reports per km of road", "每公里道路上报数", "1/km", nullable=True)

# level -> collection, title, title_zh
AREA_LEVELS = {
    "district": ("districts", "Districts", "区县"),
    "street": ("streets", "Street offices", "街道办"),
    "community": ("communities", "Communities", "社区"),
}


def _areas(level: str) -> Collection:
    name, title, title_zh = AREA_LEVELS[level]
    return Collection(
        id=name,
        title=title,
        title_zh=title_zh,
        description=f"The city's areas of the level {level}, with their borders.",
        description_zh=f"城市各{title_zh}及其边界。",
        question="collection_areas",
        properties=(
            CODE,
            NAME,
            Property("name_en", "string", "Name in English", "英文名称", nullable=True),
            Property("parent_code", "string", "Code of the area above", "上级代码", nullable=True),
            Property("parent_name", "string", "Name of the area above", "上级名称", nullable=True),
            AREA_KM2,
        ),
        key=("code",),
        geometry="multipolygon",
        layers=("areas",),
        binds={"level": level},
        level=level,
        sums=("area_km2",),
        kept=True,
        synthetic="areas",
    )


def _nullable(one: Property) -> Property:
    return Property(one.name, one.kind, one.title, one.title_zh, one.unit, one.one_of, nullable=True)


def _density_areas(level: str) -> Collection:
    name, title, title_zh = AREA_LEVELS[level]
    return Collection(
        id=f"density-{name}",
        title=f"Reports per km2: {title.lower()}",
        title_zh=f"{title_zh}上报密度",
        description="Reports of a window per km2 of responsible area; counts and areas are the sums over the cells, so "
        "numbers add up at every level. Without cells there is no density (null).",
        description_zh="时段内每平方公里责任面积的上报数；数量与面积均为单元网格之和，各级可相加；无单元网格则无密度。",
        question="collection_density_areas",
        properties=(CODE, NAME, COUNT, AREA_KM2, _nullable(PER_KM2), _nullable(PER_KM2_PER_DAY)),
        key=("code",),
        geometry="multipolygon",
        layers=("reports", "categories", "cells", "areas"),
        parameters=PERIOD,
        binds={"level": level},
        bind=density_of("cell"),
        level=level,
        sums=("count", "area_km2"),
        synthetic="reports",
    )


def _report_identity(feature_id: str) -> Mapping[str, Any] | None:
    source, colon, source_ref = feature_id.partition(":")
    if not colon:
        return None
    return {"source": source.replace("%3A", ":").replace("%25", "%"), "source_ref": source_ref}


CELLS = Collection(
    id="cells",
    title="Grid cells",
    title_zh="单元网格",
    description="The grid cells of about 10,000 m2 that the city looks after one by one.",
    description_zh="城市精细化管理的基本单元，每格约 1 万平方米。",
    question="collection_cells",
    properties=(
        CODE,
        Property("area_code", "string", "Code of the lowest area that holds it", "所属区域代码"),
        Property("area_name", "string", "Name of the lowest area that holds it", "所属区域名称"),
        TIER,
        Property("surveyed", "boolean", "Surveyed; false: cut by the lattice", "实测网格；false：按格网切分"),
        AREA_KM2,
    ),
    key=("code",),
    geometry="multipolygon",
    layers=("cells", "areas"),
    sums=("area_km2",),
    kept=True,
    synthetic="cells",
)

ROADS = Collection(
    id="roads",
    title="Road segments",
    title_zh="道路路段",
    description="Road segments with name and class.",
    description_zh="道路路段及其名称与等级。",
    question="collection_roads",
    properties=(
        CODE,
        STREET_NAME,
        CLASS,
        Property("groups", "string", "Sets that it belongs to, space between", "所属路组（空格分隔）", nullable=True),
        LENGTH_M,
    ),
    key=("code",),
    geometry="multilinestring",
    layers=("roads",),
    sums=("length_m",),
    kept=True,
    synthetic="roads",
)

REPORTS = Collection(
    id="reports",
    title="Problem reports",
    title_zh="问题上报",
    description="Every stored report with its cell and its nearest road segment within 30 m.",
    description_zh="全部问题上报及其所在单元网格、30 米内最近路段。",
    question="collection_reports",
    properties=(
        Property("source", "string", "Who reported", "来源"),
        Property("source_kind", "string", "Kind of source", "来源类型", one_of=SOURCE_KINDS),
        Property("source_ref", "string", "Identity at the source", "来源编号"),
        Property("reported_at", "date-time", "When it was reported", "上报时间"),
        Property("day", "date", "Day in the city's time zone", "上报日期"),
        Property("category", "string", "Category, kind:code", "类别（kind:代码）"),
        Property("category_name", "string", "Category", "类别名称"),
        Property("category_name_en", "string", "Category in English", "类别英文名称"),
        Property("chaos", "string", "Which of the four chaoses", "四乱", one_of=CHAOSES, nullable=True),
        Property("cell_code", "string", "Grid cell", "单元网格代码", nullable=True),
        Property("segment_code", "string", "Road segment", "路段代码", nullable=True),
        Property("description", "string", "Description", "描述", nullable=True),
    ),
    hidden=(Property("source_id", "integer", "", ""), Property("id", "string", "", "")),
    key=("source_id", "source_ref"),
    feature_id="id",
    identify=_report_identity,
    geometry="point",
    layers=("reports", "categories", "cells", "roads"),
    time=("reported_at", "reported_at"),
    synthetic="reports",
)

COORDINATORS = Collection(
    id="coordinators",
    title="Coordinators",
    title_zh="协管员",
    description="Coordinators and the area they stand in. The point is some point inside that area, not where the "
    "person stands.",
    description_zh="协管员及其所在区域；点位为区域内任意一点，并非本人位置。",
    question="collection_coordinators",
    properties=(
        Property("ref", "string", "Reference", "编号"),
        NAME,
        Property("area_code", "string", "Code of the area", "区域代码"),
        Property("area_name", "string", "Name of the area", "区域名称"),
        TIER,
        Property("on_post_from", "date", "First day on post", "上岗日期", nullable=True),
        Property("on_post_until", "date", "Day after the last one on post", "离岗日期（不含）", nullable=True),
    ),
    key=("ref",),
    feature_id="ref",
    geometry="point",
    layers=("coordinators", "areas"),
    time=("on_post_from", "on_post_until"),
    synthetic="coordinators",
)

STAFFING_ROWS = Collection(
    id="staffing",
    title="Coordinators required and on post",
    title_zh="协管员配备",
    description="Demand by the 30 / 20 / 10 per km2 rule and supply, per street (or district) and tier.",
    description_zh="按每平方公里 30/20/10 人标准的配备需求与在岗人数，分街道（或区）与等级。",
    question="collection_staffing",
    properties=(
        CODE,
        NAME,
        _nullable(TIER),
        _nullable(AREA_KM2),
        Property("required", "integer", "Required", "应配", "persons", nullable=True),
        Property("on_post", "integer", "On post", "在岗", "persons"),
        Property("gap", "integer", "On post minus required", "缺口（在岗减应配）", "persons", nullable=True),
    ),
    hidden=(Property("id", "string", "", ""),),
    key=("id",),
    feature_id="id",
    geometry="multipolygon",
    layers=("coordinators", "cells", "areas", "policy"),
    parameters=STAFFING,
    bind=staffing_rows,
    daily=True,
    sums=("required", "on_post"),
    synthetic="coordinators",
)

DENSITY_CELLS = Collection(
    id="density-cells",
    title="Reports per km2: grid cells",
    title_zh="单元网格上报密度",
    description="Reports of a window per km2 of each grid cell.",
    description_zh="时段内各单元网格每平方公里上报数。",
    question="collection_density_cells",
    properties=(CODE, NAME, TIER, COUNT, AREA_KM2, PER_KM2, PER_KM2_PER_DAY),
    key=("code",),
    geometry="multipolygon",
    layers=("reports", "categories", "cells", "areas"),
    parameters=PERIOD,
    bind=density_of("cell"),
    sums=("count", "area_km2"),
    synthetic="reports",
)

DENSITY_ROADS = Collection(
    id="density-roads",
    title="Reports per km: road segments",
    title_zh="路段上报密度",
    description="Reports of a window per km of each road segment; a report counts at its nearest segment within 30 m.",
    description_zh="时段内各路段每公里上报数；每条上报计入 30 米内最近的路段。",
    question="collection_density_roads",
    properties=(CODE, STREET_NAME, CLASS, COUNT, LENGTH_M, PER_KM),
    key=("code",),
    geometry="multilinestring",
    layers=("reports", "categories", "roads"),
    parameters=PERIOD,
    bind=density_of("segment"),
    sums=("count", "length_m"),
    synthetic="reports",
)

COLLECTIONS: dict[str, Collection] = {
    one.id: one
    for one in (
        *map(_areas, AREA_LEVELS),
        CELLS,
        ROADS,
        REPORTS,
        CASES,
        LISTINGS,
        LISTING_GROUNDS,
        OPERATIONS,
        FACILITIES,
        MEASURES,
        COORDINATORS,
        STAFFING_ROWS,
        *map(_density_areas, AREA_LEVELS),
        DENSITY_CELLS,
        DENSITY_ROADS,
        HOT_SPOTS,
        COVERAGE,
        STANDINGS,
        DUST_POINTS,
    )
}
