"""A bulletin as a workbook and as a PDF."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import openpyxl
import pypdf
import pytest
from fastapi.testclient import TestClient

from gis.bulletins.words import SHEETS
from maps import bulletin_pdf
from tests.api.bulletins.asking import DRAFT, NOW, PUBLISHED, book_of, bulletin_of, page_of


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
