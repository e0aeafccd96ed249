"""`finegrid load media`, `satisfaction`, `facilities` and `measures`: evidence, file by file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gis.cli.frame import city_transaction, parse_mapping
from gis.cli.load import file_options, load_group, shape_options, show_summary
from gis.facilities import load_facilities
from gis.measures import load_measures
from gis.media import load_media
from gis.satisfaction import load_satisfaction

__all__ = ["load_group"]


@load_group.command("media")
@file_options
def load_media_command(file: Path, pairs: tuple[str, ...], *, encoding: str | None, as_json: bool) -> None:
    """Load media reports 媒体报道: praise, and exposures 媒体曝光 that deduct once per incident.

    \b
    Fields:
      ref            of the media report; one that is stored already becomes what the file says
      day            on which it was printed, 2016-06-01
      outlet, title  url may be absent
      tone           positive or exposure
      incident       of an exposure: your own code, shared by all reports of the same incident
      area_code      street or district; may be empty, then that of the linked report
      category       code or name of the dictionary; may be empty
      source, source_ref
                     the stored report of the same problem; may be empty

    \b
    Example:
      finegrid load media media.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_media(conn, file, parse_mapping(pairs), encoding=encoding)
    show_summary(summary, as_json=as_json)


@load_group.command("satisfaction")
@file_options
def load_satisfaction_command(file: Path, pairs: tuple[str, ...], *, encoding: str | None, as_json: bool) -> None:
    """Load results of satisfaction surveys 满意度调查.

    \b
    Fields:
      survey         name or code; with day and area_code it identifies the result
      day            the last day on which people were asked, 2016-06-01
      area_code      may be empty: the whole city
      respondents    how many answered
      satisfied_share
                     of the respondents, 0 to 1; may be empty where there is a score
      score          mean, 0 to 100; may be empty where there is a share

    \b
    Example:
      finegrid load satisfaction survey.csv
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_satisfaction(conn, file, parse_mapping(pairs), encoding=encoding)
    show_summary(summary, as_json=as_json)


@load_group.command("facilities")
@shape_options
def load_facilities_command(
    file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any
) -> None:
    """Load facilities 设施: parking places with their spaces, public toilets, ...

    \b
    Fields:
      code           one that is stored already becomes what the file says
      kind           your own code, e.g. parking_place, public_toilet
      name
      valid_from     first day there
      valid_to       first day no longer there; empty: it is there
      capacity       spaces, seats, ...; may be empty
      area_code      may be empty: the lowest area that covers it
    Points or polygons. Where a facility is extended, end it and add another one, so that growth is dated.

    \b
    Example:
      finegrid load facilities facilities.geojson --crs wgs84
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_facilities(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)


@load_group.command("measures")
@shape_options
def load_measures_command(
    file: Path, crs: str | None, pairs: tuple[str, ...], *, as_json: bool, **options: Any
) -> None:
    """Load engineering measures 工程措施: barriers, bollards, pocket greens, parking spaces, ...

    \b
    Fields:
      ref            one that is stored already becomes what the file says
      kind           your own code, e.g. barrier, pocket_green
      name
      valid_from     first day in place
      valid_to       first day no longer in place; empty: it is there
      begun          first day of the works; empty: the day it was in place
      cost_yuan      whole yuan; may be empty
    Points, lines or polygons.

    \b
    Example:
      finegrid load measures measures.geojson --crs wgs84
    """  # noqa: D301 - click wants the character itself
    with city_transaction() as conn:
        summary = load_measures(conn, file, crs, parse_mapping(pairs), **options)
    show_summary(summary, as_json=as_json)
