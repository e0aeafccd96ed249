"""Tables of special operations 专项行动."""

from __future__ import annotations
