"""Every number of the rule book, dated, each with unit, clause and mark (rule, found or default).

A rule receives a `Policy`; none imports a number. `POLICIES` is the history, newest last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any


def _number(value: Any, unit: str, clause: str, mark: str, meaning: str) -> Any:
    return field(default=value, metadata={"unit": unit, "clause": clause, "mark": mark, "meaning": meaning})


@dataclass(frozen=True)
class Policy:
    """The numbers that hold from `effective` on."""

    effective: date
    coordinators_key_per_km2: int = _number(30, "persons/km2", "11", "rule", "coordinators a key area needs at least")
    coordinators_secondary_per_km2: int = _number(
        20, "persons/km2", "11", "rule", "coordinators a secondary area needs at least"
    )
    coordinators_general_per_km2: int = _number(
        10, "persons/km2", "11", "rule", "coordinators a general area needs at least"
    )
    posting_move_gain: float = _number(
        0.1, "1", "11", "default", "a proposal moves a person only to where so much more work per person waits"
    )
    segment_reach_m: float = _number(
        30.0, "m", "3", "default", "a report belongs to its nearest road segment within this distance"
    )
    segment_tie_m: float = _number(
        0.001, "m", "3", "default", "distances that differ by less are a tie; the lowest code wins"
    )
    cell_size_m: float = _number(100.0, "m", "1", "found", "side of a lattice cell, 10,000 m2")
    shared_position_reports: int = _number(
        100, "reports", "3", "default", "a coordinate with at least so many reports is suspicious"
    )
    shared_position_share: float = _number(
        0.001, "1", "3", "default", "and with at least this share of the reports that were looked at"
    )
    response_limit_s: int = _number(
        600, "s", "7", "rule", "each of the two steps of double ten, the last second included"
    )
    case_limit_work_days: int = _number(
        3, "work days", "8", "default", "how long a case may take whose category has no limit of its own"
    )
    office_hours: str = _number(
        "08:30-12:00,13:30-18:00", "local time", "8", "default", "when work hours run on a work day"
    )
    merge_reach_m: float = _number(
        50.0,
        "m",
        "8",
        "default",
        "a report of the same category and ten-day period within this distance is a duplicate",
    )
    goal_reduction: float = _number(
        0.8, "1", "2", "rule", "share by which the four chaoses have to fall against the base period"
    )
    goal_confidence: float = _number(
        0.95, "1", "2", "default", "of the interval by which it is said whether the goal is reached"
    )
    listing_count: int = _number(10, "places", "9", "default", "worst segments, and worst spots, named each period")
    listing_segment_m: float = _number(
        50.0, "m", "9", "default", "a shorter segment is not ranked: two reports on a stub would top every list"
    )
    listing_segment_reports: int = _number(
        3, "reports", "9", "default", "a segment with fewer reports in the period is not ranked"
    )
    spot_reach_m: float = _number(50.0, "m", "9", "default", "reports within this distance are of one spot")
    spot_reports: int = _number(
        5, "reports", "9", "default", "a spot begins where so many reports are within reach, itself included"
    )
    spot_width_m: float = _number(
        300.0, "m", "9", "default", "a cluster that does not fit into a circle so wide is taken apart"
    )
    hotspot_reach_m: float = _number(
        250.0,
        "m",
        "9",
        "default",
        "cells whose centres are not further apart are neighbours, where hot spots are tested",
    )
    hotspot_gap_m: float = _number(
        1.0, "m", "9", "default", "areas not further apart touch each other, where hot spots are tested"
    )
    hotspot_least_m2: float = _number(
        1000.0, "m2", "9", "default", "a smaller cell is not tested: one report would be hundreds per km2"
    )
    hotspot_permutations: int = _number(
        999, "permutations", "9", "default", "least random arrangements that a hot spot is judged by"
    )
    hotspot_fdr: float = _number(
        0.05, "1", "9", "default", "share of false ones that is tolerated among places called hot or cold"
    )
    listing_days: int = _number(10, "days", "9", "default", "to rectify a listed place, the day of listing not counted")
    hold_days: int = _number(
        10,
        "days",
        "9",
        "default",
        "without a new problem until a verified place is delisted, the first day not counted",
    )
    overdue_points_per_day: int = _number(1, "points/day", "9", "default", "deducted for each day after the deadline")
    source_weight_patrol: int = _number(100, "%", "9", "default", "what a patrol's report weighs")
    source_weight_supervision_centre: int = _number(
        100, "%", "9", "default", "what the supervision centre's report weighs"
    )
    source_weight_citizen: int = _number(100, "%", "9", "default", "what a citizen's report weighs")
    source_weight_media: int = _number(200, "%", "9", "default", "what a report from the media weighs")
    source_weight_leader_note: int = _number(200, "%", "9", "default", "what a leader's note weighs")
    source_weight_sensor: int = _number(50, "%", "9", "default", "what a sensor's report weighs")
    problem_weight_parking: int = _number(100, "%", "9", "default", "what chaotic parking weighs")
    problem_weight_trading: int = _number(100, "%", "9", "default", "what chaotic trading weighs")
    problem_weight_rubbish: int = _number(100, "%", "9", "default", "what rubbish piled up weighs")
    problem_weight_posters: int = _number(100, "%", "9", "default", "what small advertisements weigh")
    problem_weight_other: int = _number(
        50, "%", "9", "default", "what a problem weighs that is none of the four chaoses"
    )
    coverage_needed: float = _number(
        0.95, "1", "5", "default", "share of the road length that must be surveyed; below, a standing is provisional"
    )
    surveyed_share: float = _number(
        0.8, "1", "9", "default", "from this share of its length on, a segment counts as surveyed"
    )
    survey_reach_m: float = _number(
        20.0, "m", "9", "default", "a patrol follows, and sees ahead of itself, a segment within this distance"
    )
    survey_heading_deg: float = _number(
        45.0, "deg", "9", "default", "a track follows a segment where the angle between them is not larger"
    )
    survey_gap_s: float = _number(60.0, "s", "9", "default", "fixes of a track further apart in time are not joined")
    survey_gap_m: float = _number(150.0, "m", "9", "default", "fixes of a track further apart in space are not joined")
    survey_least_m: float = _number(
        20.0, "m", "9", "default", "a shorter stretch along a segment is a turn or a crossing, unless half the segment"
    )
    media_memory_days: int = _number(
        90, "days", "6", "default", "reports of an incident so soon after the one that counted are the same exposure"
    )
    effect_confidence: float = _number(
        0.95, "1", "12", "default", "how sure the intervals of effects and of survey results are"
    )
    effect_match_periods: int = _number(
        6, "periods", "12", "default", "by whose level and trend places are found that are alike: the earliest part"
    )
    effect_baseline_periods: int = _number(
        6, "periods", "12", "default", "with which the time after a measure is compared, between the parts beside it"
    )
    effect_choice_periods: int = _number(
        3, "periods", "12", "default", "just before, by which the place was chosen: in neither side of the comparison"
    )
    effect_after_periods: int = _number(6, "periods", "12", "default", "after a measure that are looked at, at most")
    effect_after_least: int = _number(3, "periods", "12", "default", "after a measure that are needed")
    effect_known_share: float = _number(
        0.1, "1", "12", "default", "a period with less than this share of the usual reports is taken as not known"
    )
    effect_ring_m: float = _number(
        200.0, "m", "12", "default", "around a measure, to where problems may have moved; no place there is compared"
    )
    effect_matches: int = _number(12, "places", "12", "default", "that a treated place is compared with, at most")
    effect_least_matches: int = _number(5, "places", "12", "default", "that it must be compared with")
    effect_level_factor: float = _number(
        3.0, "times", "12", "default", "that the level of a compared place may be higher or lower"
    )
    effect_least_reports: int = _number(
        20, "reports", "12", "default", "in the matching part of a treated place, below which nothing is said"
    )
    effect_placebos: int = _number(
        300, "places", "12", "default", "treated as if, to see how far estimates stray by themselves"
    )
    effect_least_placebos: int = _number(60, "places", "12", "default", "that must be found for it")
    problem_points_parking: int = _number(100, "1/1000 point", "5", "found", "what chaotic parking deducts at first")
    problem_points_trading: int = _number(100, "1/1000 point", "5", "found", "what chaotic trading deducts at first")
    problem_points_rubbish: int = _number(100, "1/1000 point", "5", "found", "what rubbish piled up deducts at first")
    problem_points_posters: int = _number(
        100, "1/1000 point", "5", "found", "what a small advertisement deducts at first"
    )
    problem_points_other: int = _number(
        50, "1/1000 point", "5", "default", "what a problem deducts at first that is none of the four chaoses"
    )
    source_share_patrol: int = _number(100, "%", "5", "default", "of these points where a patrol found the problem")
    source_share_supervision_centre: int = _number(100, "%", "5", "default", "where the supervision centre found it")
    source_share_citizen: int = _number(100, "%", "5", "default", "where a citizen found it")
    source_share_media: int = _number(100, "%", "5", "default", "where the media found it, before media_multiplier")
    source_share_leader_note: int = _number(100, "%", "5", "default", "where a leader's note names it")
    source_share_sensor: int = _number(50, "%", "5", "default", "where a sensor found it")
    repeat_second: int = _number(3, "times", "6", "default", "a problem noticed in a second period in a row deducts")
    repeat_third: int = _number(6, "times", "6", "default", "and in a third one")
    repeat_further: int = _number(3, "times", "6", "default", "more in each further period")
    repeat_most: int = _number(12, "times", "6", "default", "at most")
    repeat_reach_m: float = _number(
        50.0, "m", "6", "default", "off the roads: the same problem as in the period before, within this distance"
    )
    repeat_periods_back: int = _number(
        6, "periods", "6", "default", "how far back repeats are followed where nothing was published before"
    )
    media_multiplier: int = _number(2, "times", "6", "default", "what the media exposed deducts")
    late_points: int = _number(100, "1/1000 point", "7", "default", "a step of double ten that came late deducts")
    missing_points: int = _number(200, "1/1000 point", "7", "default", "and one that did not come at all")
    judged_after_h: int = _number(
        24, "h", "7", "default", "after the end of a period its steps are judged and its standing may be published"
    )
    governance_needed: int = _number(
        90, "%", "8", "default", "law-based governance rate below which points are deducted"
    )
    governance_points: int = _number(
        100, "1/1000 point", "8", "default", "for each percentage point, or part of one, that the rate lacks"
    )
    governance_cases: int = _number(
        10, "cases", "8", "default", "that needed enforcement must there be at least: one case alone is no rate"
    )
    score_factor: int = _number(1, "points", "5", "default", "off the display score for each point per km2")
    score_days: int = _number(
        10, "days", "5", "default", "for which a month's density per km2 and day is shown as a score"
    )
    street_places: int = _number(10, "streets", "5", "rule", "rewarded, and as many penalised")
    street_first_yuan: int = _number(200_000, "yuan", "5", "rule", "for the first street, and off the last one")
    street_step_yuan: int = _number(20_000, "yuan", "5", "default", "less for each further place")
    district_places: int = _number(3, "districts", "5", "rule", "rewarded, and as many penalised")
    district_first_yuan: int = _number(1_500_000, "yuan", "5", "rule", "for the first district, and off the last one")
    district_step_yuan: int = _number(500_000, "yuan", "5", "default", "less for each further place")
    quotas: str = _number(
        "pooled",
        "places",
        "5",
        "default",
        "pooled, or places at each end for key, secondary, general streets, e.g. 5,3,2",
    )
    rank_confidence: float = _number(
        0.95, "1", "5", "default", "of a comparison of two places, when it is asked how sure a rank is"
    )
    serious_run: int = _number(
        3, "periods", "5", "default", "in a row at the bottom are flagged as serious, for people to decide"
    )
    dust_roads_per_period: int = _number(
        75,
        "roads",
        "10",
        "default",
        "drawn for a ten-day period: a month's 225 are about the 230 that a city was found to draw, a period's 375 "
        "points eight work days of four teams",
    )
    dust_points_per_road: int = _number(5, "points", "10", "rule", "weighing points on each drawn road")
    dust_points_needed: int = _number(
        3, "points", "10", "default", "a road with fewer results has no value and costs nothing"
    )
    dust_limit_ring_g_per_m2: float = _number(5.0, "g/m2", "10", "default", "dust that a ring road may have")
    dust_limit_trunk_g_per_m2: float = _number(5.0, "g/m2", "10", "default", "dust that a trunk road may have")
    dust_limit_main_g_per_m2: float = _number(8.0, "g/m2", "10", "default", "dust that a main road may have")
    dust_limit_branch_g_per_m2: float = _number(10.0, "g/m2", "10", "default", "dust that a branch road may have")
    dust_limit_back_street_g_per_m2: float = _number(20.0, "g/m2", "10", "default", "dust that a back street may have")
    dust_started_gram_points: int = _number(
        500, "1/1000 point", "10", "default", "for each started gram per m2 over the limit"
    )
    dust_most_points: int = _number(5000, "1/1000 point", "10", "default", "for one road at most")
    dust_silt_load_g_per_m2: float = _number(
        0.8,
        "g/m2",
        "10",
        "found",
        "a file of ten or more results whose median is not above this is taken for silt load and refused",
    )

    def coordinators_per_km2(self, tier: str) -> int:
        """Coordinators per km2 that a tier needs (clause 11)."""
        return {
            "key": self.coordinators_key_per_km2,
            "secondary": self.coordinators_secondary_per_km2,
            "general": self.coordinators_general_per_km2,
        }[tier]

    def problem_weight(self, source_kind: str, chaos: str | None) -> int:
        """Weight of one report in ten-thousandths, by source times by chaos; 0: it does not count (clause 9)."""
        by_source: int = getattr(self, f"source_weight_{source_kind}")
        by_problem: int = getattr(self, f"problem_weight_{chaos or 'other'}")
        return by_source * by_problem


POLICIES = (Policy(effective=date(2015, 1, 1)),)


def policy_on(day: date, policies: Sequence[Policy] | None = None) -> Policy:
    """The policy that holds on a day; the oldest one for days before all.

    Parameters
    ----------
    day
        In the city's time zone.
    policies
        Oldest first; None: the rule book's own. A city may override numbers: `gis.policies.city_policy` knows them.
    """
    known = POLICIES if policies is None else policies
    holding = [policy for policy in known if policy.effective <= day]
    return holding[-1] if holding else known[0]


def policy_numbers(policy: Policy) -> list[dict[str, Any]]:
    """Each number with name, value, unit, clause, mark and meaning, in the order of the class."""
    return [
        {"name": entry.name, "value": getattr(policy, entry.name), **entry.metadata}
        for entry in fields(policy)
        if entry.metadata
    ]
