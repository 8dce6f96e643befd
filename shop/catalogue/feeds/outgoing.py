"""Outgoing: an edition as the ONIX product that it would be, from what the shop keeps of it.

What is only the shop's own business stays here: copies in stock, and what an older record said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.catalogue import rights
from shop.catalogue.facts import markup
from shop.catalogue.onix import (
    OnixContact,
    OnixContributor,
    OnixFeature,
    OnixPrice,
    OnixProduct,
    OnixQuotation,
    OnixSubject,
    OnixUsage,
)
from shop.money import Money

if TYPE_CHECKING:
    from shop.catalogue.models import Edition, Price


def product(edition: Edition, house: str) -> OnixProduct:
    """Return what can be told of an edition; `house` publishes what names no publisher."""
    work = edition.work
    others = tuple(one.isbn for one in work.editions if one.isbn != edition.isbn)
    return OnixProduct(
        reference=edition.record_reference,
        digest="",
        isbn=edition.isbn,
        work_identifier=work.identifier,
        form=edition.form,
        form_details=tuple((edition.form_details or "").split()),
        protection=edition.protection,
        title=work.title,
        subtitle=work.subtitle,
        publisher=work.publisher or house,
        contributors=tuple(
            OnixContributor(one.role, one.name, _clean(one.biography) or None) for one in work.contributors
        ),
        description=_clean(work.description),
        short_description=_clean(work.short_description) or None,
        quotations=tuple(OnixQuotation(one.words, one.author, one.source) for one in work.quotations),
        subjects=tuple(OnixSubject(**one) for one in work.subjects),
        language=edition.language,
        accessibility=tuple(OnixFeature(**one) for one in edition.accessibility),
        hazards=tuple(edition.hazards),
        usage=tuple(OnixUsage(one["type"], one["status"], tuple(map(tuple, one["limits"]))) for one in edition.usage),
        safety_contacts=tuple(OnixContact(**one) for one in edition.safety_contacts),
        alternatives=others,
        illustrations=edition.illustrations,
        pages=edition.pages,
        width_mm=edition.width_mm,
        height_mm=edition.height_mm,
        thickness_mm=edition.thickness_mm,
        weight_g=edition.weight_g,
        file_bytes=edition.file_bytes,
        publishing_status=edition.publishing_status,
        publication_date=edition.publication_date,
        availability=edition.availability,
        expected_date=edition.expected_date,
        stock=None,
        rights=_statement(edition),
        territory_statement=work.territory_statement,
        cover=edition.cover_link,
        prices=tuple(_price(one) for one in edition.prices if one.countries != ""),
    )


def _statement(edition: Edition) -> rights.Statement:
    told = edition.rights_statement or (edition.rights_set.statements if edition.rights_set else None)
    return rights.Statement.from_json(told) if told else rights.Statement()


def _clean(html: str | None) -> str:
    return str(markup.clean(html)) if html else ""


def _price(price: Price) -> OnixPrice:
    territory = None if price.countries is None else rights.Territory(tuple(price.countries.split()))
    return OnixPrice(Money(price.minor, price.currency), territory, None, price.since, price.until)
