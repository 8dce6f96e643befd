"""Keep more of what ONIX says: subjects by their codes, accessibility in words, safety contacts, days of prices.

What was kept before is brought into the new shape; what was never read comes with the next import, since every
record is then read anew.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WORK = sa.table("work", sa.column("id", sa.Integer), sa.column("subjects", sa.JSON))
EDITION = sa.table("edition", sa.column("id", sa.Integer), sa.column("accessibility", sa.JSON))


COLUMNS = {
    "edition": {
        "thickness_mm": sa.Integer(),
        "weight_g": sa.Integer(),
        "illustrations": sa.Text(),
        "hazards": sa.JSON(),
        "usage": sa.JSON(),
        "safety_contacts": sa.JSON(),
    },
    "price": {"since": sa.Date(), "until": sa.Date()},
}
WATCHED = {
    "work": "slug, title, subtitle, publisher, description, short_description, territory_statement",
    "edition": (
        "work_id, position, isbn, form, form_detail, protection, pages, width_mm, height_mm, publication_date, "
        "publishing_status, availability, expected_date, stock, rights_set_id, fulfiller, provider_state"
    ),
}
"""What 0002 watches, by table."""
WATCHED_AS_WELL = {
    "work": ", subjects",
    "edition": ", language, accessibility, hazards, usage, safety_contacts, thickness_mm, weight_g, illustrations",
}


def upgrade() -> None:
    """Go forward."""
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            is_list = isinstance(kind, sa.JSON)
            op.add_column(table, sa.Column(name, kind, nullable=not is_list, server_default="[]" if is_list else None))
    op.create_table(
        "known_subject",
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("heading", sa.Text()),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_known_subject")),
    )
    _reshape(WORK, "subjects", lambda word: {"scheme": "20", "code": "", "heading": word})
    _reshape(EDITION, "accessibility", lambda value: {"value": value, "words": None})
    _watch({table: names + WATCHED_AS_WELL[table] for table, names in WATCHED.items()})


def downgrade() -> None:
    """Go back."""
    _watch(WATCHED)
    _reshape(WORK, "subjects", lambda subject: subject["heading"] or subject["code"])
    _reshape(EDITION, "accessibility", lambda feature: feature["value"])
    op.drop_table("known_subject")
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)


def _reshape(table: sa.TableClause, name: str, shape: Any) -> None:
    connection, column = op.get_bind(), table.c[name]
    for row in connection.execute(sa.select(table.c.id, column)).all():
        if row[1]:
            changed = sa.update(table).where(table.c.id == row[0])
            connection.execute(changed.values({name: [shape(each) for each in row[1]]}))


def _watch(columns: dict[str, str]) -> None:
    """Raise the revision of a work when any of these changes; what is done about it stands in 0002."""
    whose = {"work": "NEW.id, OLD.id", "edition": "NEW.work_id, OLD.work_id"}
    for table, names in columns.items():
        trigger = f"page_{table}_update"
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
            op.execute(
                f"CREATE TRIGGER {trigger} AFTER UPDATE OF {names} ON {table} FOR EACH ROW EXECUTE FUNCTION {trigger}()"
            )
        else:
            raised = f"UPDATE work SET revision = revision + 1 WHERE id IN ({whose[table]});"
            op.execute(f"DROP TRIGGER {trigger}")
            op.execute(f"CREATE TRIGGER {trigger} AFTER UPDATE OF {names} ON {table} BEGIN {raised} END")
