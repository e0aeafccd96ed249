"""The OGC resources in the API definition: what FastAPI cannot know of routes that read their parameters themselves."""

from __future__ import annotations

from typing import Any

from api.encoding import GEOJSON, JSON
from api.ogc_documents import EXPORTS, HTML, SCHEMA, SCHEMA_OF
from gis.collections.catalogue import COLLECTIONS
from gis.collections.declared import Collection, Parameter, Property
from gis.collections.requests import FILTER_LANGS, LIMIT, MOST

Described = dict[str, Any]
LINK: Described = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {name: {"type": "string"} for name in ("href", "rel", "type", "title")},
}
LINKS: Described = {"type": "array", "items": {"$ref": "#/components/schemas/Link"}}
GEOMETRY: Described = {
    "type": "object",
    "nullable": True,
    "required": ["type", "coordinates"],
    "properties": {"type": {"type": "string"}, "coordinates": {"type": "array", "items": {}}},
}
FEATURE: Described = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"type": "string"},
        "geometry": GEOMETRY,
        "properties": {"type": "object"},
        "links": LINKS,
    },
}
COLLECTION: Described = {
    "type": "object",
    "required": ["id", "links"],
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "itemType": {"type": "string", "enum": ["feature"]},
        "extent": {"type": "object"},
        "crs": {"type": "array", "items": {"type": "string"}},
        "storageCrs": {"type": "string"},
        "links": LINKS,
    },
}
SCHEMAS: Described = {
    "Link": LINK,
    "LandingPage": {"type": "object", "required": ["links"], "properties": {"links": LINKS}},
    "Conformance": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": {"type": "string"}}},
    },
    "Collection": COLLECTION,
    "Collections": {
        "type": "object",
        "required": ["collections", "links"],
        "properties": {
            "links": LINKS,
            "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}},
        },
    },
    "Feature": FEATURE,
    "FeatureCollection": {
        "type": "object",
        "required": ["type", "features", "links"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "timeStamp": {"type": "string", "format": "date-time"},
            "numberMatched": {"type": "integer", "minimum": 0},
            "estimatedNumberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "links": LINKS,
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
        },
    },
}


def query(name: str, schema: Described, description: str, **more: Any) -> Described:
    """A query parameter."""
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description, **more}


TEXT: Described = {"type": "string"}
F = query("f", {"type": "string", "enum": ["json", "geojson", "html"]}, "Form of the answer; else by the Accept header")
LANG = query("lang", {"type": "string", "enum": ["zh", "en"]}, "Language of a page; else what the browser prefers")
CRS = query("crs", {"type": "string", "format": "uri"}, "CRS of the coordinates, one of those the collection names")
LIMIT_PARAMETER = query(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
    f"Most features of a page; more than {MOST} is clipped",
)
BBOX = query(
    "bbox",
    {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    },
    "Box that features must meet: lower corner, upper corner",
    style="form",
    explode=False,
)
DATETIME = query(
    "datetime",
    TEXT,
    "Instant or interval that features must meet: 2016-06-01, 2016-06-01T08:00:00Z, 2016-06-01/2016-06-30, "
    "../2016-06-30; the window of collections that count one",
    style="form",
    explode=False,
)
BBOX_CRS = query("bbox-crs", {"type": "string", "format": "uri"}, "CRS of bbox; CRS84 if not given")
FILTER = query("filter", TEXT, "CQL2 expression that must hold, e.g. tier = 'key' AND area_km2 > 0.005")
FILTER_LANG = query("filter-lang", {"type": "string", "enum": list(FILTER_LANGS)}, "How the filter is written")
FILTER_CRS = query("filter-crs", {"type": "string", "format": "uri"}, "CRS of the filter's coordinates")
FILTER_PARAMETERS = [BBOX, BBOX_CRS, DATETIME, FILTER, FILTER_LANG, FILTER_CRS]
PROPERTIES = query("properties", TEXT, "Properties that are written, comma between; all if not given")
SORTBY = query("sortby", TEXT, "Order: property names, comma between, - before a descending one")
AFTER = query("after", TEXT, "Where the page begins; taken from the next link")
COUNT = query(
    "count",
    {"type": "string", "enum": ["exact", "estimate", "none"]},
    "How numberMatched is found: counted at any price, estimated by the planner (as estimatedNumberMatched), or left "
    "out; not given: counted while that is cheap, else estimated",
)
COLLECTION_ID: Described = {
    "name": "collectionId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": list(COLLECTIONS)},
    "description": "A collection; those of levels that the city lacks are not there (404)",
}
FEATURE_ID: Described = {
    "name": "featureId",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "Identifier of a feature, as `id` says in the collection",
}
NOT_MODIFIED: Described = {"description": "Nothing changed since the answer whose ETag or Last-Modified was sent"}


def operation(
    tag: str, name: str, summary: str, parameters: list[Described], content: Described, description: str = ""
) -> Described:
    """A GET operation."""
    ok = {
        "description": "The answer",
        "content": content,
        "headers": {
            "ETag": {"schema": TEXT, "description": "Holds as long as the data behind the answer stays"},
            "Last-Modified": {"schema": TEXT, "description": "When that data changed"},
        },
    }
    responses = {"200": ok, "304": NOT_MODIFIED}
    described = {"description": description} if description else {}
    return {
        "get": {
            "tags": [tag],
            "operationId": name,
            "summary": summary,
            **described,
            "parameters": parameters,
            "responses": responses,
        }
    }


def answers(schema: str, media: str = JSON) -> Described:
    """Content in the two forms."""
    return {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}, HTML: {"schema": TEXT}}


def own_parameters(collection: Collection) -> list[Described]:
    """A collection's own parameters."""
    return [parameter_of(one) for one in collection.parameters]


def parameter_of(one: Parameter) -> Described:
    """A parameter of a collection's own."""
    schema: Described = {"day": SCHEMA_OF["date"], "flag": {"type": "boolean"}}.get(one.kind, dict(TEXT))
    if one.one_of:
        schema = {**schema, "enum": list(one.one_of)}
    if one.pattern:
        schema = {**schema, "pattern": one.pattern}
    if one.repeatable:
        return query(one.name, {"type": "array", "items": schema}, one.description, style="form", explode=True)
    return query(one.name, schema, one.description)


def property_parameters(collection: Collection, taken: set[str]) -> list[Described]:
    """Properties as parameters of equality."""
    return [_property(one) for one in collection.properties if one.name not in taken]


def _property(one: Property) -> Described:
    schema = {**SCHEMA_OF[one.kind], **({"enum": list(one.one_of)} if one.one_of else {})}
    return query(one.name, schema, f"Only features whose {one.name} is this")


def _exported(media: str) -> Described:
    """A GeoJSON file is a collection of features without the links of a page; all else is bytes to its reader."""
    if media != GEOJSON:
        return {"type": "string", "format": "binary"}
    features = {"type": "array", "items": {"$ref": "#/components/schemas/Feature"}}
    return {"type": "object", "required": ["type", "features"], "properties": {"type": TEXT, "features": features}}


def paths() -> Described:
    """Every path of the OGC resources but those of tiles."""
    tag = "OGC API - Features"
    shared = [F, LANG]
    found: Described = {
        "/": operation(tag, "getLandingPage", "What there is, and where", shared, answers("LandingPage")),
        "/conformance": operation(tag, "getConformance", "Conformance classes", shared, answers("Conformance")),
        "/collections": operation(tag, "getCollections", "All collections", shared, answers("Collections")),
        "/collections/{collectionId}": operation(
            tag, "describeCollection", "One collection", [COLLECTION_ID, *shared], answers("Collection")
        ),
        "/collections/{collectionId}/queryables": operation(
            tag,
            "getQueryables",
            "What filters may name",
            [COLLECTION_ID, *shared],
            {SCHEMA: {"schema": {"type": "object"}}, HTML: {"schema": TEXT}},
        ),
        "/collections/{collectionId}/items/{featureId}": operation(
            tag, "getFeature", "One feature", [COLLECTION_ID, FEATURE_ID, CRS, *shared], answers("Feature", GEOJSON)
        ),
        "/collections/{collectionId}/export": operation(
            "exports",
            "exportCollection",
            "A whole collection as a file",
            [
                COLLECTION_ID,
                query("f", {"type": "string", "enum": list(EXPORTS)}, "Format, named by the ending of its files"),
                *FILTER_PARAMETERS,
                CRS,
                PROPERTIES,
                SORTBY,
            ],
            {media: {"schema": _exported(media)} for _, media in EXPORTS.values()},
            "Takes the collection's own parameters and properties as well, as its items do.",
        ),
    }
    for collection in COLLECTIONS.values():
        own = own_parameters(collection)
        general = [LIMIT_PARAMETER, *FILTER_PARAMETERS, CRS, PROPERTIES, SORTBY, AFTER, COUNT, F, LANG]
        taken = {one["name"] for one in (*own, *general)}
        found[f"/collections/{collection.id}/items"] = operation(
            tag,
            f"getFeatures.{collection.id}",
            f"Features: {collection.title}",
            [*own, *general, *property_parameters(collection, taken)],
            answers("FeatureCollection", GEOJSON),
            collection.description,
        )
    return found
