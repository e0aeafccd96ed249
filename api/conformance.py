"""What of the standards this server keeps: exactly what tests/conformance shows."""

from __future__ import annotations

COMMON = "http://www.opengis.net/spec/ogcapi-common-{part}/1.0/conf/{name}"
FEATURES = "http://www.opengis.net/spec/ogcapi-features-{part}/1.0/conf/{name}"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/{name}"
TILES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}"
TMS = "http://www.opengis.net/spec/tms/2.0/conf/{name}"

CONFORMS_TO: tuple[str, ...] = (
    *(COMMON.format(part=1, name=name) for name in ("core", "landing-page", "json", "html", "oas30")),
    COMMON.format(part=2, name="collections"),
    *(FEATURES.format(part=1, name=name) for name in ("core", "oas30", "html", "geojson")),
    FEATURES.format(part=2, name="crs"),
    *(
        FEATURES.format(part=3, name=name)
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        CQL2.format(name=name)
        for name in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "property-property",
            "arithmetic",
        )
    ),
    *(TILES.format(name=name) for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "oas30", "mvt")),
    *(TMS.format(name=name) for name in ("tilematrixset", "json-tilematrixset")),
)
