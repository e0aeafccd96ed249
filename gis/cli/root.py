"""The tree of commands."""

from __future__ import annotations

import click

from gis.cli.answers import density_command, roads_group
from gis.cli.bulletin import bulletin_command
from gis.cli.calendar import calendar_group
from gis.cli.case_answers import indicators_command, response_group
from gis.cli.cases import cases_group
from gis.cli.city import city_group
from gis.cli.database import database_group
from gis.cli.draws import draw_group
from gis.cli.dust import points_command, results_command
from gis.cli.dust import roads_command as weighed_roads_command
from gis.cli.duty import duty_group
from gis.cli.evidence import media_command, satisfaction_command, series_command
from gis.cli.exports import export_command
from gis.cli.frame import Frame
from gis.cli.goal import goal_command
from gis.cli.grid import grid_group
from gis.cli.hot_spots import hot_spots_command
from gis.cli.listings import listings_group
from gis.cli.load_evidence import load_group
from gis.cli.locate import locate_command
from gis.cli.lookups import imports_command, reports_command
from gis.cli.maps import map_group
from gis.cli.measures import facilities_group, measures_group
from gis.cli.open311 import open311_group
from gis.cli.operations import operations_group
from gis.cli.policy import policy_group
from gis.cli.reports import import_group, reconcile_command, verify_command
from gis.cli.serve import serve_command
from gis.cli.staffing import staffing_group
from gis.cli.standings import standings_group
from gis.cli.surveys import coverage_command, import_patrols_command
from gis.cli.webhooks import webhooks_group


@click.group(cls=Frame, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="finegrid", prog_name="finegrid")
def main() -> None:
    r"""A city's problem reports on its grid cells and roads, 城市精细化网格管理.

    \b
    A first run with your own city:
      finegrid city define city.toml
      finegrid load areas areas.geojson --crs cgcs2000
      finegrid grid make --size 100 --within community
      finegrid load roads roads.gpkg
      finegrid load categories categories.csv
      finegrid import reports reports.csv --source patrol --crs gcj02
      finegrid serve
    """


main.add_command(database_group)
main.add_command(city_group)
main.add_command(load_group)
main.add_command(grid_group)
main.add_command(import_group)
main.add_command(reconcile_command)
main.add_command(verify_command)
main.add_command(density_command)
main.add_command(roads_group)
main.add_command(goal_command)
main.add_command(hot_spots_command)
main.add_command(staffing_group)
main.add_command(policy_group)
main.add_command(duty_group)
main.add_command(operations_group)
main.add_command(coverage_command)
import_group.add_command(import_patrols_command)
main.add_command(cases_group)
main.add_command(listings_group)
main.add_command(standings_group)
main.add_command(bulletin_command)
main.add_command(draw_group)
for command in (points_command, weighed_roads_command, results_command):
    draw_group.add_command(command)
main.add_command(media_command)
main.add_command(satisfaction_command)
main.add_command(series_command)
main.add_command(measures_group)
main.add_command(facilities_group)
main.add_command(calendar_group)
main.add_command(indicators_command)
main.add_command(response_group)
main.add_command(export_command)
main.add_command(map_group)
main.add_command(open311_group)
main.add_command(serve_command)
main.add_command(locate_command)
main.add_command(imports_command)
main.add_command(reports_command)
main.add_command(webhooks_group)


def _keep_lines(command: click.Command) -> None:
    """Turn the backslash-b of raw docstrings into the mark by which click keeps the lines of a paragraph."""
    command.help = (command.help or "").replace("\\b", "\b")
    for inner in getattr(command, "commands", {}).values():
        _keep_lines(inner)


_keep_lines(main)
