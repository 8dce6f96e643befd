"""Keep what an edition's own record says of its rights, where another book came to the same countries in other words.

Nothing is filled in: records are read anew at the next import.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("edition", sa.Column("rights_statement", sa.JSON()))


def downgrade() -> None:
    """Go back."""
    op.drop_column("edition", "rights_statement")
