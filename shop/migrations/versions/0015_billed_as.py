"""Remember under which address a provider booked an ebook that it has moved to another since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("entitlement", sa.Column("billed_as", sa.String(254)))


def downgrade() -> None:
    """Go back."""
    op.drop_column("entitlement", "billed_as")
