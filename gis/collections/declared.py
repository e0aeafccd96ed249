"""What a collection is: a question to the database, the columns it answers with, and how they may be asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection

PropertyKind = Literal["string", "integer", "number", "boolean", "date", "date-time"]
GeometryKind = Literal["point", "multipolygon", "multilinestring"]
GEOMETRY = "geometry"
"""What clients call the geometry; the column of a question is `geom`."""


@dataclass(frozen=True)
class Property:
    """One property of a collection's features.

    Parameters
    ----------
    name
        As clients write it; also the column of the question.
    kind
        JSON type, or date / date-time (RFC 3339).
    title, title_zh
        For people.
    unit
        As in the name: km2, m, per km2, persons.
    one_of
        Values it can have, where they are a fixed list.
    nullable
        Whether a feature may lack it.
    """

    name: str
    kind: PropertyKind
    title: str
    title_zh: str
    unit: str | None = None
    one_of: tuple[str, ...] = ()
    nullable: bool = False


@dataclass(frozen=True)
class Parameter:
    """One query parameter of a collection's own, such as the days that a density counts."""

    name: str
    description: str
    description_zh: str
    kind: Literal["day", "text", "flag"] = "text"
    repeatable: bool = False
    one_of: tuple[str, ...] = ()
    pattern: str | None = None
    """Regular expression of its text, for the API definition; `bind` judges it."""


Given = Mapping[str, Any]
"""Values of a collection's own parameters, parsed: date, str, bool, or a tuple of str where repeatable."""


@dataclass(frozen=True)
class Bound:
    """A collection's question made ready for one request.

    Parameters
    ----------
    binds
        Values of the parameters in gis/sql/<question>.sql.
    facts
        What the answer should say about itself, e.g. the window that was counted.
    """

    binds: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Collection:
    """One collection.

    Parameters
    ----------
    id
        In the address: /collections/{id}.
    question
        gis/sql/<question>.sql answers with `properties` (same names, same order not required) and `geom` (EPSG:4326).
    properties
        All columns that clients see.
    key
        Columns that together identify a feature and give the default order; never null, and unique.
    geometry
        Kind of `geom`.
    layers
        Data versions on which the answer depends.
    time
        Properties that begin and end a feature's time (the same twice for an instant); None: timeless.
    parameters
        The collection's own query parameters.
    binds
        Values of the question's parameters that are the same for every request.
    bind
        (conn, given) -> Bound: values that are worked out for a request, and what the answer says about them; None:
        there are none. Raises ParameterError.
    level
        The area level that the city must have for this collection to be there; None: always there.
    daily
        Whether the answer changes with the calendar day though no data changes.
    sums
        Properties that add up over features (count, area_km2): what an aggregated tile sums.
    synthetic
        Layer of the city's provenance that tells whether the data is made up.
    hidden
        Columns of the question that clients do not see, e.g. in the key.
    beyond_deg
        How many degrees features may reach beyond the ground and all reports; None: they lie on the ground, or are
        reports.
    kept
        Whether a server may keep all features as text in memory: few enough, and the same for every request.
    feature_id
        Column that names a feature in /collections/{id}/items/{featureId}.
    identify
        Feature id -> the columns and values that find it; None: no feature can be called so.
    """

    id: str
    title: str
    title_zh: str
    description: str
    description_zh: str
    question: str
    properties: tuple[Property, ...]
    key: tuple[str, ...]
    geometry: GeometryKind
    layers: tuple[str, ...]
    time: tuple[str, str] | None = None
    parameters: tuple[Parameter, ...] = ()
    binds: Mapping[str, Any] = field(default_factory=dict)
    bind: Callable[[Connection, Given], Bound] | None = None
    level: str | None = None
    daily: bool = False
    sums: tuple[str, ...] = ()
    synthetic: str | None = None
    hidden: tuple[Property, ...] = ()
    kept: bool = False
    beyond_deg: float | None = None
    feature_id: str = "code"
    identify: Callable[[str], Mapping[str, Any] | None] | None = None

    def finds(self, feature_id: str) -> Mapping[str, Any] | None:
        """Columns and values that find a feature."""
        return {self.feature_id: feature_id} if self.identify is None else self.identify(feature_id)

    def bound(self, conn: Connection, given: Given) -> Bound:
        """The question made ready for a request.

        Raises
        ------
        ParameterError
            A parameter of the collection's own is wrong.
        """
        if self.bind is None:
            return Bound(self.binds)
        worked_out = self.bind(conn, given)
        return Bound({**self.binds, **worked_out.binds}, worked_out.facts)

    def kind(self, column: str) -> PropertyKind:
        """The kind of a column of the question, hidden or not."""
        return next(one.kind for one in (*self.properties, *self.hidden) if one.name == column)

    def property(self, name: str) -> Property | None:
        """The property of that name, if there is one."""
        return next((one for one in self.properties if one.name == name), None)
