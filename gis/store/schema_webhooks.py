"""Tables of webhooks: who is told of state changes, and what waits to be told."""

from __future__ import annotations
