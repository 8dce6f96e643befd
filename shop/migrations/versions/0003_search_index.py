"""Index the words and marks of each work, and keep the words that are known; newest first has an index on both engines.

SQLite keeps the index by triggers (FTS5 over the table's own text, so that nothing is stored twice); PostgreSQL by an
index over an expression, with lexemes as they are: neither cuts words in its own way.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FTS5 = """
CREATE VIRTUAL TABLE work_word USING fts5(
    search_text, content='work', content_rowid='id', detail=none, columnsize=0, prefix='2 3',
    tokenize="unicode61 remove_diacritics 0 tokenchars '='"
)
"""
FORGET = "INSERT INTO work_word (work_word, rowid, search_text) VALUES ('delete', old.id, old.search_text);"
KEEP = "INSERT INTO work_word (rowid, search_text) VALUES (new.id, new.search_text);"
TRIGGERS = {
    "work_word_insert": f"AFTER INSERT ON work BEGIN {KEEP} END",
    "work_word_delete": f"AFTER DELETE ON work BEGIN {FORGET} END",
    "work_word_update": f"AFTER UPDATE OF search_text ON work BEGIN {FORGET} {KEEP} END",
}


def upgrade() -> None:
    """Go forward."""
    word = sa.String(60, collation="C").with_variant(sa.String(), "sqlite")
    op.create_table(
        "known_word",
        sa.Column("word", word, nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_known_word")),
    )
    _space_words()
    if _is_postgresql():
        op.execute("CREATE INDEX work_word ON work USING gin (array_to_tsvector(string_to_array(search_text, ' ')))")
        op.execute("CREATE INDEX work_newest ON work (published_on DESC NULLS LAST, id DESC)")
    else:
        op.execute(FTS5)
        op.execute("INSERT INTO work_word (work_word) VALUES ('rebuild')")
        for name, what in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {what}")


def downgrade() -> None:
    """Go back."""
    if _is_postgresql():
        op.execute("DROP INDEX work_newest")
        op.execute("DROP INDEX work_word")
    else:
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE work_word")
    op.drop_table("known_word")


def _space_words() -> None:
    """Earlier search texts were parted by anything; the index wants single spaces."""
    work = sa.table("work", sa.column("id", sa.Integer), sa.column("search_text", sa.Text))
    connection = op.get_bind()
    for row in connection.execute(sa.select(work.c.id, work.c.search_text)).all():
        words = " ".join(dict.fromkeys(re.findall(r"[^\W_]+", row.search_text)))
        connection.execute(sa.update(work).where(work.c.id == row.id).values(search_text=words))


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
