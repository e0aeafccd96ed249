"""Tables of listed supervision 挂牌督办."""

from __future__ import annotations
