"""Keep who accepted that less may be sold than before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("sellable_day", sa.Column("accepted_by", sa.Text()))


def downgrade() -> None:
    """Go back."""
    op.drop_column("sellable_day", "accepted_by")
