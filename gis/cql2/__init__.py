"""CQL2 (OGC 21-065r2) as conditions of the database.

    text --scan.py--> pieces --cql2 package--> JSON form --+
    JSON ----------------------------------------------------+--> translate.py --> SQLAlchemy condition

`limits.py` says how large a filter may be; `parse.py` brings both encodings into one form and holds them to it.
`translate.py` walks that form; each family of operators has a module that takes typed terms and gives typed terms
(`terms.py`): comparisons, characters, arithmetic, temporal, spatial, arrays. Types are checked here, so that a wrong
filter is a ParameterError that says what would be right, and never an error of the database. Every value becomes a
bound parameter, and names come only from the queryables of the collection.
"""
