"""Raise a work's revision whenever anything its page shows changes, whoever changes it.

A trigger, not code of the shop: an import, a sale, a provider's word, or a hand at the database's own prompt
are all noticed by the page that is kept in memory.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORK_TEXT = "slug, title, subtitle, publisher, description, short_description, territory_statement"
EDITION_FACTS = (
    "work_id, position, isbn, form, form_detail, protection, pages, width_mm, height_mm, publication_date, "
    "publishing_status, availability, expected_date, stock, rights_set_id, fulfiller, provider_state"
)

# table: what changes matter, and whose page they are on, for the row {row}
WATCHED = {
    "work": (f"UPDATE OF {WORK_TEXT}", "{row}.id"),
    "contributor": ("UPDATE", "{row}.work_id"),
    "quotation": ("UPDATE", "{row}.work_id"),
    "edition": (f"UPDATE OF {EDITION_FACTS}", "{row}.work_id"),
    "price": ("UPDATE", "(SELECT work_id FROM edition WHERE id = {row}.edition_id)"),
    "rights_set": (
        "UPDATE OF countries, signed_at",
        "SELECT work_id FROM edition WHERE rights_set_id = {row}.id",
    ),
}
WHOLE = {"work", "rights_set"}


def upgrade() -> None:
    """Set the watch."""
    for table, (update, whose) in WATCHED.items():
        events = {"update": (update, ("NEW", "OLD"))}
        if table not in WHOLE:
            events |= {"insert": ("INSERT", ("NEW",)), "delete": ("DELETE", ("OLD",))}
        for name, (event, rows) in events.items():
            _watch(table, name, event, " UNION ".join(_select(whose.format(row=row)) for row in rows))


def downgrade() -> None:
    """Take it away."""
    for table in WATCHED:
        for name in ("update",) if table in WHOLE else ("update", "insert", "delete"):
            on = f" ON {table}" if _is_postgresql() else ""
            op.execute(f"DROP TRIGGER page_{table}_{name}{on}")
            if _is_postgresql():
                op.execute(f"DROP FUNCTION page_{table}_{name}()")


def _watch(table: str, name: str, event: str, works: str) -> None:
    raised = f"UPDATE work SET revision = revision + 1 WHERE id IN ({works});"
    trigger = f"page_{table}_{name}"
    if _is_postgresql():
        op.execute(
            f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raised} RETURN NULL; END $$"
        )
        op.execute(f"CREATE TRIGGER {trigger} AFTER {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {trigger}()")
    else:
        op.execute(f"CREATE TRIGGER {trigger} AFTER {event} ON {table} BEGIN {raised} END")


def _select(whose: str) -> str:
    return whose if whose.startswith("SELECT") else f"SELECT {whose}"


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
