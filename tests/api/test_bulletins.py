"""The bulletin says what /standings, /listings and /density say, in every form and both languages."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import openpyxl
import pypdf
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import CONNECTIONS
from gis.bulletins.words import SHEETS, TEXTS
from gis.city import read_city
from gis.ground import load_ground
from gis.rules.periods import parse_period
from gis.standing_reads import COLUMNS
from gis.standings import draft, publish
from gis.store.database import create_database_engine
from maps import bulletin_pdf
from tests.api.conftest import open_client
from tests.under_way import put_under_way

NOW = datetime(2016, 7, 1, tzinfo=UTC)
PUBLISHED, DRAFT, MONTH = "2016-05-T2", "2016-05-T3", "2016-05"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def town_engine(tiny_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """The tiny city with two published periods, one of them corrected, and a draft."""
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with engine.begin() as conn:
        put_under_way(conn)
        draft(conn, load_ground(conn), parse_period(DRAFT), "office", NOW)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def town(town_engine: Engine) -> Iterator[TestClient]:
    with open_client(town_engine) as client:
        yield client


def bulletin_of(client: TestClient, period: str, **asked: object) -> dict:
    answer = client.get(f"/bulletins/{period}", params={"f": "json", **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def page_of(client: TestClient, period: str, lang: str = "zh", **asked: object) -> str:
    answer = client.get(f"/bulletins/{period}", params={"f": "html", "lang": lang, **asked})
    assert answer.status_code == 200, answer.text
    return answer.text


def book_of(client: TestClient, period: str, lang: str) -> openpyxl.Workbook:
    answer = client.get(f"/bulletins/{period}", params={"f": "xlsx", "lang": lang})
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))


# -- the same numbers as elsewhere -------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [PUBLISHED, DRAFT])
def test_rows_and_money_are_those_of_the_standing(town: TestClient, period: str) -> None:
    found = bulletin_of(town, period)
    standing = town.get("/standings", params={"period": period}).json()
    assert [{name: row[name] for name in COLUMNS} for row in found["rows"]] == [
        {name: row[name] for name in COLUMNS} for row in standing["rows"]
    ]
    for name in ("facts_sha256", "sha256", "policy_effective", "state", "revision", "money"):
        assert found[name] == standing[name]
    assert found["money"]["balance_yuan"] == sum(row["reward_yuan"] for row in found["rows"]) == 0
    assert found["synthetic"] == ["reports"]


def test_changes_are_the_difference_to_the_standing_before(town: TestClient) -> None:
    found = bulletin_of(town, PUBLISHED)
    before = {row["code"]: row for row in town.get("/standings", params={"period": "2016-05-T1"}).json()["rows"]}
    assert found["before"]["period"] == "2016-05-T1"
    moved = 0
    for row in found["rows"]:
        was = before[row["code"]]
        assert row["rank_before"] == was["rank"]
        assert row["deduction_change"] == pytest.approx(row["deduction"] - was["deduction"])
        if row["rank"] is None:
            assert (row["rank_change"], row["change"]) == (None, "unranked")
            continue
        assert row["rank_change"] == was["rank"] - row["rank"]
        assert (
            row["change"] == {0: "same", 1: "better", -1: "worse"}[(row["rank_change"] > 0) - (row["rank_change"] < 0)]
        )
        moved += row["deduction_change"] != 0
    assert moved
    first = bulletin_of(town, "2016-05-T1")
    assert first["before"] is None
    assert {row["change"] for row in first["rows"]} == {None, "unranked"}


def test_worst_places_are_those_of_the_stored_proposal(town: TestClient) -> None:
    found = bulletin_of(town, "2016-05-T1")["worst"]
    assert found["proposed_at"]
    listed = town.get("/listings", params={"period": "2016-05-T1"}).json()["rows"]
    kept = ("kind", "rank", "code", "name", "street_code", "reports", "score", "lon", "lat")
    named = {(row["kind"], row["rank"]): row for row in (*found["segments"], *found["spots"])}
    assert named
    by_number = {row["id"]: row for row in listed}
    for row in named.values():
        one = by_number[row["listing"]]
        assert {name: row[name] for name in kept[:-2]} == {name: one[name] for name in kept[:-2]}
        assert sum(row["by_chaos"].values()) == row["reports"]


def test_without_a_proposal_they_are_worked_out_and_it_is_said(town: TestClient) -> None:
    found = bulletin_of(town, PUBLISHED)["worst"]
    assert found["proposed_at"] is None
    worked = town.get("/listings/worst", params={"period": PUBLISHED}).json()["rows"]
    kept = ("kind", "rank", "code", "name", "street_code", "reports", "score", "lon", "lat", "weighted")
    assert [{name: row[name] for name in kept} for row in (*found["segments"], *found["spots"])] == [
        {name: row[name] for name in kept} for row in worked if row["kind"] != "shared"
    ]
    assert "现有上报" in page_of(town, PUBLISHED)
    assert "存档的拟挂牌名单" in page_of(town, "2016-05-T1")


def test_overdue_listings_are_those_that_were_deducted(town: TestClient) -> None:
    found = bulletin_of(town, DRAFT)
    deducted = {}
    for row in found["rows"]:
        opened = town.get(f"/standings/street/{DRAFT}/{row['code']}").json()
        causes = [cause for cause in opened["rows"] if cause["kind"] == "listing"]
        deducted |= {one["listing"]: (row["code"], one["days"], one["points"]) for one in causes}
    assert deducted
    assert {one["listing"]: (one["street_code"], one["days"], one["points"]) for one in found["overdue"]} == deducted
    listings = {row["id"]: row for row in town.get("/listings").json()["rows"]}
    for one in found["overdue"]:
        assert (one["kind"], one["name"], one["listed_for"]) == tuple(
            listings[one["listing"]][name] for name in ("kind", "name", "period")
        )


@pytest.mark.parametrize(("period", "now", "then"), [(PUBLISHED, (11, 21), (1, 11)), (DRAFT, (21, 32), (11, 21))])
def test_the_four_chaoses_are_those_of_density(town: TestClient, period: str, now: tuple, then: tuple) -> None:
    found = {one["code"]: one for one in bulletin_of(town, period)["four_chaoses"]}

    def counted(days: tuple[int, int], chaos: str) -> dict[str, int]:
        last = f"2016-05-{days[1]:02}" if days[1] < 32 else "2016-06-01"
        asked = {"level": "district", "from": f"2016-05-{days[0]:02}", "to": last, "category": f"chaos:{chaos}"}
        return {row["code"]: row["count"] for row in town.get("/density", params=asked).json()["rows"]}

    here, before = counted(now, "any"), counted(then, "any")
    districts = [code for code in here if code in found]
    assert set(found) == {None, *districts}
    for code in districts:
        assert (found[code]["count"], found[code]["count_before"]) == (here[code], before[code])
        rates = here[code] / (now[1] - now[0]), before[code] / (then[1] - then[0])
        assert found[code]["change"] == (pytest.approx(rates[0] / rates[1] - 1) if rates[1] else None)
    assert found[None]["count"] == sum(here.values())
    assert found[None]["parking"] == sum(counted(now, "parking").values())


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_draft_says_so_and_a_published_one_does_not(town: TestClient, lang: str) -> None:
    word = TEXTS[lang]["draft"]
    drafted, published = page_of(town, DRAFT, lang), page_of(town, PUBLISHED, lang)
    assert f'<p class="bl-watermark" aria-hidden="true">{word}</p>' in drafted
    assert f"{DRAFT} · {word}" in drafted.partition("@top-left")[2].partition("}")[0]
    assert TEXTS[lang]["draft_note"] in drafted
    assert word not in published
    assert bulletin_of(town, PUBLISHED)["sha256"] in published


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_holds_all_that_it_shows(town: TestClient, lang: str) -> None:
    page = page_of(town, PUBLISHED, lang)
    found = bulletin_of(town, PUBLISHED)
    assert page.count("<svg") == 1 + 1 * any(r["provisional"] and r["rank"] for r in found["rows"]) + sum(
        len(found["worst"][kind]) for kind in ("segments", "spots")
    )
    without_namespaces = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    for outside in ("http://", "https://", "src=", "url(", "@import", "<script"):
        assert outside not in without_namespaces
    for digest in ("facts_sha256", "result_sha256", "sha256", "previous_sha256"):
        assert found[digest] in page
    for row in found["rows"]:
        if row["rank"] is not None:
            assert f"{row['density']:.3f}" in page
    assert TEXTS[lang]["synthetic"].partition("{")[0] in page
    assert "=1+1" in page


def test_the_same_bytes_each_time_and_304(town: TestClient) -> None:
    for form in ("html", "xlsx", "json"):
        asked = {"f": form, "lang": "en"}
        first, again = (town.get(f"/bulletins/{PUBLISHED}", params=asked) for _ in range(2))
        assert first.content == again.content
        tag = first.headers["etag"]
        assert town.get(f"/bulletins/{PUBLISHED}", params=asked, headers={"If-None-Match": tag}).status_code == 304


def test_language_and_form_by_headers(town: TestClient) -> None:
    english = town.get(f"/bulletins/{PUBLISHED}", headers={"Accept-Language": "en", "Accept": "text/html"})
    assert english.headers["content-language"] == "en"
    assert "Accept-Language" in english.headers["vary"]
    assert TEXTS["en"]["title"] in english.text
    assert town.get(f"/bulletins/{PUBLISHED}", headers={"Accept": "application/json"}).json()["period"] == PUBLISHED
    book = town.get(f"/bulletins/{PUBLISHED}", headers={"Accept": XLSX, "Accept-Language": "zh"})
    assert book.headers["content-type"] == XLSX
    assert book.headers["content-disposition"] == 'attachment; filename="tiny-bulletin-2016-05-T2-r2-zh.xlsx"'
    assert book.headers["x-finegrid-synthetic"] == "reports"


def test_a_correction_names_its_reason_and_leaves_the_first_revision_as_it_was(town: TestClient) -> None:
    first, second = page_of(town, PUBLISHED, "en", revision=1), page_of(town, PUBLISHED, "en", revision=2)
    assert "a case was void" in second
    assert "a case was void" not in first
    assert second == page_of(town, PUBLISHED, "en").replace("?lang", "?revision=2&amp;lang")


def test_a_later_correction_of_the_period_before_changes_no_bulletin(
    tiny_url: str, make_database: Callable[..., str]
) -> None:
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with engine.begin() as conn:
        put_under_way(conn)
    with open_client(engine) as client:
        before = page_of(client, PUBLISHED)
        with engine.begin() as conn:
            period = parse_period("2016-05-T1")
            draft(conn, load_ground(conn), period, "office", NOW, "wrong again")
            publish(conn, read_city(conn), period, "office", NOW)
        assert bulletin_of(client, "2016-05-T1")["revision"] == 2
        assert page_of(client, PUBLISHED) == before
    engine.dispose()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/bulletins/2016-13", 400, "period"),
        ("/bulletins/2016-05-T9", 400, "period"),
        ("/bulletins/2015-01-T1", 404, "no standing"),
        (f"/bulletins/{PUBLISHED}?revision=9", 404, "revision 9"),
        (f"/bulletins/{PUBLISHED}?level=district", 400, "level"),
        (f"/bulletins/{PUBLISHED}?f=docx", 400, "f"),
        (f"/bulletins/{PUBLISHED}?lang=fr", 400, "lang"),
        (f"/bulletins/{PUBLISHED}?langue=en", 400, "lang"),
        ("/bulletins/0001-01", 404, "no standing"),
    ],
)
def test_what_is_wrong_is_told(town: TestClient, path: str, status: int, said: str) -> None:
    answer = town.get(path)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


# -- the workbook ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_workbook_has_its_sheets_set_up_for_print(town: TestClient, lang: str) -> None:
    book = book_of(town, PUBLISHED, lang)
    assert tuple(book.sheetnames) == SHEETS[lang]
    for sheet in book:
        assert sheet.freeze_panes == "A3"
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight) == (True, 0)
        assert sheet.print_title_rows == "$1:$2"
        assert PUBLISHED in sheet["A1"].value


def test_numbers_are_numbers_and_nothing_is_a_formula(town: TestClient) -> None:
    found = bulletin_of(town, PUBLISHED)
    book = book_of(town, PUBLISHED, "en")
    sheet = book["Standings"]
    at = {cell.value: cell.column for cell in sheet[2]}
    rows = [
        {name: sheet.cell(3 + number, column).value for name, column in at.items()}
        for number in range(len(found["rows"]))
    ]
    for row, cells in zip(found["rows"], rows, strict=True):
        assert (cells["Rank"], cells["Code"], cells["Name"]) == (row["rank"], row["code"], row["name"])
        assert cells["Deduction"] == pytest.approx(row["deduction"])
        assert cells["Yuan"] == row["reward_yuan"]
    last = sheet.max_row
    assert sheet.cell(last, at["Name"]).value == "Total"
    assert sheet.cell(last, at["Deduction"]).value == pytest.approx(found["summary"]["deduction"])
    assert sheet.cell(last, at["Yuan"]).value == 0
    assert sheet.cell(3, at["Yuan"]).number_format == "#,##0;[Red]-#,##0;0"
    texts = [cell for page in book for row in page.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert not [cell for cell in texts if cell.data_type == "f"]
    dangerous = [cell for cell in texts if cell.value == "=1+1"]
    assert len(dangerous) >= 3
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in dangerous)
    parts = book["Deductions by kind"]
    for number, row in enumerate(found["rows"]):
        values = [cell.value for cell in parts[3 + number]][4:]
        assert sum(values[:-1]) == pytest.approx(values[-1])
        assert values[-1] == pytest.approx(row["deduction"])


def test_the_workbook_knows_no_clock_but_that_of_its_publication(town: TestClient) -> None:
    answer = town.get(f"/bulletins/{PUBLISHED}", params={"f": "xlsx", "lang": "zh"})
    made = openpyxl.load_workbook(io.BytesIO(answer.content)).properties.created
    published = bulletin_of(town, PUBLISHED)["published_at"]
    assert made == datetime(2016, 7, 1, 8, 0)  # noqa: DTZ001 - of the city, 8 hours ahead
    assert datetime.fromisoformat(published) == NOW
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# -- the PDF -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drafted_pdf(town: TestClient) -> bytes:
    answer = town.get(f"/bulletins/{DRAFT}", params={"f": "pdf", "lang": "zh"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


def test_the_pdf_is_a4_with_chinese_text_and_its_fonts_inside(drafted_pdf: bytes) -> None:
    read = pypdf.PdfReader(io.BytesIO(drafted_pdf))
    assert 2 <= len(read.pages) <= 12
    for number, page in enumerate(read.pages, 1):
        assert [float(side) for side in page.mediabox[2:]] == pytest.approx([595.28, 841.89], abs=0.5)
        text = page.extract_text()
        assert "草稿" in text
        squeezed = "".join(text.split())
        assert f"第{number}页，共{len(read.pages)}页" in squeezed
    assert "城市精细化管理考核通报" in read.pages[0].extract_text()
    fonts = {}
    for page in read.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            one = font.get_object()
            described = one["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            fonts[one["/BaseFont"]] = described
    assert fonts
    for name, described in fonts.items():
        assert any(file in described for file in ("/FontFile2", "/FontFile3")), name
        assert name[7] == "+", f"{name} is not a subset"
    assert len(drafted_pdf) < 1_500_000


def test_the_pdf_is_the_same_each_time_and_dated_by_its_standing(town: TestClient, drafted_pdf: bytes) -> None:
    page = page_of(town, DRAFT)
    assert "bl-bar" in page
    town.app.state.bulletins.clear()
    again = town.get(f"/bulletins/{DRAFT}", params={"f": "pdf", "lang": "zh"}).content
    assert again == drafted_pdf
    read = pypdf.PdfReader(io.BytesIO(drafted_pdf))
    drafted_at = datetime.fromisoformat(bulletin_of(town, DRAFT)["drafted_at"])
    assert read.metadata.creation_date == drafted_at.replace(microsecond=0)


def test_without_pango_the_pdf_says_what_to_install(
    town: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    town.app.state.bulletins.clear()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # A module of that name that fails as WeasyPrint does where Pango is not installed.
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')\n")
    answer = town.get(f"/bulletins/{DRAFT}", params={"f": "pdf", "lang": "zh"})
    assert answer.status_code == 501
    assert answer.headers["content-type"] == "application/problem+json"
    assert "apt-get install libpango-1.0-0" in answer.json()["detail"]
    assert town.get(f"/bulletins/{DRAFT}", params={"f": "html"}).status_code == 200


def test_letters_that_no_font_has(monkeypatch: pytest.MonkeyPatch) -> None:
    page = "<html lang='en'><body><p>{}</p></body></html>"
    # A letter of the private use area is drawn as a box; one that any Chinese font has is missed.
    assert bulletin_pdf.bulletin_pdf(page.format("\ue123"), "x").startswith(b"%PDF")
    monkeypatch.setattr(bulletin_pdf, "_is_usual", lambda letter: letter == "\ue123")
    with pytest.raises(bulletin_pdf.NotInstalled, match="fonts-wqy-microhei"):
        bulletin_pdf.bulletin_pdf(page.format("\ue123"), "x")
