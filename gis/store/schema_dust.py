"""Dust by weight 以克论净: draws, weighing points, results."""
