"""Let the parts of a work that is just being written raise no revision: nobody has seen its page.

Such a work has revision 0 until the last of its parts is there, in one transaction (`intake.batch`). Every raise writes
the whole row anew, which on PostgreSQL left a table of new works five times as large as they are.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PARTS = {
    "contributor": "NEW.work_id",
    "quotation": "NEW.work_id",
    "edition": "NEW.work_id",
    "price": "(SELECT work_id FROM edition WHERE id = NEW.edition_id)",
}


def upgrade() -> None:
    """Go forward."""
    _watch(" AND revision > 0")


def downgrade() -> None:
    """Go back."""
    _watch("")


def _watch(seen: str) -> None:
    for table, work in PARTS.items():
        trigger = f"page_{table}_insert"
        raised = f"UPDATE work SET revision = revision + 1 WHERE id = {work}{seen};"
        if op.get_bind().dialect.name == "postgresql":
            body = f"RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raised} RETURN NULL; END $$"
            op.execute(f"CREATE OR REPLACE FUNCTION {trigger}() {body}")
        else:
            op.execute(f"DROP TRIGGER {trigger}")
            op.execute(f"CREATE TRIGGER {trigger} AFTER INSERT ON {table} BEGIN {raised} END")
