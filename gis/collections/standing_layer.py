"""The collection of published standings 排名: a feature per street or district and period."""

from __future__ import annotations

from gis.collections.declared import Collection, Property
from gis.store.schema_standings import LEVELS

STANDINGS = Collection(
    id="standings",
    title="Standings of streets and districts",
    title_zh="街道与区县排名",
    description="Published standings, the newest revision of each period: points of deductions per km2, fewer is "
    "better. Provisional ones move no money.",
    description_zh="已发布的排名（每期最新版本）：每平方公里扣分，越少越好；覆盖率不足者排名待定，不奖不罚。",
    question="collection_standings",
    properties=(
        Property("id", "string", "Period and code", "期次与代码"),
        Property("period", "string", "Ten-day period or month", "旬或月"),
        Property("level", "string", "What is ranked", "排名对象", one_of=LEVELS),
        Property("revision", "integer", "Revision", "版次"),
        Property("first_day", "date", "First day", "首日"),
        Property("after_day", "date", "Day after the last one", "末日次日"),
        Property("rank", "integer", "Rank, 1 is the best", "名次", nullable=True),
        Property("code", "string", "Code", "代码"),
        Property("name", "string", "Name when it was published", "名称"),
        Property("deduction", "number", "Points of deductions", "扣分", "points"),
        Property("area_km2", "number", "Responsible area", "责任面积", "km2"),
        Property("density", "number", "Points per km2; of a month per km2 and day", "每平方公里扣分", nullable=True),
        Property("score", "number", "Display score", "得分", "points", nullable=True),
        Property("problems", "integer", "Problems deducted", "扣分问题数", "problems"),
        Property("coverage", "number", "Surveyed share of the roads", "道路普查覆盖率", "1", nullable=True),
        Property("provisional", "boolean", "The survey fell short: no money moves", "排名待定"),
        Property("reward_yuan", "integer", "Reward; negative: penalty", "奖励（负为处罚）", "yuan"),
        Property("rank_low", "integer", "Best rank that is possible", "可能的最好名次", nullable=True),
        Property("rank_high", "integer", "Worst rank that is possible", "可能的最差名次", nullable=True),
        Property("apart", "boolean", "Can be told apart from its neighbours", "与相邻名次有显著差别", nullable=True),
    ),
    key=("period", "code"),
    feature_id="id",
    geometry="multipolygon",
    layers=("standings", "areas"),
    time=("first_day", "after_day"),
    sums=("deduction", "area_km2", "problems", "reward_yuan"),
    synthetic="reports",
)
