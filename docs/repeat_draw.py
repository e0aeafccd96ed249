"""Repeat a dust draw from its published file: python3 repeat_draw.py FILE. Needs Python 3.10 and nothing else."""

import hashlib
import json
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

doc = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
key = [doc["seed"], doc["public_value"] or ""]
roads = {line[0]: line[1:] for line in map(json.loads, doc["frame"].split("\n"))}  # class, mm, street, name, line


def sha256(*words):
    """Digest of the words with | between them, as 64 hexadecimal digits."""
    return hashlib.sha256("|".join(words).encode()).hexdigest()


of = {name: [code for code in roads if roads[code][0] == name] for name in sorted({road[0] for road in roads.values()})}
mm = {name: sum(roads[code][1] for code in of[name]) for name in of}
share, order = dict.fromkeys(of, 0), []
for _ in range(min(doc["roads"], len(roads))):  # how many of each class
    left = [name for name in of if share[name] < len(of[name])]
    share[max(left, key=lambda name: (share[name] == 0, Fraction(mm[name], 2 * share[name] + 1)))] += 1
for name in of:  # which ones: first those that are certain, then one at each step
    rest = sorted(of[name], key=lambda code: (sha256(*key, "street", roads[code][2]), sha256(*key, "road", code)))
    while certain := [code for code in rest if roads[code][1] * share[name] >= mm[name]]:
        order, rest = order + certain, [code for code in rest if roads[code][1] * share[name] < mm[name]]
        share[name], mm[name] = share[name] - len(certain), mm[name] - sum(roads[code][1] for code in certain)
    laid, hit = 0, int(sha256(*key, "start", name), 16) % max(mm[name], 1)
    for code in rest:
        laid += roads[code][1] * share[name]
        if hit < laid:
            order, hit = [*order, code], hit + mm[name]
drawn = [{"number": number, "code": code, "points": []} for number, code in enumerate(order, 1)]
for road in drawn:  # where: one point in each of as many stretches as there are points
    (_, length, _, _, line), n = roads[road["code"]], doc["points"]
    for number in range(n):
        low, high = length * number // n, length * (number + 1) // n
        at = low + int(sha256(*key, "point", road["code"], str(number + 1)), 16) % max(high - low, 1)
        (x, y, a), (u, v, b) = next(edge for edge in pairwise(line) if edge[0][2] <= at < edge[1][2])
        road["points"].append([x + (u - x) * (at - a) // (b - a), y + (v - y) * (at - a) // (b - a), at])
fixed = ("format", "city", "period", "roads", "points", "frame_sha256", "seed_sha256", "public_source")
committed = "\n".join("" if doc[name] is None else str(doc[name]) for name in fixed)
agrees = {"frame": sha256(doc["frame"]) == doc["frame_sha256"], "seed": sha256(doc["seed"]) == doc["seed_sha256"]}
agrees |= {"commitment": sha256(committed) == doc["commitment_sha256"], "roads and points": drawn == doc["order"]}
print(*(f"{what}: {'equal' if equal else 'NOT EQUAL'}" for what, equal in agrees.items()), sep="\n")
sys.exit(0 if all(agrees.values()) else 1)
