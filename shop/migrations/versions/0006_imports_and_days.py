"""Keep the files that staff bring, and how much could be sold where on each day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTS = ("done", "added", "changed", "withdrawn", "unchanged", "left_out")


def upgrade() -> None:
    """Go forward."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "onix_import",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("brought_by", sa.Text(), nullable=False),
        sa.Column("brought_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known", sa.Integer()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_onix_import")),
    )
    op.create_table(
        "sellable_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_sellable_day")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("sellable_day")
    op.drop_table("onix_import")
