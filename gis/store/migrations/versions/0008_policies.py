"""A city overrides numbers of the rule book."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in with its issue."""


def downgrade() -> None:
    """Filled in with its issue."""
