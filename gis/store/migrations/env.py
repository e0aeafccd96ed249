"""Alembic's entry: migrates the engine that `gis.store.database.migration_config` hands over, online only."""

from typing import Any

from alembic import context
from geoalchemy2 import alembic_helpers

from gis.store import (
    schema_cases,
    schema_dust,
    schema_duty,
    schema_listings,
    schema_measures,
    schema_open311,
    schema_operations,
    schema_policies,
    schema_standings,
    schema_surveys,
    schema_webhooks,
)
from gis.store.schema import metadata

# Imported for the tables that they put into `metadata`.
TABLES = (
    schema_cases,
    schema_dust,
    schema_duty,
    schema_listings,
    schema_measures,
    schema_open311,
    schema_operations,
    schema_policies,
    schema_standings,
    schema_surveys,
    schema_webhooks,
)


def include_object(thing: Any, name: str | None, kind: Any, reflected: bool, compare_to: Any) -> bool:
    # PostGIS owns its tables; expression and typmod differences of ours are compared by alembic itself.
    if kind == "table" and reflected and name in {"spatial_ref_sys"}:
        return False
    return bool(alembic_helpers.include_object(thing, name, kind, reflected, compare_to))


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        render_item=alembic_helpers.render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
