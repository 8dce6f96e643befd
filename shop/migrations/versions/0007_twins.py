"""Keep what staff said of works that are alike: one book, or two."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "work_alias",
        sa.Column("identifier", sa.String(200), nullable=False),
        sa.Column("work_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["work_id"], ["work.id"], name=op.f("fk_work_alias_work_id_work")),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_work_alias")),
    )
    op.create_table(
        "told_apart",
        sa.Column("first", sa.String(200), nullable=False),
        sa.Column("second", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("first", "second", name=op.f("pk_told_apart")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("told_apart")
    op.drop_table("work_alias")
