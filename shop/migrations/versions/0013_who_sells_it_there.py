"""Keep who sells an edition where we may not; it stands on the page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WATCHED = (
    "work_id, position, isbn, form, form_detail, protection, pages, width_mm, height_mm, publication_date, "
    "publishing_status, availability, expected_date, stock, rights_set_id, fulfiller, provider_state, "
    "language, accessibility, hazards, usage, safety_contacts, thickness_mm, weight_g, illustrations, cover"
)
"""What 0010 watches."""


def upgrade() -> None:
    """Go forward."""
    op.add_column("edition", sa.Column("elsewhere", sa.JSON(), nullable=False, server_default="[]"))
    _watch(WATCHED + ", elsewhere")


def downgrade() -> None:
    """Go back."""
    _watch(WATCHED)
    op.drop_column("edition", "elsewhere")


def _watch(names: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER page_edition_update ON edition")
        done = "FOR EACH ROW EXECUTE FUNCTION page_edition_update()"
    else:
        op.execute("DROP TRIGGER page_edition_update")
        done = "BEGIN UPDATE work SET revision = revision + 1 WHERE id IN (NEW.work_id, OLD.work_id); END"
    op.execute(f"CREATE TRIGGER page_edition_update AFTER UPDATE OF {names} ON edition {done}")
