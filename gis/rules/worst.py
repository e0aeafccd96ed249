"""How the worst segments and spots of a period are found, in words; it is stored with what it found (clause 9)."""

from __future__ import annotations

from gis.rules.policy import Policy

SOURCE_KINDS = ("patrol", "supervision_centre", "citizen", "media", "leader_note", "sensor")
CHAOSES = ("parking", "trading", "rubbish", "posters", "other")


def rule_text(policy: Policy) -> str:
    """The rule with the numbers of a policy."""
    by_source = ", ".join(f"{kind} {getattr(policy, f'source_weight_{kind}')} %" for kind in SOURCE_KINDS)
    by_chaos = ", ".join(f"{chaos} {getattr(policy, f'problem_weight_{chaos}')} %" for chaos in CHAOSES)
    segment, reach = f"{policy.listing_segment_m:g} m", f"{policy.spot_reach_m:g} m"
    return (
        f"A report weighs by its source ({by_source}) times by its chaos ({by_chaos}). Reports on coordinates flagged"
        " as shared by too many do not count and are shown apart. Segments: summed weights per km of the reports of"
        f" which it is the nearest within {policy.segment_reach_m:g} m; only segments of at least {segment} with at"
        f" least {policy.listing_segment_reports} reports; compared to three decimals, ties to the lowest code. Spots:"
        f" clusters by DBSCAN of reports within {reach}, at least {policy.spot_reports}; a cluster that does not fit"
        f" into a circle {policy.spot_width_m:g} m across is taken apart by asking for half as many neighbours again,"
        " until its parts fit or nothing would be left; by summed weights, ties to more reports, then to the lower x,"
        f" then y. The worst {policy.listing_count} of each are named."
    )
