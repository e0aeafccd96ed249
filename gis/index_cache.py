"""Built indexes kept on disk, by the content they were built from.

Building takes a few seconds for a large city, and every import, server worker and check needs the index. The key is a
digest of the geometry itself and of the code that builds, so an old file can never answer for a new ground; whatever
goes wrong with the cache, the index is built.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

KEPT = 6
Index = TypeVar("Index")


class _Pickler(pickle.Pickler):
    """Indexes hold memoryviews over their arrays, which pickle does not know."""

    def reducer_override(self, thing: Any) -> Any:
        return (memoryview, (thing.obj,)) if isinstance(thing, memoryview) else NotImplemented


def cache_folder() -> Path:
    """Where the files lie: the account's own cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "finegrid" / "indexes"


def cached_index(content: bytes, parameters: tuple[float, ...], build: Callable[[], Index]) -> Index:
    """The index of this content: from the cache, else built and kept.

    Parameters
    ----------
    content
        All that the index depends on besides `parameters` and the code: the geometry as the database sends it.
    build
        Builds it.
    """
    digest = hashlib.sha256(repr((_code_digest(), parameters)).encode())
    digest.update(content)
    path = cache_folder() / f"{digest.hexdigest()[:40]}.pickle"
    # A damaged file can raise anything; whatever it is, the index is built.
    with contextlib.suppress(Exception):
        # The folder is the account's own and closed to others, so its content is as trustworthy as our code.
        if path.parent.stat().st_uid == os.geteuid():
            with path.open("rb") as stream:
                known: Index = pickle.load(stream)  # noqa: S301
            path.touch()
            return known
    built = build()
    with contextlib.suppress(OSError):
        _keep(path, built)
    return built


def _keep(path: Path, built: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as stream:
        _Pickler(stream, protocol=5).dump(built)
    Path(stream.name).replace(path)
    oldest_first = sorted(path.parent.glob("*.pickle"), key=lambda file: file.stat().st_mtime)
    for file in oldest_first[:-KEPT]:
        file.unlink(missing_ok=True)


@cache
def _code_digest() -> str:
    """Changes whenever the code that builds or reads an index does."""
    code = b"".join(
        files("gis.geometry").joinpath(name).read_bytes() for name in ("locate.py", "cell_index.py", "segment_index.py")
    )
    return hashlib.sha256(code).hexdigest()
