"""Pages with maps: Folium, with everything they need on board."""
