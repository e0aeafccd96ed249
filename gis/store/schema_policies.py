"""Policy numbers that a city overrides, dated."""
