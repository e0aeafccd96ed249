"""Predicates on our own collections, by the conformance class of CQL2 that they need."""

from __future__ import annotations

SAMPLES: dict[str, dict[str, list[str]]] = {
    "cells": {
        "basic-cql2": ["tier = 'key'", "surveyed = false", "area_km2 > 0.0101635", "code >= '990102'", "true"],
        "advanced-comparison-operators": [
            "code LIKE '99010_00%'",
            "area_km2 NOT BETWEEN 0 AND 0.01016346",
            "tier IN ('key', 'general')",
            "area_name NOT IN ('东街')",
        ],
        "case-insensitive-comparison": ["CASEI(tier) = casei('KEY')", "CASEI(area_name) LIKE casei('=%')"],
        "basic-spatial-functions": [
            "S_INTERSECTS(geometry, BBOX(113.6021, 34.7005, 113.6055, 34.7021))",
            "S_INTERSECTS(geometry, POINT(113.6025 34.7025))",
        ],
        "spatial-functions": [
            "S_DISJOINT(geometry, LINESTRING(113.6 34.7005, 113.612 34.7035))",
            "S_WITHIN(geometry, POLYGON((113.6 34.7, 113.606 34.7, 113.606 34.704, 113.6 34.704, 113.6 34.7)))",
            "S_TOUCHES(geometry, POINT(113.603 34.702))",
        ],
        "property-property": ["area_code < code", "'key' = tier", "area_name <> area_code"],
        "arithmetic": ["area_km2 * 1000 > 10.1635", "area_km2 + 1 < 1.0101636"],
    },
    "roads": {
        "basic-cql2": ["name IS NULL", "class <> 'main'", "length_m >= 549", "groups IS NOT NULL"],
        "advanced-comparison-operators": ["name LIKE 'R_'", "length_m BETWEEN 90 AND 460", "class IN ('main')"],
        "basic-spatial-functions": ["S_INTERSECTS(geometry, BBOX(113.6, 34.7, 113.6065, 34.702))"],
        "spatial-functions": [
            "S_CROSSES(geometry, BBOX(113.603, 34.701, 113.62, 34.703))",
            "S_OVERLAPS(geometry, LINESTRING(113.605 34.7015, 113.608 34.7015))",
        ],
        "property-property": ["code = name", "name < class"],
        "arithmetic": ["length_m / 2 > 250", "length_m % 2 < 1"],
    },
    "reports": {
        "basic-cql2": [
            "day = DATE('2016-05-03')",
            "reported_at < TIMESTAMP('2016-05-10T08:30:00Z')",
            "chaos IS NULL",
            "source = 'citizen'",
            "segment_code > 'R1'",
        ],
        "advanced-comparison-operators": [
            "description LIKE '第%号'",
            "day IN (DATE('2016-05-03'), DATE('2016-05-04'))",
            "cell_code NOT LIKE '990102%'",
        ],
        "case-insensitive-comparison": ["CASEI(category_name_en) = casei('street VENDORS')"],
        "basic-spatial-functions": ["S_INTERSECTS(geometry, BBOX(113.6, 34.7, 113.605, 34.702))"],
        "spatial-functions": ["S_DISJOINT(geometry, BBOX(113.6, 34.7, 113.605, 34.702))"],
        "temporal-functions": [
            "T_AFTER(day, DATE('2016-05-12'))",
            "T_INTERSECTS(reported_at, INTERVAL('2016-05-05T00:00:00Z', '2016-05-09T00:00:00Z'))",
            "T_INTERSECTS(day, INTERVAL('2016-05-05', '..'))",
        ],
        "property-property": ["day = reported_at", "source = source_kind", "category_name < description"],
    },
    "staffing": {
        "basic-cql2": ["gap < 0", "tier IS NULL", "required > 1", "area_km2 IS NOT NULL"],
        "advanced-comparison-operators": ["on_post IN (0, 1)", "gap BETWEEN -2 AND -1", "tier LIKE '%e%'"],
        "basic-spatial-functions": ["S_INTERSECTS(geometry, POINT(113.6025 34.7025))"],
        "property-property": ["required > on_post", "gap < on_post", "code <> name"],
        "arithmetic": ["gap = on_post - required", "required div 2 = 1", "2 * on_post > required"],
    },
    "coordinators": {
        "basic-cql2": ["on_post_until IS NULL", "on_post_from = DATE('2016-01-01')", "tier <> 'key'"],
        "advanced-comparison-operators": ["ref IN ('A1', 'A4')", "name LIKE 'A%'"],
        "spatial-functions": ["S_WITHIN(geometry, BBOX(113.6, 34.7, 113.604, 34.704))"],
        "temporal-functions": [
            "T_BEFORE(on_post_until, DATE('2016-06-01'))",
            "T_OVERLAPS(INTERVAL(on_post_from, on_post_until), INTERVAL('2016-03-01', '2016-12-31'))",
        ],
        "property-property": ["name = ref", "on_post_from < on_post_until"],
    },
}
