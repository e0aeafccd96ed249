"""The rule book: pure functions over plain values, standard library only."""
