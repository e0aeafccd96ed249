"""How things are kept: schema, engine, embedded cluster, migrations."""
