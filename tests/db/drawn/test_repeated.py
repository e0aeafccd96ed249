"""A dust draw is repeated by anybody, and changed by nobody."""

from __future__ import annotations

import copy
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from gis.draw_file import commitment_sha256, faults_of, read_draw_file, sha256
from gis.draw_reads import frame_text, published, read_draw, verify_draw
from gis.draws import reveal_draw
from gis.encoding import to_json
from gis.errors import FileError
from tests.drawing import BEGUN, PERIOD, SEED, as_file, drawn, made

SCRIPT = Path(__file__).parents[3] / "docs/repeat_draw.py"


def repeat(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as anybody would: isolated, so without any package, not even this one."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=path.parent)


@pytest.mark.parametrize("roads_drawn", [1, 3, 20, 43, 44, 60])
def test_the_script_repeats_a_draw(roads: Connection, tmp_path: Path, roads_drawn: int) -> None:
    made(roads, roads=roads_drawn, public_source="lottery")
    reveal_draw(roads, PERIOD, SEED, "office", BEGUN, public_value="42")
    path = tmp_path / "draw.json"
    path.write_bytes(to_json(published(roads, PERIOD)))
    assert faults_of(read_draw_file(path)) == []
    done = repeat(path)
    assert (done.stdout, done.stderr, done.returncode) == (
        "frame: equal\nseed: equal\ncommitment: equal\nroads and points: equal\n",
        "",
        0,
    )


def test_the_script_is_short_and_needs_only_the_standard_library() -> None:
    lines = [line for line in SCRIPT.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) < 50
    names = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert names <= set(sys.stdlib_module_names)
    assert "random" not in names


TAMPERINGS: dict[str, tuple[Callable[[dict], None], str, str]] = {
    "frame": (
        lambda doc: doc.update(frame=doc["frame"].replace('"branch"', '"main"', 1)),
        "the frame is another",
        "frame: NOT EQUAL",
    ),
    "seed": (lambda doc: doc.update(seed="0" * 64), "the seed is another", "seed: NOT EQUAL"),
    "fewer": (lambda doc: doc["order"].pop(), "draws 20 roads, the order has 19", "roads and points: NOT EQUAL"),
    "swapped": (
        lambda doc: doc["order"].insert(0, doc["order"].pop()),
        "the seed draws",
        "roads and points: NOT EQUAL",
    ),
    "another road": (
        lambda doc: doc["order"][3].update(code="R00x"),
        "road 4 is R00x, the seed draws",
        "roads and points: NOT EQUAL",
    ),
    "moved point": (
        lambda doc: doc["order"][2]["points"].__setitem__(1, [0, 0, 0]),
        "the points on road 3",
        "roads and points: NOT EQUAL",
    ),
    "more roads": (lambda doc: doc.update(roads=21), "what was committed is something else", "commitment: NOT EQUAL"),
    "other period": (
        lambda doc: doc.update(period="2016-06-T2"),
        "what was committed is something else",
        "commitment: NOT EQUAL",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_with_the_file_is_found(roads: Connection, tmp_path: Path, name: str) -> None:
    drawn(roads)
    document = as_file(published(roads, PERIOD))
    tamper, said, printed = TAMPERINGS[name]
    changed = copy.deepcopy(document)
    tamper(changed)
    assert changed != document
    assert any(said in fault for fault in faults_of(changed))
    path = tmp_path / "draw.json"
    path.write_bytes(to_json(changed))
    done = repeat(path)
    assert done.returncode == 1
    assert printed in done.stdout


def test_even_a_new_commitment_to_another_frame_draws_other_roads(roads: Connection) -> None:
    """Who changes the frame and all digests with it is found by the roads, unless he draws again; see the next test."""
    drawn(roads)
    document = as_file(published(roads, PERIOD))
    lines = document["frame"].split("\n")
    document["frame"] = "\n".join(line for line in lines if document["order"][0]["code"] not in line)
    document["frame_sha256"] = sha256(document["frame"])
    document["commitment_sha256"] = commitment_sha256(document)
    assert "the seed draws" in faults_of(document)[0]


def test_what_is_no_published_file(tmp_path: Path, roads: Connection) -> None:
    path = tmp_path / "draw.json"
    for content, said in (
        (b"\xff", "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON in UTF-8"),
        (b"[]", "its format is 'list'"),
        (b"{}", "its format is None"),
    ):
        path.write_bytes(content)
        with pytest.raises(FileError, match=said):
            read_draw_file(path)
    with pytest.raises(FileError, match="No such file"):
        read_draw_file(tmp_path / "none.json")
    drawn(roads)
    document = as_file(published(roads, PERIOD))
    for name in document:
        if name in ("format", "committed_at", "committed_by", "revealed_at", "revealed_by", "synthetic"):
            continue
        without = {key: value for key, value in document.items() if key != name}
        assert faults_of(without), name
        for odd in (6, "x", [[]], {"a": 1}, -(10**400)):
            assert faults_of(document | {name: odd}), (name, odd)


# -- nobody changes it -------------------------------------------------------------------------------------------------


TABLES = ("dust_frames", "dust_draws", "dust_reveals", "dust_roads", "dust_points", "dust_results")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_everything_is_append_only(roads: Connection, table: str, role: str) -> None:
    drawn(roads)
    roads.execute(text(f"SET LOCAL session_replication_role = {role}"))
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(IntegrityError, match="append-only"), roads.begin_nested():
            roads.execute(text(statement))


STORED = {
    "seed": ("UPDATE dust_reveals SET seed = repeat('0', 64)", "the seed is another"),
    "road": ("UPDATE dust_roads SET code = 'R00x' WHERE number = 2", "road 2 is R00x"),
    "point": (
        "UPDATE dust_points SET geom = ST_Translate(geom, 1e-7, 0) WHERE road = 5 AND point = 2",
        "points on road 5",
    ),
    "place": ("UPDATE dust_points SET at_mm = at_mm + 1 WHERE road = 5 AND point = 2", "points on road 5"),
    "number": ("UPDATE dust_draws SET roads = 19", "what was committed is something else"),
    "commitment": ("UPDATE dust_draws SET commitment_sha256 = repeat('0', 64)", "what was committed is something else"),
    "source": ("UPDATE dust_draws SET public_source = 'x'", "what was committed is something else"),
}


@pytest.mark.parametrize("name", STORED)
def test_whoever_changes_the_database_all_the_same_is_found(roads: Connection, name: str) -> None:
    drawn(roads)
    assert verify_draw(roads, PERIOD) == []
    statement, said = STORED[name]
    table = statement.split()[1]
    roads.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
    roads.execute(text(statement))
    assert any(said in fault for fault in verify_draw(roads, PERIOD))


def test_a_changed_frame_in_the_database_is_found(roads: Connection) -> None:
    drawn(roads)
    frame = frame_text(roads, read_draw(roads, PERIOD)["frame_sha256"]).replace("410102001", "410102002", 1)
    roads.execute(text("ALTER TABLE dust_frames DISABLE TRIGGER append_only"))
    roads.execute(text("UPDATE dust_frames SET lines = :lines"), {"lines": zlib.compress(frame.encode())})
    assert "the frame is another" in verify_draw(roads, PERIOD)[0]
