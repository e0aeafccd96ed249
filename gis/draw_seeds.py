"""Seeds of dust draws: made by the machine, kept in a file that only their keeper can read, until they are revealed.

Before, a seed never reaches the database, its backups, a log or an answer. Who holds it could know the points: the
account that ran the command, or, with `--seed-sha256`, somebody outside who hands over the digest alone.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from gis.errors import Conflict, FileError, ParameterError

FORM = re.compile(r"[0-9a-f]{64}")
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def new_seed() -> str:
    """256 bits of the operating system's randomness, as 64 hexadecimal digits."""
    return secrets.token_hex(32)


def checked_hex(name: str, text: str) -> str:
    """64 hexadecimal digits in lower case: a seed or a digest. A shorter seed could be guessed from its digest.

    Raises
    ------
    ParameterError
        It is none.
    """
    found = text.strip().lower()
    if not FORM.fullmatch(found):
        msg = (
            f"64 hexadecimal digits (256 bits) are right, as `openssl rand -hex 32` prints; not {len(found)} characters"
        )
        raise ParameterError(name, msg)
    return found


def seed_path(home: Path, slug: str, period: str) -> Path:
    """Where a seed is kept if nobody says otherwise.

    Parameters
    ----------
    home
        FINEGRID_HOME.
    """
    return home / "seeds" / f"{slug}-{period}.seed"


def keep_seed(path: Path, seed: str) -> None:
    """Write a seed to a new file that only this account can read; it is on disk before this returns.

    Raises
    ------
    FileError
        It cannot be written.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=PRIVATE_FOLDER)
            path.parent.chmod(PRIVATE_FOLDER)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), PRIVATE_FILE)
            file.write(seed + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        msg = f"{path}: the seed cannot be kept there: {problem.strerror}; choose another place with --seed-file"
        raise FileError(msg) from problem


def read_seed(path: Path, *, secret: bool) -> str:
    """The seed in a file.

    Parameters
    ----------
    secret
        It is still to be kept, so a file that others may read is refused.

    Raises
    ------
    FileError
        There is no such file.
    Conflict
        Others may read it.
    ParameterError
        It holds no seed.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii", errors="replace")[:1000]
    except OSError as problem:
        msg = f"{path}: the seed cannot be read: {problem.strerror}; say where it is with --seed-file"
        raise FileError(msg) from problem
    if secret and stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
        msg = f"{path}: others may read this seed, so it is no secret: chmod 600, or better a new seed"
        raise Conflict(msg)
    return checked_hex("seed", text)
