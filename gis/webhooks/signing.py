"""Signatures as Standard Webhooks 1.0.0 wants them: the receiver can tell who sent, what, and when.

Signed is `{webhook-id}.{webhook-timestamp}.{body}` with HMAC-SHA256; the header is a list with a space between, so that
an old secret can sign beside the new one while receivers change over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from gis.errors import ParameterError

PREFIX = "whsec_"
SHORTEST, LONGEST, OURS = 24, 64, 32
"""Bytes of a secret: what the specification allows, and how many we make."""


def new_secret() -> str:
    """A random secret, as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(OURS)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for.

    Raises
    ------
    ParameterError
        It is not `whsec_` and base64 of 24 to 64 bytes. The message does not repeat it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        msg = (
            f"must be {PREFIX} followed by base64 of {SHORTEST} to {LONGEST} bytes; without one, a secret is made and"
            " shown once"
        )
        raise ParameterError("secret", msg)
    return key


def signed_headers(keys: Sequence[bytes], message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt.

    Parameters
    ----------
    keys
        Of the secret, and of the one before while that is still valid.
    message
        The webhook-id, without a full stop: the same on every attempt.
    at
        When this attempt is made; aware.
    """
    stamp = str(int(at.timestamp()))
    signed = f"{message}.{stamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
