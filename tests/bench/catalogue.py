"""The catalogue of the bench: the demo's books, Exit Stalin among them, and two thousand invented ones."""

from __future__ import annotations

import io
import random
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from sqlalchemy import select, update

from shop import migrations
from shop.catalogue.covers import fetching
from shop.catalogue.intake import importer
from shop.catalogue.models import Edition, ProviderState, RightsSet, Work
from shop.settings import assets

if TYPE_CHECKING:
    from shop.services import Shop

DEMO = assets("config") / "demo" / "catalogue.xml"
NAMESPACE = "http://ns.editeur.org/onix/3.0/reference"

COUNTRY = "US"
FAMOUS = "exit-stalin"
WORKS = 2000
MANY_EDITIONS = 12
FORMS = [("BB", None), ("ED", "01"), ("BC", None), ("ED", "02")]
"""Product forms and, of ebooks, their technical protection (lists 150 and 144)."""
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


def build(shop: Shop, works: int = WORKS) -> None:
    """The schema, the demo's books, the invented ones, all imported; every right signed, every provider content."""
    migrations.upgrade(shop.db)
    importer.import_file(shop, DEMO)
    with TemporaryDirectory(prefix="frontlist-invented-") as folder:
        invented = Path(folder) / "invented.xml"
        _write(invented, works)
        report = importer.import_file(shop, invented)
    if report.problems:
        raise SystemExit(f"an invented book was refused: {report.problems[0]}")
    with shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_by="bench", signed_at=shop.now))
        digital = update(Edition).where(Edition.form.startswith("E"))
        session.execute(digital.values(provider_state=ProviderState.ENABLED, provider_checked_at=shop.now))


def give_covers(shop: Shop, at: int, count: int) -> str:
    """Give so many works photographs for covers, from a place on the list of all on; return the first one's address."""
    newest = select(Work.slug, Edition.isbn).join(Edition.work).where(Edition.position == 0)
    with shop.db.reading() as session:
        ordered = newest.order_by(Work.published_on.desc(), Work.id.desc()).offset(at).limit(count)
        works = session.execute(ordered).all()
    for number, work in enumerate(works):
        keep = fetching.keep(shop, work.isbn, _photograph(number))
        with shop.db.writing() as session:
            keep(session)
    return f"/books/{works[0].slug}"


def _photograph(number: int) -> bytes:
    """Noise on every scale, as in a landscape, less of it the finer; harder to pack than most covers."""
    chance, size = random.Random(number), (640, 960)  # noqa: S311 - the same pictures every time
    layers = [Image.frombytes("RGB", grid, chance.randbytes(grid[0] * grid[1] * 3)) for grid in _GRIDS]
    picture, weight = layers[0].resize(size, Image.Resampling.BICUBIC), 1.0
    for depth, layer in enumerate(layers[1:], 1):
        weight += (strength := ROUGHNESS**depth)
        picture = Image.blend(picture, layer.resize(size, Image.Resampling.BICUBIC), strength / weight)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


ROUGHNESS = 0.5
_GRIDS = [(2 << depth, 3 << depth) for depth in range(1, 9)]


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


def _count(number: int) -> int:
    return MANY_EDITIONS if number == 0 else 2 + number % 3


def _write(path: Path, works: int) -> None:
    chance = random.Random(7)  # noqa: S311 - the same books every time
    with path.open("w", encoding="utf-8") as file:
        file.write(f'<ONIXMessage xmlns="{NAMESPACE}" release="3.0"><Header/>')
        for number in range(works):
            book = _work(number, chance)
            file.writelines(_edition(book, number, position, chance) for position in range(_count(number)))
        file.write("</ONIXMessage>")


class _Book(NamedTuple):
    """What the records of a work's editions have in common, as they write it."""

    description: str
    collateral: str


def _work(number: int, chance: random.Random) -> _Book:
    people = [f"{chance.choice(FIRST_NAMES)} {chance.choice(SURNAMES)}" for _ in range(1 + number % 2)]
    subjects = chance.sample(list(SUBJECTS), 2)
    title = f"<TitleText>{_title(number)}</TitleText><Subtitle>{_prose(chance, 6).rstrip('.')}</Subtitle>"
    contributors = "".join(
        "<Contributor><ContributorRole>A01</ContributorRole>"
        f"<PersonName>{name}</PersonName><BiographicalNote>{name} {_prose(chance, 20)}</BiographicalNote></Contributor>"
        for name in people
    )
    headings = "".join(
        "<Subject><SubjectSchemeIdentifier>93</SubjectSchemeIdentifier>"
        f"<SubjectCode>{SUBJECTS[heading]}</SubjectCode><SubjectHeadingText>{heading}</SubjectHeadingText></Subject>"
        for heading in subjects
    )
    texts = [_text("03", f"{_prose(chance, 90)}\n\n{_prose(chance, 90)}"), _text("02", _prose(chance, 25))]
    for position in range(3):
        praise = f"<TextAuthor>{chance.choice(SURNAMES)}</TextAuthor>"
        source = f"<SourceTitle>author of {_title(number + position)}</SourceTitle>"
        texts.append(_text("06", _prose(chance, 14), praise + source))
    return _Book(
        "<TitleDetail><TitleType>01</TitleType><TitleElement><TitleElementLevel>01</TitleElementLevel>"
        f"{title}</TitleElement></TitleDetail>{contributors}"
        f"<Language><LanguageRole>01</LanguageRole><LanguageCode>eng</LanguageCode></Language>{headings}",
        "".join(texts),
    )


def _text(kind: str, words: str, source: str = "") -> str:
    return f"<TextContent><TextType>{kind}</TextType><Text>{words}</Text>{source}</TextContent>"


def _edition(book: _Book, number: int, position: int, chance: random.Random) -> str:
    form, protection = FORMS[position % len(FORMS)]
    is_print = protection is None
    fixed = f"<EpubTechnicalProtection>{protection}</EpubTechnicalProtection>"
    measures = "".join(
        f"<Measure><MeasureType>{kind}</MeasureType><Measurement>{size}</Measurement>"
        "<MeasureUnitCode>mm</MeasureUnitCode></Measure>"
        for kind, size in (("01", 229), ("02", 152))
    )
    pages = (
        f"<Extent><ExtentType>00</ExtentType><ExtentValue>{180 + number % 400}</ExtentValue>"
        "<ExtentUnit>03</ExtentUnit></Extent>"
    )
    name = isbn(number, position)
    return (
        f"<Product><RecordReference>bench.{number}.{position}</RecordReference><NotificationType>03</NotificationType>"
        f"<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{name}</IDValue></ProductIdentifier>"
        f"<DescriptiveDetail><ProductComposition>00</ProductComposition><ProductForm>{form}</ProductForm>"
        f"{measures if is_print else '<ProductFormDetail>E101</ProductFormDetail>' + fixed}"
        f"{book.description}{pages if is_print else ''}</DescriptiveDetail>"
        f"<CollateralDetail>{book.collateral}</CollateralDetail>"
        "<PublishingDetail><Publisher><PublishingRole>01</PublishingRole><PublisherName>Example Press</PublisherName>"
        "</Publisher><PublishingStatus>04</PublishingStatus><PublishingDate><PublishingDateRole>01</PublishingDateRole>"
        f"<Date>{_published(number):%Y%m%d}</Date></PublishingDate><SalesRights><SalesRightsType>01</SalesRightsType>"
        f"<Territory><CountriesIncluded>{TERRITORIES[number % len(TERRITORIES)]}</CountriesIncluded></Territory>"
        "</SalesRights></PublishingDetail><RelatedMaterial><RelatedWork><WorkRelationCode>01</WorkRelationCode>"
        f"<WorkIdentifier><WorkIDType>01</WorkIDType><IDValue>bench-{number}</IDValue></WorkIdentifier></RelatedWork>"
        "</RelatedMaterial><ProductSupply><SupplyDetail><Supplier><SupplierRole>01</SupplierRole>"
        "<SupplierName>Example Press</SupplierName></Supplier><ProductAvailability>20</ProductAvailability>"
        f"{'<Stock><OnHand>40</OnHand></Stock>' if is_print else ''}<Price><PriceType>02</PriceType>"
        f"<PriceAmount>{chance.randrange(8, 45) - 0.01:.2f}</PriceAmount><CurrencyCode>GBP</CurrencyCode></Price>"
        "</SupplyDetail></ProductSupply></Product>"
    )


def _published(number: int) -> date:
    return date(2026, 10, 1) - timedelta(days=number % 9000)


def _title(number: int) -> str:
    return slug(number).replace("-", " ").capitalize()


def _prose(chance: random.Random, words: int) -> str:
    chosen = [chance.choice(SMALL_WORDS if place % 2 else NOUNS) for place in range(words)]
    return " ".join(chosen).capitalize() + "."
