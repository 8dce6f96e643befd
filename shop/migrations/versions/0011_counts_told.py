"""Keep the count of copies that a record told last, so that its repetition does not bring back what was sold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("edition", sa.Column("told_stock", sa.Integer()))


def downgrade() -> None:
    """Go back."""
    op.drop_column("edition", "told_stock")
