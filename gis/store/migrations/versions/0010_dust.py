"""Dust by weight."""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in with its issue."""


def downgrade() -> None:
    """Filled in with its issue."""
