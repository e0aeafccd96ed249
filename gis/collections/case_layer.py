"""The collection of cases 案件."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gis.collections.declared import Collection, Property
from gis.store.schema import CHAOSES
from gis.store.schema_cases import STATES


def _case_number(feature_id: str) -> Mapping[str, Any] | None:
    return {"id": int(feature_id)} if re.fullmatch(r"[0-9]{1,18}", feature_id) else None


CASES = Collection(
    id="cases",
    title="Cases",
    title_zh="案件",
    description="Every case at the place of the report that opened it: where it stands in its life-cycle, who leads, "
    "until when. `due_at` is null while the clock stands: before filing, while suspended, after the end.",
    description_zh="全部案件，位于首个上报处：所处环节、主办部门、处置时限。"
    "计时停止时 due_at 为空（立案前、挂账、结案后）。",
    question="collection_cases",
    properties=(
        Property("id", "integer", "Number of the case", "案件编号"),
        Property("state", "string", "State", "环节", one_of=STATES),
        Property("category", "string", "Category, kind:code", "类别（kind:代码）"),
        Property("category_name", "string", "Category", "类别名称"),
        Property("chaos", "string", "Which of the four chaoses", "四乱", one_of=CHAOSES, nullable=True),
        Property("found_at", "date-time", "When it was found", "发现时间"),
        Property("day", "date", "Day on which it was found", "发现日期"),
        Property("cell_code", "string", "Grid cell", "单元网格代码", nullable=True),
        Property("segment_code", "string", "Road segment", "路段代码", nullable=True),
        Property("department", "string", "Code of the lead department", "主办部门代码", nullable=True),
        Property("department_name", "string", "Lead department", "主办部门", nullable=True),
        Property("due_at", "date-time", "When its time is up", "截止时间", nullable=True),
        Property("ended_at", "date-time", "When it was closed or voided", "办结时间", nullable=True),
        Property("on_time", "boolean", "Closed in time", "按时结案", nullable=True),
        Property("report_count", "integer", "Reports that it stands for", "上报数", "reports"),
        Property("reworks", "integer", "How often it was reworked", "返工次数"),
        Property("arrived_at", "date-time", "Responsible person on the spot", "责任人到场时间", nullable=True),
        Property("failed_at", "date-time", "Persuasion failed", "劝导无效时间", nullable=True),
        Property("enforced_at", "date-time", "Enforcement on the spot", "执法到场时间", nullable=True),
    ),
    key=("id",),
    feature_id="id",
    identify=_case_number,
    geometry="point",
    layers=("cases", "reports", "categories", "cells", "roads", "departments"),
    time=("found_at", "found_at"),
    sums=("report_count",),
    synthetic="cases",
)
