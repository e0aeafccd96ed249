"""The page of a bulletin as a PDF: WeasyPrint over Pango, fonts embedded and cut down to the letters used.

`python -m maps.bulletin_pdf` reads a page from stdin and writes the PDF to stdout: a server has it made by a process of
its own, so that seconds of layout delay nobody else's answer.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

from gis.errors import NotInstalled

PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
FONT = "fonts-wqy-microhei"
LIMIT_S = 120
"""A page takes some seconds; one that takes so long never ends."""
LACKING = 3
"""Exit code: a library or font is missing, stderr says which."""
MISSING_GLYPH = ".notdef glyph rendered"


def bulletin_pdf(page: str, identifier: str) -> bytes:
    """Make a PDF of a page, in this process.

    Parameters
    ----------
    identifier
        Digest that identifies the bulletin; the PDF carries it instead of a random one.

    Raises
    ------
    NotInstalled
        Pango, or a font with the usual Chinese letters, is not there; says what to install.
    """
    try:
        import weasyprint  # loads Pango, which a machine may lack
    except (ImportError, OSError) as problem:
        msg = (
            f"PDF needs the library Pango, which is not installed here. On Debian: apt-get install {PANGO} {FONT}, or "
            "make setup. The page itself prints from any browser"
        )
        raise NotInstalled(msg) from problem
    heard = _Listener()
    logger = logging.getLogger("weasyprint")
    logger.addHandler(heard)
    try:
        document = weasyprint.HTML(string=page, url_fetcher=_fetch_nothing)
        made: bytes = document.write_pdf(pdf_identifier=identifier.encode(), pdf_tags=True)
    finally:
        logger.removeHandler(heard)
    lacking = [letter for letter in heard.unknown if _is_usual(letter)]
    if lacking:
        msg = (
            f"no font here has {''.join(lacking)[:20]!r}. On Debian: apt-get install {FONT} (or fonts-noto-cjk), "
            "or make setup. The page itself prints from any browser that has such a font"
        )
        raise NotInstalled(msg)
    return made


def _is_usual(letter: str) -> bool:
    """Whether any Chinese font has a letter; a rare one in somebody's name is drawn as a box and refuses nothing."""
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


class _Listener(logging.Handler):
    """Hears of letters that no font has."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.unknown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note the letters."""
        if MISSING_GLYPH in str(record.msg):
            self.unknown.append(record.getMessage().partition('"')[2][:1])


def _fetch_nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    """A page holds all that it shows; whatever else somebody's data may point to is not asked for."""
    msg = f"a bulletin asks no server for anything, so not for {url[:80]}"
    raise ValueError(msg)


def pdf_by_process(page: str, identifier: str) -> bytes:
    """As `bulletin_pdf`, by a process of its own.

    Raises
    ------
    NotInstalled
        As there.
    """
    done = subprocess.run(
        [sys.executable, "-m", "maps.bulletin_pdf", identifier],
        input=page.encode(),
        capture_output=True,
        timeout=LIMIT_S,
        cwd=Path(__file__).parent.parent,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode == LACKING:
        raise NotInstalled(said)
    if done.returncode:
        msg = f"the PDF was not made (exit {done.returncode}): {said[-2000:]}"
        raise RuntimeError(msg)
    return done.stdout


def main() -> None:
    """Read a page, write its PDF."""
    logging.getLogger("weasyprint").setLevel(logging.WARNING)
    try:
        made = bulletin_pdf(sys.stdin.buffer.read().decode(), sys.argv[1])
    except NotInstalled as problem:
        sys.stderr.write(str(problem))
        raise SystemExit(LACKING) from problem
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
