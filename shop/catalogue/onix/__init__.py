"""ONIX 3 in: a stream of products as plain values, and of problems with the line each stands on.

Pure: knows XML, not the database. A document type is refused outright, nothing is fetched, and a product
that cannot be read is a problem, not a stop. Both dialects and both releases, 3.0 and 3.1, packed or not.
"""

from shop.catalogue.onix.reading import UNCOUNTED
from shop.catalogue.onix.stream import Record, digest_of, products, records
from shop.catalogue.onix.values import (
    OnixContact,
    OnixContributor,
    OnixDeletion,
    OnixError,
    OnixFeature,
    OnixPrice,
    OnixProduct,
    OnixQuotation,
    OnixSubject,
    OnixUsage,
    Problem,
    Told,
)

__all__ = [
    "UNCOUNTED",
    "OnixContact",
    "OnixContributor",
    "OnixDeletion",
    "OnixError",
    "OnixFeature",
    "OnixPrice",
    "OnixProduct",
    "OnixQuotation",
    "OnixSubject",
    "OnixUsage",
    "Problem",
    "Record",
    "Told",
    "digest_of",
    "products",
    "records",
]
