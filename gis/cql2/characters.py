"""LIKE, CASEI and ACCENTI (OGC 21-065r2 clauses 7.2 to 7.4)."""

from __future__ import annotations

import unicodedata

from sqlalchemy import ColumnElement, func

from gis.cql2.comparison import CODE_POINTS
from gis.cql2.limits import refusal
from gis.cql2.terms import Term, only

ESCAPE = "\\"
UNICODE = "und-x-icu"
"""Collation whose lower and upper know every script; lower() under "C" knows ASCII only."""
MARKS = "[\u0300-\u036f]"


def like(value: Term, pattern: Term) -> ColumnElement[bool]:
    r"""LIKE with `%`, `_` and the escape character `\`.

    Raises
    ------
    ParameterError
        Not text, a pattern that is not a literal (annex B, `patternExpression`), or one that ends in the escape.
    """
    only({"string"}, value, "LIKE matches text")
    only({"string"}, pattern, "LIKE takes a pattern in quotes, such as 'Park%'")
    if pattern.pattern is None:
        msg = f"LIKE takes a pattern in quotes, such as 'Park%', or CASEI or ACCENTI of one, not {pattern.said}"
        raise refusal(msg)
    # ACCENTI may take marks off the end, so the end is looked for without them.
    end = "".join(one for one in unicodedata.normalize("NFD", pattern.pattern) if not "\u0300" <= one <= "\u036f")
    if (len(end) - len(end.rstrip(ESCAPE))) % 2:
        msg = r"the LIKE pattern ends with \, which escapes what follows; a backslash itself is written \\"
        raise refusal(msg)
    return value.sql.collate(CODE_POINTS).like(pattern.sql, escape=ESCAPE)


def casei(text: Term) -> Term:
    """Fold case, in every script.

    Upper then lower, because some letters meet only so (ß and SS), and with one small sigma, because the lower case of
    the capital depends on where it stands in the word.

    Raises
    ------
    ParameterError
        Not text.
    """
    only({"string"}, text, "CASEI takes text")
    folded = func.lower(func.upper(text.sql.collate(UNICODE)))
    return _calculated(text, func.replace(folded, "ς", "σ"), "casei")


def accenti(text: Term) -> Term:
    """Leave out accents: decompose, drop the combining marks U+0300 to U+036F, compose again.

    Letters of their own that only look accented (ø, đ, ł) stay what they are. No extension is needed; `unaccent`
    would have to be installed by a superuser.

    Raises
    ------
    ParameterError
        Not text.
    """
    only({"string"}, text, "ACCENTI takes text")
    # By its full name, because plain normalize(x, NFD) is syntax with a keyword and takes no parameter.
    bare = func.regexp_replace(func.pg_catalog.normalize(text.sql, "NFD"), MARKS, "", "g")
    return _calculated(text, func.pg_catalog.normalize(bare, "NFC"), "accenti")


def _calculated(text: Term, sql: ColumnElement[str], by: str) -> Term:
    # The outer collation keeps the inner one from meeting another in a comparison.
    return text.calculated(sql=sql.collate(CODE_POINTS), said=f"{by} of {text.said}", literal=None)
