"""Pure NumPy, shapely and pyproj; no database."""
