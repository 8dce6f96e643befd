"""Know a file that was taken in whole, so that it need not be gone through again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "known_file",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("begun", sa.String(16), nullable=False),
        sa.Column("products", sa.Integer()),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("known_file")
