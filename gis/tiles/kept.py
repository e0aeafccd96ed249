"""What was made lately, by key; safe for threads, each thing made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Kept(Generic[Thing]):
    """The most lately used things.

    Parameters
    ----------
    size
        How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._things: OrderedDict[Hashable, Thing] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.RLock()

    def find(self, key: Hashable) -> Thing | None:
        """The thing of that key, where it is kept."""
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def get(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """The thing of that key, made where it is not kept; whoever asks for it meanwhile waits."""
        found = self.find(key)
        if found is not None:
            return found
        with self._making:
            found = self.find(key)
            if found is None:
                found = make()
                with self._lock:
                    self._things[key] = found
                    while len(self._things) > self._size:
                        self._things.popitem(last=False)
        return found
