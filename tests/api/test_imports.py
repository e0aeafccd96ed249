"""POST /imports: a file over HTTP is the same as a file on the command line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import pytest
from click.testing import Result
from fastapi.testclient import TestClient

from gis.settings import settings
from tests.api.conftest import KEY
from tests.api.test_errors import check_problem
from tests.api.tiny import Tiny, bad_rows, fill, write_reports


def table(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def new_rows(facts: Tiny) -> list[dict[str, str]]:
    return [{**row, "id": f"X{row['id']}"} for row in facts.reports[:50]]


def send(client: TestClient, content: bytes, name: str = "reports.csv", key: str = KEY, **fields: object) -> object:
    data = {"source": "patrol", "crs": "wgs84", "map": "reported_at=time", **fields}
    data = {name: value for name, value in data.items() if value is not None}
    return client.post("/imports", files={"file": (name, content)}, data=data, headers={"X-API-Key": key})


@pytest.mark.usefixtures("key")
def test_the_summary_is_that_of_the_command_line(
    own_client: TestClient,
    facts: Tiny,
    tmp_path: Path,
    finegrid: Callable[..., Result],
    engine: object,
) -> None:
    rows = [*new_rows(facts), *bad_rows(facts)[:4], facts.reports[0]]
    answer = send(own_client, table(rows), name="day.csv")
    assert answer.status_code == 201
    found = answer.json()
    with engine.begin() as conn:
        fill(conn, facts)
    path = write_reports(tmp_path / "day.csv", rows)
    told = finegrid(
        "import", "reports", path, "--source", "patrol", "--crs", "wgs84", "--map", "reported_at=time",
        "--rejects", tmp_path / "rejects.csv", "--json",
    )  # fmt: skip
    spoken = json.loads(told.stdout)
    assert list(found) == list(spoken)
    same = ("read", "rejected", "no_position", "shared_positions", "first_rejects")
    assert {name: found[name] for name in same} == {name: spoken[name] for name in same}
    # On the command line the last row is new, over HTTP the tiny city has it already.
    assert (found["accepted"], found["duplicate"]) == (spoken["accepted"] - 1, 1) == (50, 1)
    assert found["rejects_file"] == f"/imports/{found['import_id']}/rejects"
    assert answer.headers["location"] == f"/imports/{found['import_id']}"
    fetched = own_client.get(found["rejects_file"])
    assert fetched.headers["content-type"] == "text/csv; charset=utf-8"
    assert fetched.content.replace(b"\r\n", b"\n") == (tmp_path / "rejects.csv").read_bytes().replace(b"\r\n", b"\n")


@pytest.mark.usefixtures("key")
def test_sending_a_file_again_counts_nothing_twice(own_client: TestClient, facts: Tiny) -> None:
    content = gzip.compress(table(new_rows(facts)))
    first = send(own_client, content, name="reports.csv.gz").json()
    again = send(own_client, content, name="reports.csv.gz").json()
    assert (first["accepted"], first["duplicate"]) == (50, 0)
    assert (again["accepted"], again["duplicate"]) == (0, 50)
    assert own_client.get("/reconciliation").json()["adds_up"]
    listed = own_client.get("/imports", params={"limit": 2}).json()
    assert [row["import_id"] for row in listed["rows"]] == [again["import_id"], first["import_id"]]
    assert [row["file_name"] for row in listed["rows"]] == ["reports.csv.gz"] * 2
    older = own_client.get(listed["next"]).json()
    assert [row["read"] for row in older["rows"]] == [506]
    assert "next" not in older


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "mapping",
    [
        ["reported_at=time", "source_ref=id"],
        ['{"reported_at": "time", "source_ref": "id"}'],
        ['{"reported_at": "time"}', "source_ref=id"],
    ],
)
def test_forms_of_map(own_client: TestClient, facts: Tiny, mapping: list[str]) -> None:
    assert send(own_client, table(new_rows(facts)), map=mapping).json()["accepted"] == 50


@pytest.mark.usefixtures("key")
def test_other_formats_and_encodings(own_client: TestClient, facts: Tiny, tmp_path: Path) -> None:
    rows = new_rows(facts)
    gb = send(own_client, table(rows).decode().encode("gb18030"), encoding="gb18030")
    assert gb.json()["accepted"] == 50
    frame = geopandas.GeoDataFrame(
        [{**row, "id": f"G{row['id']}"} for row in rows],
        geometry=geopandas.points_from_xy([float(row["lon"]) for row in rows], [float(row["lat"]) for row in rows]),
        crs=4326,
    )
    for suffix, driver in ((".gpkg", "GPKG"), (".fgb", "FlatGeobuf")):
        frame["id"] += suffix
        frame.to_file(tmp_path / f"r{suffix}", driver=driver)
        answer = send(own_client, (tmp_path / f"r{suffix}").read_bytes(), name=f"r{suffix}", crs=None)
        assert answer.json().get("accepted") == 50, answer.text
    semicolons = table([{**row, "id": f"S{row['id']}"} for row in rows]).replace(b",", b";")
    assert send(own_client, semicolons, delimiter=";").json()["accepted"] == 50


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("fields", "parameter", "taught"),
    [
        ({"source": None}, "source", "missing"),
        ({"source": ["patrol", "citizen"]}, "source", "twice"),
        ({"source": "newcomer"}, "source_kind", "what kind"),
        ({"source": "newcomer", "source_kind": "nobody"}, "source_kind", "is not one of"),
        ({"crs": None}, None, "gcj02"),
        ({"crs": "mars"}, None, "not known"),
        ({"map": "time"}, "map", "field=column"),
        ({"map": "{"}, "map", "JSON"),
        ({"map": '{"lon": 7}'}, "map", "field=column"),
        ({"map": ["lon=a", "lon=b"]}, "map", "twice"),
        ({"map": "colour=id"}, None, "no field colour"),
        ({"map": "lon=nothing"}, None, "no column"),
        ({"map": "reported_at=none"}, None, "no column none (for reported_at)"),
        ({"encoding": "klingon"}, "encoding", "utf-8"),
        ({"encoding": "hex"}, "encoding", "utf-8"),
        ({"encoding": "utf-16"}, None, ""),
        ({"delimiter": ";;"}, "delimiter", "one character"),
        ({"delimiter": "\n"}, "delimiter", "one character"),
        ({"keep_unlocated": "maybe"}, "keep_unlocated", "true or false"),
        ({"colour": "red"}, "colour", "no such field"),
        ({"source": "pat\0rol"}, "source", "null"),
    ],
)
def test_what_is_wrong_with_a_form(
    client: TestClient, facts: Tiny, fields: dict, parameter: str | None, taught: str
) -> None:
    before = client.get("/reconciliation").json()
    found = check_problem(send(client, table(facts.reports[:3]), **fields), 400)
    assert found.get("parameter") == parameter
    assert taught in found["detail"]
    assert "/tmp" not in found["detail"]
    assert client.get("/reconciliation").json() == before


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("reports.exe", b"x"),
        ("reports", b"x"),
        ("", b"x"),
        ("reports.csv", b""),
        ("reports.csv", b"\xff\xfe\x00"),
        ("reports.csv", b"a,b\n1,2\n"),
        ("reports.csv.gz", b"not gzip"),
        ("reports.csv.gz", b"\x1f\x8b broken"),
        ("reports.csv.gz", gzip.compress(b"id,lon,lat,time,category\n" * 10, mtime=0)[:-6]),
        ("reports.parquet", b"PAR1 broken PAR1"),
        ("reports.gpkg", b"SQLite format 3\0 broken"),
        ("reports.gpkg", b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>"),
        ("reports.geojson", b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>"),
        ("reports.geojson", b"{}"),
        ("reports.geojson", b'{"type": "FeatureCollection", "features": ['),
        ("reports.fgb", b"fgb broken"),
    ],
)
def test_files_that_are_none(client: TestClient, name: str, content: bytes) -> None:
    found = check_problem(send(client, content, name=name), 400)
    assert "/tmp" not in found["detail"]


@pytest.mark.usefixtures("key")
def test_no_form_at_all(client: TestClient) -> None:
    headers = {"X-API-Key": KEY}
    check_problem(client.post("/imports", headers=headers), 400)
    check_problem(client.post("/imports", headers=headers, json={"file": "x"}), 400)
    check_problem(client.post("/imports", headers=headers, data={"source": "patrol"}), 400)
    form = {**headers, "Content-Type": "multipart/form-data"}
    check_problem(client.post("/imports", headers=form, content=b"x"), 400)
    form = {**headers, "Content-Type": "multipart/form-data; boundary=b"}
    check_problem(client.post("/imports", headers=form, content=b"--b\r\nbroken"), 400)
    check_problem(client.post("/imports", headers=headers, files={"other": ("a.csv", b"x")}), 400)


def test_too_large_is_413(client: TestClient, key: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINEGRID_UPLOAD_LIMIT_MB", "1")
    settings.cache_clear()
    big = b"id,lon,lat,time,category\n" + b"x" * (2 << 20)
    assert "1048576" in check_problem(send(client, big), 413)["detail"]
    # Declared as too long: refused before anything is read.
    check_problem(client.post("/imports", headers={**key, "Content-Type": "multipart/form-data; boundary=b"},
                              content=b"x" * (9 << 20)), 413)  # fmt: skip
