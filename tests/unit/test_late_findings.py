"""What a last reading found: each was wrong once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely

from gis.errors import ParameterError
from gis.geometry.datum import parse_crs
from gis.readers.shapes import clean_shapes
from gis.report_files import Chunk, Reject
from gis.report_rejects import RejectsFile
from gis.report_rows import Judge, judge_rows
from gis.settings import settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("API_KEY", "sk-secret"), ("UPLOAD_LIMIT_MB", "sk-secret"), ("DATABASE_URL", "mysql://sk-secret")],
)
def test_a_setting_that_cannot_be_is_named_and_its_value_kept_back(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"FINEGRID_{name}", value)
    settings.cache_clear()
    with pytest.raises(ParameterError) as refused:
        settings()
    assert f"FINEGRID_{name}" in str(refused.value)
    assert "sk-secret" not in str(refused.value)


def test_a_repair_leaves_no_crumbs() -> None:
    square = [(113.6, 34.7), (113.61, 34.7), (113.61, 34.71), (113.6, 34.71)]
    # The border crosses itself and leaves a triangle of some square centimetres outside.
    bow = shapely.Polygon([*square[:3], (113.605, 34.71), (113.6050001, 34.7100001), (113.6050001, 34.71), square[3]])
    assert not bow.is_valid
    crumbs = shapely.get_parts(shapely.make_valid(bow, method="structure", keep_collapsed=False))
    assert len(crumbs) > 1
    shapes = clean_shapes(np.array([bow], dtype=object), "polygon", parse_crs("wgs84"), ["A"])
    assert len(shapes.repairs) == 1
    assert len(shapely.get_parts(shapes.geometry[0])) == 1


def test_a_rejects_file_of_an_earlier_import_goes_and_a_stranger_stays(tmp_path: Path) -> None:
    path = tmp_path / "r.csv.rejects.csv"
    with RejectsFile(path) as first:
        first.add([Reject(1, "no coordinate", "A,,")])
        first.keep()
    assert path.exists()
    with RejectsFile(path) as mended:
        mended.keep()
    assert not path.exists()
    path.write_text("my own notes\n")
    with RejectsFile(path) as mended:
        mended.keep()
    assert path.read_text() == "my own notes\n"


def test_a_kind_qualifies_names_too_and_may_be_empty() -> None:
    spellings = {"0505": 1, "event:0505": 1, "cars": 1, "event:cars": 1}
    judge = Judge("Asia/Shanghai", parse_crs("wgs84"), None, spellings, lambda _: 1, 1)
    rows = {
        "source_ref": ["a", "b", "c", "d"],
        "lon": ["113.6"] * 4,
        "lat": ["34.7"] * 4,
        "reported_at": ["2016-06-01"] * 4,
        "category": ["cars", "0505", "0505", "0505"],
        "category_kind": ["event", "event", "", "component"],
    }
    batch = pa.RecordBatch.from_pydict({name: pa.array(values) for name, values in rows.items()})
    verdict = judge_rows(Chunk(batch, np.arange(1, 5), {name: name for name in rows}), judge)
    assert verdict.good.category_id.tolist() == [1, 1, 1]
    assert [reject.row for reject in verdict.rejects] == [4]
