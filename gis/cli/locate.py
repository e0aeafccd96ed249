"""`finegrid locate`: which cell is at a coordinate."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
import orjson
import pandas as pd

from gis.cli.frame import json_option, open_engine
from gis.errors import FileError, NotFound, ParameterError
from gis.geometry.datum import parse_crs, to_wgs84
from gis.live import LiveGround
from gis.located import Located


@click.command("locate")
@click.argument("lon", type=float, required=False)
@click.argument("lat", type=float, required=False)
@click.option(
    "--datum", default="wgs84", show_default=True, help="What the coordinates mean: also cgcs2000, gcj02, bd09."
)
@click.option(
    "--file", type=click.Path(path_type=Path), help="Many points: CSV with columns lon and lat; answers as CSV."
)
@json_option
def locate_command(*, lon: float | None, lat: float | None, datum: str, file: Path | None, as_json: bool) -> None:
    r"""Say which cell is at a coordinate, who answers for it and which road is nearest.

    On a shared edge or corner it is the lowest code. Outside all cells the exit code is 1; in a file the fields stay
    empty.

    \b
    Examples:
      finegrid locate 113.6654 34.7578
      finegrid locate 113.6715 34.7566 --datum gcj02 --json
      finegrid locate --file points.csv > cells.csv

    A longitude west of Greenwich needs two dashes before it: finegrid locate -- -71.06 42.36
    """
    if (lon is None or lat is None) == (file is None):
        msg = "give LON and LAT, or --file"
        raise click.UsageError(msg)
    crs = parse_crs(datum)
    located = Located(LiveGround(open_engine()).checked())
    if file is None:
        x, y = to_wgs84(np.float64(lon or 0), np.float64(lat or 0), crs)
        if not (abs(x) <= 180 and abs(y) <= 90):
            msg = f"longitude {lon} and latitude {lat} are no place on earth in {crs.title}; perhaps they are swapped"
            raise ParameterError("LON LAT", msg)
        answer = located.one(float(x), float(y))
        if answer is None:
            msg = f"no cell covers longitude {float(x):.6f}, latitude {float(y):.6f} (WGS 84)"
            raise NotFound(msg)
        click.echo(
            answer.decode() if as_json else orjson.dumps(orjson.loads(answer), option=orjson.OPT_INDENT_2).decode()
        )
        return
    x, y = to_wgs84(*_read_points(file), crs)
    if as_json:
        sys.stdout.buffer.write(b'{"answers":' + located.many(x, y) + b"}\n")
    else:
        click.echo(located.table(x, y), nl=False)


def _read_points(file: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        points = pd.read_csv(file, usecols=["lon", "lat"], dtype=np.float64)
    except (OSError, ValueError) as problem:
        msg = f"{file}: a CSV file with numbers in columns lon and lat is right: {problem}"
        raise FileError(msg) from problem
    return points["lon"].to_numpy(), points["lat"].to_numpy()
