"""Webhooks: whoever wants to know is told of each state change, in order, signed, until it was taken.

announcing.py   the entry in the outbox, in the transaction of the change
"""

from gis.webhooks.announcing import announce

__all__ = ["announce"]
