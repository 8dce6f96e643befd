"""The catalogue of the bench: the demo's books, Exit Stalin among them, and two thousand invented ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from shop import migrations
from shop.catalogue.finding import search
from shop.catalogue.intake import importer
from shop.catalogue.models import Contributor, Edition, KnownSubject, Price, ProviderState, Quotation, RightsSet, Work
from shop.db import insert_if_absent
from shop.settings import assets

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.services import Shop

COUNTRY = "US"
FAMOUS = "exit-stalin"
WORKS = 2000
MANY_EDITIONS = 12
FORMS = [("BB", None, None), ("ED", "E101", "glassboxx"), ("BC", None, None), ("ED", "E101", "watermark")]
TERRITORIES = ["CA GB IE US", "AU CA GB NZ US", "CA MX PH US"]
SUBJECTS = {
    "History": "NHB",
    "Biography": "DNB",
    "Poetry": "DCF",
    "Fiction": "FBA",
    "Natural history": "WNA",
    "Politics": "JPA",
    "Art": "AGA",
    "Travel": "WTL",
}
"""Headings and Thema codes."""
FIRST_NAMES = ["Ada", "Boris", "Chinua", "Dorothea", "Émile", "Fatima", "George", "Halldór", "Iris", "José"]
SURNAMES = ["Ashworth", "Brontë", "Czerny", "Dalrymple", "Eötvös", "Farouk", "Gaskell", "Hølmström", "Ito", "Jansen"]
NOUNS = [
    "harbour",
    "winter",
    "garden",
    "letter",
    "empire",
    "silence",
    "river",
    "mountain",
    "history",
    "daughter",
    "century",
    "kingdom",
    "morning",
    "border",
    "island",
    "memory",
    "station",
    "orchard",
    "evidence",
    "promise",
    "quarrel",
    "lantern",
    "railway",
    "weather",
]
SMALL_WORDS = [
    "the",
    "a",
    "of",
    "and",
    "in",
    "to",
    "from",
    "which",
    "between",
    "without",
    "their",
    "after",
    "before",
    "under",
    "almost",
    "never",
    "always",
    "it",
]


@dataclass
class Tables:
    """Rows to be inserted, by table."""

    rows: dict[type, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: type, **values: Any) -> int:
        """Note a row down; its id is its place, beyond those of the demo's own books."""
        rows = self.rows.setdefault(table, [])
        rows.append({"id": 10_000 + len(rows), **values})
        return 10_000 + len(rows) - 1


def build(shop: Shop, works: int = WORKS) -> None:
    """The schema, the demo's books, the invented ones; every right signed, every provider content."""
    migrations.upgrade(shop.db)
    importer.import_file(shop, assets("config") / "demo" / "catalogue.xml")
    with shop.db.writing() as session:
        for table, rows in _invented(works).rows.items():
            session.execute(insert(table), rows)
        search.learn(session.connection(), session.scalars(select(Work.search_text)))
        for heading, code in SUBJECTS.items():
            insert_if_absent(session, KnownSubject, code=code, heading=heading)
        session.execute(update(RightsSet).values(signed_by="bench", signed_at=shop.now))
        _please_providers(session, shop)


def slug(number: int) -> str:
    """The address of an invented work."""
    return f"the-{NOUNS[number % len(NOUNS)]}-of-{NOUNS[number // len(NOUNS) % len(NOUNS)]}-{number}"


def slug_with(editions: int) -> str:
    """The address of a work with so many editions."""
    return slug(next(number for number in range(WORKS) if _count(number) == editions))


def isbn(number: int, position: int) -> str:
    """The well-formed ISBN of an invented edition."""
    digits = f"9798{number:06d}{position:02d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _please_providers(session: Session, shop: Shop) -> None:
    digital = update(Edition).where(Edition.form.startswith("E"))
    session.execute(digital.values(provider_state=ProviderState.ENABLED, provider_checked_at=shop.now))


def _count(number: int) -> int:
    return MANY_EDITIONS if number == 0 else 2 + number % 3


def _invented(works: int) -> Tables:
    tables, chance = Tables(), random.Random(7)  # noqa: S311 - the same books every time
    rights = [
        tables.add(RightsSet, digest=f"bench {countries}", countries=countries, statements={}, problems=[])
        for countries in TERRITORIES
    ]
    for number in range(works):
        _invent(tables, number, rights[number % len(rights)], chance)
    return tables


def _invent(tables: Tables, number: int, rights: int, chance: random.Random) -> None:
    people = [f"{chance.choice(FIRST_NAMES)} {chance.choice(SURNAMES)}" for _ in range(1 + number % 2)]
    work = _work(tables, number, people, chance)
    for position, name in enumerate(people):
        biography = f"<p>{name} {_prose(chance, 20)}</p>"
        tables.add(Contributor, work_id=work, position=position, role="A01", name=name, biography=biography)
    for position in range(3):
        words, source = _prose(chance, 14), f"author of {_title(number + position)}"
        tables.add(
            Quotation, work_id=work, position=position, words=words, author=chance.choice(SURNAMES), source=source
        )
    for position in range(_count(number)):
        edition = _edition(tables, work, number, position, rights)
        tables.add(Price, edition_id=edition, position=0, minor=100 * chance.randrange(8, 45) - 1, currency="GBP")


def _work(tables: Tables, number: int, people: list[str], chance: random.Random) -> int:
    subjects = chance.sample(list(SUBJECTS), 2)
    isbns = [isbn(number, position) for position in range(_count(number))]
    searched = search.index_text([_title(number), *people, *subjects, *isbns], _marks(number, subjects))
    return tables.add(
        Work,
        slug=slug(number),
        identifier=f"bench-{number}",
        title=_title(number),
        subtitle=_prose(chance, 6).rstrip("."),
        publisher="Example Press",
        description="".join(f"<p>{_prose(chance, 90)}</p>" for _ in range(2)),
        short_description=_prose(chance, 25),
        territory_statement="Worldwide, but for a few countries that other publishers serve.",
        subjects=[{"scheme": "93", "code": SUBJECTS[heading], "heading": heading} for heading in subjects],
        search_text=searched,
        published_on=_published(number),
    )


def _marks(number: int, headings: list[str]) -> list[str]:
    subjects = [f"subject={SUBJECTS[heading].lower()}" for heading in headings]
    forms = [f"form={('hardback', 'ebook', 'paperback')[position]}" for position in range(min(3, _count(number)))]
    return [*subjects, *forms, "language=eng", f"year={_published(number).year}"]


def _published(number: int) -> date:
    return date(2026, 10, 1) - timedelta(days=number % 9000)


def _edition(tables: Tables, work: int, number: int, position: int, rights: int) -> int:
    form, detail, fulfiller = FORMS[position % len(FORMS)]
    prints = fulfiller is None
    return tables.add(
        Edition,
        work_id=work,
        position=position,
        isbn=isbn(number, position),
        record_reference=f"bench.{number}.{position}",
        record_digest="",
        form=form,
        form_detail=detail,
        protection=None if prints else "01",
        pages=180 + number % 400 if prints else None,
        width_mm=152 if prints else None,
        height_mm=229 if prints else None,
        publication_date=_published(number),
        publishing_status="04",
        availability="20",
        stock=40 if prints else None,
        rights_set_id=rights,
        tax_class="print_book" if prints else "epub",
        fulfiller=fulfiller,
        sku=isbn(number, position),
    )


def _title(number: int) -> str:
    return slug(number).rsplit("-", 1)[0].replace("-", " ").capitalize()


def _prose(chance: random.Random, words: int) -> str:
    chosen = [chance.choice(SMALL_WORDS if place % 2 else NOUNS) for place in range(words)]
    return " ".join(chosen).capitalize() + "."
