"""The yardstick: Flask with nothing round it, answering a word, or a Jinja page fed by five raw SQLite queries.

It shows the same book out of the same tables as the shop's page, at the same size, written as Flask's tutorial
writes: `sqlite3.Row`, names in brackets, a base template. It decides nothing: no country, no offer, no cookie,
no header of its own; and it keeps its connection, which the tutorial opens for each request.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from flask import Flask, render_template

WORK = "SELECT id, slug, title, subtitle, description, territory_statement, short_description FROM work WHERE slug = ?"
CONTRIBUTORS = "SELECT role, name, biography FROM contributor WHERE work_id = ? ORDER BY position"
QUOTATIONS = "SELECT words, author, source FROM quotation WHERE work_id = ? ORDER BY position"
EDITIONS = "SELECT isbn, form, pages, width_mm, height_mm, stock FROM edition WHERE work_id = ? ORDER BY position"
PRICES = (
    "SELECT edition.isbn, price.minor FROM price JOIN edition ON edition.id = price.edition_id "
    "WHERE edition.work_id = ? ORDER BY edition.position, price.position"
)


def create_app(database: str) -> Flask:
    """The bare application over a SQLite file."""
    app = Flask("yardstick", template_folder=str(Path(__file__).parent / "templates"), static_folder=None)
    connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
    connection.row_factory = sqlite3.Row

    def rows(statement: str, *values: object) -> list[sqlite3.Row]:
        return connection.execute(statement, values).fetchall()

    @app.get("/bare")
    def bare() -> str:
        return "Hello from a bookshop."

    @app.get("/books/<slug>")
    def book(slug: str) -> str:
        (work,) = rows(WORK, slug)
        return render_template(
            "book.html",
            work=work,
            contributors=rows(CONTRIBUTORS, work["id"]),
            quotations=rows(QUOTATIONS, work["id"]),
            editions=rows(EDITIONS, work["id"]),
            prices={row["isbn"]: row["minor"] for row in rows(PRICES, work["id"])},
        )

    return app
