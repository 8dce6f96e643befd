"""Let works that are written by hundreds be indexed by one statement; the trigger minds all others.

For each row that a trigger adds to it, SQLite opens a savepoint, and FTS5 writes out what it has gathered so far: that
took ten times as long as indexing the words. A work that comes with revision 0 is left to whoever brings it
(`search.index_new`); PostgreSQL knows no such difference.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEEP = "INSERT INTO work_word (rowid, search_text) VALUES (new.id, new.search_text);"


def upgrade() -> None:
    """Go forward."""
    _index("WHEN new.revision > 0")


def downgrade() -> None:
    """Go back."""
    _index("")


def _index(when: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER work_word_insert")
        op.execute(f"CREATE TRIGGER work_word_insert AFTER INSERT ON work {when} BEGIN {KEEP} END")
