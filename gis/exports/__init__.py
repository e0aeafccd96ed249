"""Whole collections as files: text straight from the database's COPY, the rest from batches of it."""
