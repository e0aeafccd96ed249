"""Hot spots 热点: significance of clusters, worked out and kept."""
