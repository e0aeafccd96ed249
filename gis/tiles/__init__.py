"""Vector tiles (Mapbox Vector Tile 2.1) of every collection, in the OGC tile matrix set WebMercatorQuad."""
