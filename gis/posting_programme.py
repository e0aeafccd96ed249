"""The posting of people as an integer programme, solved by HiGHS; pure, no database.

    minimise   (short of key minima, short of secondary, short of general, people without a post) in this order, then
               sum of work^2 / persons + move_cost x people who leave their post
    subject to persons at all posts + people without a post = people;  persons in a street <= its cap

Each step of the order is a programme of its own, with the steps before it held at their best. work^2 / persons is
convex, so it is the highest of its chords; only those are written down that the solution meets, found in rounds: a
round's optimum is a lower bound, and when its chords are exact where it lies, it is the optimum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

from gis.errors import TooCostly
from gis.rules.posting import NOBODY, TIERS, Post, Scale

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
EXACT = 3e-6
"""Chords that are this near to the curve, measured by what one person is worth, are exact; HiGHS keeps rows to 1e-6."""
WHOLE = 1e-6
"""Persons: so near to a whole number is one."""
TIME_LIMIT_S = 30.0
ROUNDS = 60


@dataclass(frozen=True)
class Posting:
    """Persons per post, in the order of the posts, and people for whom the caps leave no post."""

    people: tuple[int, ...]
    reserve: int


def best_posting(posts: Sequence[Post], people: int, caps: Mapping[str, int], scale: Scale) -> Posting:
    """The best posting of so many people.

    Parameters
    ----------
    caps
        Street code -> most people there; streets without one take any number.

    Raises
    ------
    TooCostly
        HiGHS did not prove an optimum in its time. 200 streets of three tiers take it a second or two.
    """
    if not posts:
        return Posting((), people)
    programme = _Programme(posts, people, caps, scale)
    for tier in TIERS:
        programme.hold(programme.short_of(tier))
    programme.hold(programme.without_post())
    persons = programme.by_load()
    return Posting(tuple(persons.tolist()), people - int(persons.sum()))


class _Programme:
    """Columns: persons x, short u, leaving v, load t of each post, then the reserve r."""

    def __init__(self, posts: Sequence[Post], people: int, caps: Mapping[str, int], scale: Scale) -> None:
        self.posts, self.people = posts, people
        size = self.size = len(posts)
        # Costs are in squares of the load that there would be if all shared all: near 1, as a solver likes it.
        self.weight = np.array([(post.work / scale.mean_load) ** 2 for post in posts])
        self.move_cost = scale.move_cost
        required, on_post = np.array([[post.required, post.on_post] for post in posts], float).T
        codes = {code: row for row, code in enumerate(caps)}
        held = [(codes[post.code], at) for at, post in enumerate(posts) if post.code in codes]
        one, none = eye_array(size, format="csr"), csr_array((size, size))
        end = csr_array((size, 1))
        rows = [hstack([one, one, none, none, end]), hstack([one, none, one, none, end])]
        low, high = [required, on_post], [np.full(2 * size, np.inf)]
        everybody = np.zeros((1, 4 * size + 1))
        everybody[0, :size] = everybody[0, -1] = 1
        rows.append(csr_array(everybody))
        low.append(np.array([people], float))
        high.append(np.array([people], float))
        if held:
            row, column = np.array(held).T
            rows.append(coo_array((np.ones(len(held)), (row, column)), shape=(len(caps), 4 * size + 1)))
            low.append(np.full(len(caps), -np.inf))
            high.append(np.array([float(cap) for cap in caps.values()]))
        self.rows, self.low, self.high = [vstack(rows, format="csr")], low, high
        self.integrality = np.zeros(4 * size + 1)
        self.integrality[:size] = 1

    def short_of(self, tier: str) -> Floats:
        """Costs that count who is missing in a tier."""
        costs = np.zeros(4 * self.size + 1)
        costs[self.size : 2 * self.size] = [post.tier == tier for post in self.posts]
        return costs

    def without_post(self) -> Floats:
        """Costs that count who has no post."""
        costs = np.zeros(4 * self.size + 1)
        costs[-1] = 1
        return costs

    def hold(self, costs: Floats) -> None:
        """Find the least of these whole costs, and keep to it from here on."""
        if not costs.any():
            return
        least = round(float(costs @ self._solve(costs)))
        self._add(csr_array(costs.reshape(1, -1)), np.array([-np.inf]), np.array([float(least)]))

    def by_load(self) -> Whole:
        """Persons per post with the least sum of work^2 / persons and price of moves."""
        costs = np.zeros(4 * self.size + 1)
        costs[2 * self.size : 3 * self.size] = self.move_cost
        costs[3 * self.size : 4 * self.size] = 1
        persons = 0
        while persons < self.people:
            self._add_chords(np.arange(self.size), np.full(self.size, persons))
            persons = max(persons + 1, persons * 2)
        # Without whole numbers first: with the chords that this needs, the whole optimum is hardly ever another one.
        for whole in (False, True):
            for _ in range(ROUNDS):
                answer = self._solve(costs, whole=whole)
                if not self._refined(answer):
                    break
            else:
                msg = f"the posting of {self.people} people on {self.size} posts is not exact after {ROUNDS} rounds"
                raise TooCostly(msg)
        return np.rint(answer[: self.size]).astype(np.int64)

    def _refined(self, answer: Floats) -> bool:
        """Add the chords on which the curve lies above the answer; False: there are none."""
        persons, loads = answer[: self.size], answer[3 * self.size : 4 * self.size]
        floor = np.floor(persons + WHOLE).astype(np.int64)
        share = np.maximum(persons - floor, 0)
        curve = (1 - share) * self._load(floor) + share * self._load(floor + 1)
        worth = self.weight / np.maximum(floor, 1) ** 2  # what one person more or less is worth there
        below = np.flatnonzero(loads < curve - EXACT * np.maximum(1, worth))
        for persons_there in (floor[below] - 1, floor[below], floor[below] + 1):
            there = persons_there >= 0
            self._add_chords(below[there], persons_there[there])
        return len(below) > 0

    def _load(self, persons: Whole, at: Whole | slice = slice(None)) -> Floats:
        found: Floats = self.weight[at] / np.maximum(persons, NOBODY)
        return found

    def _add_chords(self, at: Whole, persons: Whole) -> None:
        """Hold load above the line through the curve at `persons` and one more."""
        here = self._load(persons, at)
        slope = self._load(persons + 1, at) - here
        number = np.arange(len(at))
        rows = coo_array(
            (
                np.concatenate([np.ones(len(at)), -slope]),
                (np.concatenate([number, number]), np.concatenate([at + 3 * self.size, at])),
            ),
            shape=(len(at), 4 * self.size + 1),
        )
        self._add(rows.tocsr(), here - slope * persons, np.full(len(at), np.inf))

    def _add(self, rows: csr_array, low: Floats, high: Floats) -> None:
        self.rows.append(rows)
        self.low.append(low)
        self.high.append(high)

    def _solve(self, costs: Floats, *, whole: bool = True) -> Floats:
        constraint = LinearConstraint(
            vstack(self.rows, format="csr"), np.concatenate(self.low), np.concatenate(self.high)
        )
        found = milp(
            costs,
            integrality=self.integrality if whole else None,
            bounds=Bounds(0, np.inf),
            constraints=constraint,
            options={"mip_rel_gap": 0.0, "time_limit": TIME_LIMIT_S},
        )
        if found.status != 0 or found.x is None:
            msg = f"the posting of {self.people} people on {self.size} posts was not solved: {found.message}"
            raise TooCostly(msg)
        answer: Floats = found.x
        return answer
