"""Timing side by side and writing down what came out."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Measured:
    """One line of RESULTS.md: ours against others, in seconds (or requests/s where `rate`)."""

    work: str
    ours: float
    others: dict[str, float]
    targets: dict[str, float] = field(default_factory=dict)
    rate: bool = False
    identical: str = ""
    note: str = ""

    def ratio(self, other: str) -> float:
        """How many times better ours is."""
        return self.ours / self.others[other] if self.rate else self.others[other] / self.ours


def seconds(work: Callable[[], Any], *, rounds: int = 1) -> tuple[float, Any]:
    """Median wall time of `rounds` runs and the last answer."""
    times = []
    answer = None
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        answer = work()
        times.append(time.perf_counter() - start)
    return statistics.median(times), answer


def in_turn(works: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Median times of several works run A B C A B C ..., so that the machine's moods fall on all alike."""
    times: dict[str, list[float]] = {name: [] for name in works}
    answers: dict[str, Any] = {}
    for _ in range(rounds):
        for name, work in works.items():
            spent, answers[name] = seconds(work)
            times[name].append(spent)
    return {name: statistics.median(spent) for name, spent in times.items()}, answers


def machine() -> str:
    """One line about where this ran."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    with open("/proc/cpuinfo") as stream:  # noqa: PTH123
        model = next(
            (line.partition(":")[2].strip() for line in stream if line.startswith("model name")), platform.machine()
        )
    return f"{os.cpu_count()} cores ({model}), {memory_gib:.0f} GiB, {platform.system()} {platform.release()}"


def table(results: list[Measured]) -> str:
    """The results as a Markdown table."""
    lines = ["| work | finegrid | beside | ratio | target | same answers |", "|---|---|---|---|---|---|"]
    for result in results:
        unit = "/s" if result.rate else " s"
        for number, (name, value) in enumerate(result.others.items()):
            target = result.targets.get(name)
            ratio = result.ratio(name)
            met = "" if target is None else f"{target:g} {'met' if ratio >= target else 'MISSED'}"
            first = (
                result.work,
                f"{result.ours:,.3g}{unit}" if result.ours < 100 else f"{result.ours:,.0f}{unit}",
                result.identical,
            )
            work, ours, same = first if number == 0 else ("", "", "")
            shown = f"{value:,.3g}{unit}" if value < 100 else f"{value:,.0f}{unit}"
            lines.append(f"| {work} | {ours} | {name}: {shown} | {ratio:.3g} | {met} | {same} |")
        if result.note:
            lines.append(f"| | | {result.note} | | | |")
    return "\n".join(lines)
