"""What was made lately, by key; safe for threads, each thing made once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Thing = TypeVar("Thing")


class Key(NamedTuple):
    """What a thing is kept under.

    Parameters
    ----------
    of
        What it was made from; as soon as that has another state, all that was made from an older one is forgotten.
    state
        Versions of the data.
    variant
        Which of the things made from it.
    """

    of: Hashable
    state: Hashable
    variant: Hashable = None


class Kept(Generic[Thing]):
    """The most lately used things.

    Parameters
    ----------
    size
        How many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._things: OrderedDict[Key, Thing] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def find(self, key: Key) -> Thing | None:
        """The thing of that key, where it is kept."""
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def get(self, key: Key, make: Callable[[], Thing]) -> Thing:
        """The thing of that key, made where it is not kept; whoever asks for it meanwhile waits."""
        found = self.find(key)
        if found is not None:
            return found
        with self._making:
            found = self.find(key)
            if found is None:
                found = make()
                self._keep(key, found)
        return found

    def _keep(self, key: Key, thing: Thing) -> None:
        with self._lock:
            for other in [one for one in self._things if one.of == key.of and one.state != key.state]:
                del self._things[other]
            self._things[key] = thing
            while len(self._things) > self._size:
                self._things.popitem(last=False)
