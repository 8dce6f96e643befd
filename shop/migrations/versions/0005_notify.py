"""Keep who asked to be told when an edition is on sale."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "notify_request",
        sa.Column("id", key, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("edition_id", key, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_notify_request_edition_id_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notify_request")),
        sa.UniqueConstraint("edition_id", "email", name=op.f("uq_notify_request_edition_id_email")),
        sa.UniqueConstraint("public_id", name=op.f("uq_notify_request_public_id")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("notify_request")
