"""Tiles of every collection, made in memory.

A collection's features are read once per version of its data and kept; the counts of a window join them as further
columns. So a tile that nobody asked for before needs no query but that of the versions. Reports are too many to be
kept: see `gis.tiles.reports`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from gis.city import read_city
from gis.collections.catalogue import COLLECTIONS
from gis.collections.declared import Collection, Given, Property
from gis.collections.windows import asked_window
from gis.density import DensityQuery, DensityTable, density, road_density
from gis.errors import NotFound
from gis.ground import Ground, load_ground
from gis.store.database import sql
from gis.tiles.kept import Kept, Key
from gis.tiles.mvt import Column
from gis.tiles.pictures import Picture, squares_tile
from gis.tiles.pyramid import MAX_ZOOM, Bounds, check_tile, to_lonlat
from gis.tiles.reports import DETAIL_ZOOM, REPORTS, ReportSums, report_properties, report_tile
from gis.tiles.sources import Source, positions_in, read_source, spread, summands_of, tile_properties
from gis.tiles.squares import Rate, Sums, halvings_of

DENSITY = "density-"
SOURCES_KEPT, PICTURES_KEPT = 16, 8

Versions = Mapping[str, tuple[int, int]]
"""Layer -> version and when it changed (microseconds since 1970), as data_versions.sql and VersionWatch tell."""

# A density collection's property -> that of the collection whose geometry it has.
OTHER_NAMES = {"cells": {"name": "area_name"}}


@dataclass(frozen=True)
class LayerFacts:
    """What TileJSON says about a layer.

    Parameters
    ----------
    fields
        Property -> String, Number or Boolean; those of features and of squares.
    detail_zoom
        Zoom from which features are shown themselves; below, squares of a grid with sums.
    bounds
        West, south, east, north in WGS 84 degrees; None: there is nothing.
    window
        What was counted, where anything was.
    """

    id: str
    fields: dict[str, str]
    min_zoom: int
    max_zoom: int
    detail_zoom: int
    bounds: Bounds | None
    window: DensityQuery | None = None


class TileLayers:
    """Makes tiles; one per process, for any number of threads.

    Parameters
    ----------
    ground
        Gives the ground as the connection's transaction sees it, for the sums of a window.
    collections
        What there are tiles of.
    """

    def __init__(
        self,
        ground: Callable[[Connection], Ground] = load_ground,
        collections: Mapping[str, Collection] = COLLECTIONS,
    ) -> None:
        self._ground, self._collections = ground, collections
        self._sources: Kept[Source] = Kept(SOURCES_KEPT)
        self._pictures: Kept[Picture | ReportSums] = Kept(PICTURES_KEPT)
        self._windows: Kept[DensityQuery] = Kept(2)

    def tile(
        self,
        conn: Connection,
        collection_id: str,
        z: int,
        x: int,
        y: int,
        query: DensityQuery | None = None,
        given: Given | None = None,
    ) -> bytes:
        """A tile of a collection; empty where it shows nothing.

        Parameters
        ----------
        conn
            Its transaction sees one snapshot (REPEATABLE READ), so that versions and data belong together.
        query
            What is counted; None: for density and reports the window that the city opens with, else nothing.
        given
            Values of other parameters of the collection, e.g. level and on of staffing.

        Raises
        ------
        NotFound
            There is no such collection, here or anywhere, or no such tile.
        ParameterError
            The zoom, or what `query` or `given` name, is wrong.
        """
        check_tile(z, x, y)
        self._collection(collection_id)
        seen = read_versions(conn)
        query = self._window(conn, collection_id, query, seen)
        if collection_id == REPORTS and z >= DETAIL_ZOOM and query is not None:
            return report_tile(conn, query, z, x, y)
        return self._cut(self._picture(conn, collection_id, query, given or {}, seen), collection_id, z, x, y)

    def tile_in_memory(
        self,
        seen: Versions,
        collection_id: str,
        z: int,
        x: int,
        y: int,
        query: DensityQuery | None = None,
        given: Given | None = None,
    ) -> bytes | None:
        """The same without a connection, where all that is needed was read for these versions; else None.

        Parameters
        ----------
        seen
            Versions of a moment after the tile was asked for (`VersionWatch.now().of`).
        """
        check_tile(z, x, y)
        collection = self._collection(collection_id)
        if collection.daily or (collection_id == REPORTS and z >= DETAIL_ZOOM):
            return None
        if query is None and self._counts(collection_id):
            query = self._windows.find(_window_key(seen))
            if query is None:
                return None
        picture = self._pictures.find(self._picture_key(collection, query, given or {}, seen, None))
        return None if picture is None else self._cut(picture, collection_id, z, x, y)

    def describe(
        self,
        conn: Connection,
        collection_id: str,
        query: DensityQuery | None = None,
        given: Given | None = None,
    ) -> LayerFacts:
        """What TileJSON says about a collection's tiles; parameters and errors as for `tile`."""
        collection = self._collection(collection_id)
        seen = read_versions(conn)
        query = self._window(conn, collection_id, query, seen)
        picture = self._picture(conn, collection_id, query, given or {}, seen)
        if isinstance(picture, ReportSums):
            properties, sums = report_properties(), picture.sums
            detail, bounds = DETAIL_ZOOM, picture.bounds
        else:
            properties, sums = self._properties(collection, query), picture.sums
            detail, bounds = picture.source.detail, picture.source.table.shapes.bounds
        fields = {one.name: _field(one.kind) for one in properties} | dict.fromkeys(sums.names, "Number")
        return LayerFacts(collection_id, fields, 0, MAX_ZOOM, detail, _degrees(bounds), query)

    # -- what is kept --------------------------------------------------------------------------------------------------

    def _collection(self, collection_id: str) -> Collection:
        found = self._collections.get(collection_id)
        if found is None:
            msg = f"there is no layer {collection_id!r}; there are {', '.join(self._collections)}"
            raise NotFound(msg)
        return found

    @staticmethod
    def _counts(collection_id: str) -> bool:
        return collection_id == REPORTS or collection_id.startswith(DENSITY)

    def _window(
        self, conn: Connection, collection_id: str, query: DensityQuery | None, seen: Versions
    ) -> DensityQuery | None:
        if query is not None:
            return replace(query, bbox=None)  # the tile is the box
        if not self._counts(collection_id):
            return None
        return self._windows.get(_window_key(seen), lambda: asked_window(conn, {}))

    def _picture_key(
        self, collection: Collection, query: DensityQuery | None, given: Given, seen: Versions, day: Any
    ) -> Key:
        layers = set(collection.layers)
        if query is not None:
            counted = self._collections.get(DENSITY + collection.id.removeprefix(DENSITY))
            layers |= {"reports", "categories"} | set(counted.layers if counted else ())
        state = tuple(seen.get(one, (0, 0)) for one in sorted(layers))
        # With and without a window a layer has other versions, and each forgets only its own old ones.
        counted_query = None if query is None else replace(query, bbox=None)
        return Key((collection.id, query is None), state, (counted_query, _hashable(given), day))

    def _picture(
        self, conn: Connection, collection_id: str, query: DensityQuery | None, given: Given, seen: Versions
    ) -> Picture | ReportSums:
        collection = self._collection(collection_id)
        day = datetime.now(read_city(conn).zone).date() if collection.daily else None
        key = self._picture_key(collection, query, given, seen, day)
        if collection_id == REPORTS and query is not None:
            counted = query
            return self._pictures.get(
                key, lambda: ReportSums.read(conn, self._ground(conn), self._source(conn, "cells", {}, seen), counted)
            )
        return self._pictures.get(key, lambda: self._make(conn, collection, query, given, seen, day))

    def _source(self, conn: Connection, collection_id: str, given: Given, seen: Versions, day: Any = None) -> Source:
        collection = self._collection(collection_id)
        key = self._picture_key(collection, None, given, seen, day)
        return self._sources.get(key, lambda: read_source(conn, collection, given))

    def _make(
        self,
        conn: Connection,
        collection: Collection,
        query: DensityQuery | None,
        given: Given,
        seen: Versions,
        day: Any,
    ) -> Picture:
        if collection.level is not None and collection.level not in read_city(conn).area_levels:
            msg = f"there is no layer {collection.id!r}: the city has no level {collection.level!r}"
            raise NotFound(msg)
        base = self._collection(collection.id.removeprefix(DENSITY))
        source = self._source(conn, base.id, given, seen, day)
        columns = dict(source.table.columns)
        for name, other in OTHER_NAMES.get(base.id, {}).items():
            columns[name] = replace(columns[other], name=name)
        properties = self._properties(collection, query)
        sums: tuple[str, ...] = collection.sums
        rates: tuple[Rate, ...] = ()
        if query is not None and DENSITY + base.id in self._collections:
            counted = self._collection(DENSITY + base.id)
            table = self._count(conn, counted, query)
            columns |= _joined(counted.properties, table, source)
            sums = counted.sums
            rates = tuple(
                one
                for one in (
                    Rate("per_km2", "count", "area_km2"),
                    Rate("per_km", "count", "length_m", 1 / 1000),
                )
                if one.name in columns
            )
        summands = summands_of(properties, sums, columns)
        return Picture(
            collection.id, source, [columns[one.name] for one in properties], Sums(source.where, summands, rates)
        )

    def _properties(self, collection: Collection, query: DensityQuery | None) -> list[Property]:
        found = tile_properties(collection)
        counted = self._collections.get(DENSITY + collection.id)
        if query is not None and counted is not None:
            known = {one.name for one in found}
            more = (one for one in tile_properties(counted) if one.kind in ("integer", "number"))
            found += [one for one in more if one.name not in known]
        return found

    def _count(self, conn: Connection, counted: Collection, query: DensityQuery) -> DensityTable:
        ground = self._ground(conn)
        if counted.geometry == "multilinestring":
            return road_density(conn, ground, query)
        return density(conn, ground, counted.level or "cell", query)

    @staticmethod
    def _cut(picture: Picture | ReportSums, collection_id: str, z: int, x: int, y: int) -> bytes:
        if isinstance(picture, ReportSums):
            return squares_tile(collection_id, picture.sums, z, x, y, halvings_of(z, picture.width))
        return picture.tile(z, x, y)


def read_versions(conn: Connection) -> dict[str, tuple[int, int]]:
    """Versions as `VersionWatch` has them, as a transaction sees them."""
    return {row.layer: (row.version, row.changed_us) for row in conn.execute(sql("data_versions"))}


def _joined(properties: tuple[Property, ...], table: DensityTable, source: Source) -> dict[str, Column]:
    """The columns that a window adds, brought to the rows of the geometry."""
    position = positions_in(source.table.keys, table.columns["code"])
    size = len(source.table.keys)
    found = {}
    for one in properties:
        if one.kind == "integer":
            found[one.name] = Column(one.name, "integer", spread(table.columns[one.name], position, size, 0))
        elif one.kind == "number":
            values = np.asarray(table.columns[one.name], np.float64)
            found[one.name] = Column(one.name, "number", spread(values, position, size, np.nan))
    return found


def _window_key(seen: Versions) -> Key:
    return Key("window", (seen.get("city"), seen.get("reports"), datetime.now(UTC).date()))


def _hashable(given: Given) -> Hashable:
    return tuple(sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in given.items()))


def _field(kind: str) -> str:
    return {"integer": "Number", "number": "Number", "boolean": "Boolean"}.get(kind, "String")


def _degrees(bounds: np.ndarray[Any, Any]) -> Bounds | None:
    if not len(bounds):
        return None
    west, south = to_lonlat(float(bounds[:, 0].min()), float(bounds[:, 1].min()))
    east, north = to_lonlat(float(bounds[:, 2].max()), float(bounds[:, 3].max()))
    return west, south, east, north
