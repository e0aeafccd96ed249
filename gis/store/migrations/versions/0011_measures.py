"""Measures and evidence."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in with its issue."""


def downgrade() -> None:
    """Filled in with its issue."""
