"""Tables of patrol passes over segments 道路巡查, kept so that coverage can be counted."""

from __future__ import annotations
