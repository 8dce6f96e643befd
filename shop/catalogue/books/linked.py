"""Linked data: a book as schema.org has it, for the machines that read its page. Pure.

One `Book` for the work, an example of it for each edition. What cannot be ordered has no offer: a search engine takes
any offer for a promise. An offer holds for the country that the page was drawn for, and says so; a reader whose
country is not known is offered nothing yet. Accessibility is told in schema.org's words for the same codes of list 196.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shop.catalogue.facts import languages
from shop.catalogue.offers import OfferState

if TYPE_CHECKING:
    from shop.catalogue.books.reading import EditionView, WorkView
    from shop.catalogue.facts.details import Details

_FORMATS = {"BB": "Hardcover", "BC": "Paperback", "ED": "EBook", "EA": "EBook", "AJ": "AudiobookFormat"}
_STATES = {OfferState.BUY: "InStock", OfferState.PREORDER: "PreOrder", OfferState.OUT_OF_STOCK: "OutOfStock"}
_FEATURES = {
    "11": "tableOfContents",
    "12": "index",
    "13": "readingOrder",
    "14": "alternativeText",
    "15": "longDescription",
    "17": "MathML",
    "19": "pageBreakMarkers",
    "21": "ttsMarkup",
    "26": "highContrastDisplay",
    "29": "structuralNavigation",
    "30": "ARIA",
    "36": "displayTransformability",
    "41": "pageNavigation",
}
_HAZARDS = {
    "00": "none",
    "13": "flashing",
    "14": "noFlashingHazard",
    "15": "sound",
    "16": "noSoundHazard",
    "17": "motionSimulation",
    "18": "noMotionSimulationHazard",
    "24": "unknownFlashingHazard",
    "25": "unknownSoundHazard",
    "26": "unknownMotionSimulationHazard",
}
_WITHOUT_SIGHT = "52"


def book(work: WorkView, base: str, seller: str, country: str | None) -> str:
    """Return the JSON of a book's page, safe inside a `script` element.

    `base` is the shop's address without a closing slash, `seller` its name; offers hold in `country`.
    """
    details = {one.isbn: one for one in work.details}
    told = {
        "@context": "https://schema.org",
        "@type": "Book",
        "@id": base + work.address,
        "url": base + work.address,
        "name": work.title,
        "alternateName": work.subtitle,
        "author": [{"@type": "Person", "name": one.name} for one in work.contributors if one.role == "A01"],
        "publisher": {"@type": "Organization", "name": work.publisher} if work.publisher else None,
        "description": work.summary,
        "workExample": [
            _edition(work, view, details[view.isbn], base, seller, country)
            for view in work.editions
            if view.isbn in details  # one that has come between two looks at the database is told next time
        ],
    }
    # A closing tag within a string would end the element: the one thing that JSON does not escape and HTML minds.
    return json.dumps(_told(told), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _edition(
    work: WorkView, view: EditionView, details: Details, base: str, seller: str, country: str | None
) -> dict[str, Any]:
    return _told(
        {
            "@type": ["Book", "Product"],
            "@id": f"{base}{work.address}#{view.isbn}",
            "name": f"{work.title} ({view.name})",
            "image": base + view.jacket.bitmap,
            "isbn": view.isbn,
            "gtin13": view.isbn,
            "sku": view.isbn,
            "bookFormat": f"https://schema.org/{_FORMATS[view.form]}" if view.form in _FORMATS else None,
            "numberOfPages": view.pages,
            "datePublished": view.facts.publication_date.isoformat() if view.facts.publication_date else None,
            "inLanguage": None if details.language == "und" else languages.tag(details.language),
            "offers": _offer(view, base + work.address, seller, country),
            **(_accessibility(details) if details.is_digital else {}),
        }
    )


def _offer(view: EditionView, url: str, seller: str, country: str | None) -> dict[str, Any] | None:
    if view.offer.state not in _STATES or view.offer.price is None or country is None:
        return None
    return _told(
        {
            "@type": "Offer",
            "url": f"{url}#{view.isbn}",
            "price": str(view.offer.price.decimal),
            "priceCurrency": view.offer.price.currency,
            "availability": f"https://schema.org/{_STATES[view.offer.state]}",
            "availabilityStarts": view.offer.until.isoformat() if view.offer.until else None,
            "itemCondition": "https://schema.org/NewCondition",
            "eligibleRegion": {"@type": "Country", "name": country},
            "seller": {"@type": "Organization", "name": seller},
        }
    )


def _accessibility(details: Details) -> dict[str, Any]:
    values = {feature["value"]: feature["words"] for feature in details.features}
    return {
        "accessibilityFeature": [word for code, word in _FEATURES.items() if code in values],
        "accessibilityHazard": [word for code, word in _HAZARDS.items() if code in details.warnings],
        "accessModeSufficient": ["textual"] if _WITHOUT_SIGHT in values else None,
        "accessibilitySummary": values.get("00"),
    }


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """What has something to say."""
    return {name: value for name, value in values.items() if value not in (None, "", [])}
