"""Keep every detail of a form: the kind of file, and how it is laid out; before, only the first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

WATCHED = (
    "work_id, position, isbn, form, {}, protection, pages, width_mm, height_mm, publication_date, "
    "publishing_status, availability, expected_date, stock, rights_set_id, fulfiller, provider_state, "
    "language, accessibility, hazards, usage, safety_contacts, thickness_mm, weight_g, illustrations, cover, elsewhere"
)
"""What 0013 watches."""


def upgrade() -> None:
    """Go forward."""
    _replace("form_detail", "form_details", sa.String(100))


def downgrade() -> None:
    """Go back; of several details the first is kept."""
    _replace("form_details", "form_detail", sa.String(4))


def _replace(old: str, new: str, kind: sa.String) -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(f"DROP TRIGGER page_edition_update{' ON edition' if is_postgresql else ''}")
    op.add_column("edition", sa.Column(new, kind))
    op.execute(f"UPDATE edition SET {new} = substr({old}, 1, {kind.length})")
    op.drop_column("edition", old)
    if is_postgresql:
        done = "FOR EACH ROW EXECUTE FUNCTION page_edition_update()"
    else:
        done = "BEGIN UPDATE work SET revision = revision + 1 WHERE id IN (NEW.work_id, OLD.work_id); END"
    op.execute(f"CREATE TRIGGER page_edition_update AFTER UPDATE OF {WATCHED.format(new)} ON edition {done}")
