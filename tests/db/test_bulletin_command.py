"""`finegrid bulletin` writes the same as a server answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from api.app import CONNECTIONS
from gis.store.database import create_database_engine
from tests.api.conftest import facts, open_client, tiny_url
from tests.conftest import json_of
from tests.under_way import put_under_way

__all__ = ["facts", "tiny_url"]
PERIOD = "2016-05-T2"


@pytest.fixture
def database_url(tiny_url: str, make_database: Callable[..., str]) -> str:
    """The tiny city with published standings."""
    url = make_database(tiny_url)
    engine = create_database_engine(url)
    with engine.begin() as conn:
        put_under_way(conn)
    engine.dispose()
    return make_url(url).render_as_string(hide_password=False)


def test_files_are_what_the_server_answers(finegrid: Callable[..., Result], database_url: str, tmp_path: Path) -> None:
    written = {}
    for ending in ("html", "xlsx", "json", "pdf"):
        path = tmp_path / f"b.{ending}"
        result = finegrid("bulletin", PERIOD, "--out", path, "--lang", "en", "--json")
        assert result.exit_code == 0, result.output
        told = json_of(result)
        written[ending] = path.read_bytes()
        assert (told["bytes"], told["state"], told["revision"]) == (len(written[ending]), "published", 2)
        assert told["synthetic"] == ["reports"]
    engine = create_database_engine(database_url, pool_size=CONNECTIONS)
    with open_client(engine) as client:
        answers = {one: _answer(client, one) for one in ("html", "xlsx", "json", "pdf")}
    engine.dispose()
    assert written["xlsx"] == answers["xlsx"]
    assert written["pdf"] == answers["pdf"]
    assert orjson.loads(written["json"]) == orjson.loads(answers["json"])
    page = answers["html"].decode()
    start, end = page.index('<nav class="bl-bar"'), page.index("</nav>") + len("</nav>\n")
    assert written["html"].decode() == page[:start] + page[end:]
    assert b'href="?' not in written["html"]


def _answer(client: TestClient, form: str) -> bytes:
    answer = client.get(f"/bulletins/{PERIOD}", params={"f": form, "lang": "en"})
    assert answer.status_code == 200, answer.text
    return answer.content


def test_what_is_refused_writes_nothing(finegrid: Callable[..., Result], tmp_path: Path) -> None:
    for arguments, said in (
        (("bulletin", PERIOD, "--out", tmp_path / "b.docx"), "ends in none of"),
        (("bulletin", "2015-01-T1", "--out", tmp_path / "b.html"), "no standing"),
        (("bulletin", PERIOD, "--level", "district", "--out", tmp_path / "b.html"), "ranks streets"),
        (("bulletin", PERIOD, "--revision", "9", "--out", tmp_path / "b.html"), "revision 9"),
        (("bulletin", PERIOD, "--out", tmp_path / "no" / "b.html"), "cannot be written"),
    ):
        result = finegrid(*arguments)
        assert result.exit_code == 1, arguments
        assert said in result.output
    assert finegrid("bulletin", "soon", "--out", tmp_path / "b.html").exit_code == 2
    assert not list(tmp_path.iterdir())


def test_without_pango(finegrid: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    result = finegrid("bulletin", PERIOD, "--out", tmp_path / "b.pdf")
    assert result.exit_code == 1
    assert "apt-get install libpango-1.0-0" in result.output
    assert not list(tmp_path.iterdir())
