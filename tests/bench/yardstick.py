"""The yardstick: Flask with nothing round it, answering a word, or a Jinja page fed by five raw SQLite queries.

It shows the same book out of the same tables as the shop's page, at the same size, written as Flask's tutorial
writes: `sqlite3.Row`, names in brackets, a base template. It decides nothing: no country, no offer, no cookie,
no header of its own; and it keeps its connection, which the tutorial opens for each request.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from flask import Flask, render_template

WORK = (
    "SELECT id, slug, title, subtitle, description, territory_statement, short_description, publisher, subjects "
    "FROM work WHERE slug = ?"
)
CONTRIBUTORS = "SELECT role, name, biography FROM contributor WHERE work_id = ? ORDER BY position"
QUOTATIONS = "SELECT words, author, source FROM quotation WHERE work_id = ? ORDER BY position"
EDITIONS = (
    "SELECT isbn, form, form_details, protection, pages, width_mm, height_mm, stock, language, publication_date, "
    "accessibility, hazards, usage, safety_contacts FROM edition WHERE work_id = ? ORDER BY position"
)
PRICES = (
    "SELECT edition.isbn, price.minor FROM price JOIN edition ON edition.id = price.edition_id "
    "WHERE edition.work_id = ? ORDER BY edition.position, price.position"
)


def linked(
    work: sqlite3.Row,
    contributors: list[sqlite3.Row],
    editions: list[sqlite3.Row],
    prices: dict[str, int],
    **_rest: object,
) -> str:
    """The same data for machines, without asking what may be offered to whom."""
    address = f"http://127.0.0.1/books/{work['slug']}"
    told = {
        "@context": "https://schema.org",
        "@type": "Book",
        "@id": address,
        "url": address,
        "name": work["title"],
        "author": [{"@type": "Person", "name": person["name"]} for person in contributors],
        "publisher": {"@type": "Organization", "name": work["publisher"]},
        "description": work["short_description"],
        "workExample": [
            {
                "@type": ["Book", "Product"],
                "@id": f"{address}#{edition['isbn']}",
                "name": f"{work['title']} ({edition['form']})",
                "image": f"http://127.0.0.1/covers/{edition['isbn']}.svg",
                "isbn": edition["isbn"],
                "gtin13": edition["isbn"],
                "sku": edition["isbn"],
                "bookFormat": "https://schema.org/Hardcover",
                "numberOfPages": edition["pages"],
                "datePublished": edition["publication_date"],
                "inLanguage": edition["language"],
                "offers": {
                    "@type": "Offer",
                    "url": f"{address}#{edition['isbn']}",
                    "price": f"{prices[edition['isbn']] / 100:.2f}",
                    "priceCurrency": "GBP",
                    "availability": "https://schema.org/InStock",
                    "itemCondition": "https://schema.org/NewCondition",
                    "eligibleRegion": {"@type": "Country", "name": "US"},
                    "seller": {"@type": "Organization", "name": "Example Press"},
                },
            }
            for edition in editions
        ],
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


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
        told: dict[str, Any] = {
            "work": work,
            "contributors": rows(CONTRIBUTORS, work["id"]),
            "quotations": rows(QUOTATIONS, work["id"]),
            "editions": rows(EDITIONS, work["id"]),
            "prices": {row["isbn"]: row["minor"] for row in rows(PRICES, work["id"])},
        }
        return render_template("book.html", subjects=json.loads(work["subjects"]), linked=linked(**told), **told)

    return app
