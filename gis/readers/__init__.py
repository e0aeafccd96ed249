"""Files of areas, cells, roads and people: columns by field, geometry in WGS 84, every doubtful row named."""

from gis.readers.features import Features, Layout, read_features

__all__ = ["Features", "Layout", "read_features"]
