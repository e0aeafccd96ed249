"""The domain: knows PostGIS, knows no HTTP and no HTML."""
