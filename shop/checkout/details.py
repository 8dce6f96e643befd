"""The reader's details: what a form said, checked; each fault is a sentence beside its field. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unicodedata import category

from shop import addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 200
ADDRESS_FIELDS = {
    "street": "Address",
    "street2": "Address, second line",
    "city": "Town or city",
    "region": "County, state or province",
    "postcode": "Postcode",
}
REQUIRED_ADDRESS = ("street", "city", "postcode")
NO_POSTCODE = {"AE", "AG", "AO", "BS", "BZ", "FJ", "GH", "HK", "IE", "JM", "KE", "QA", "UG", "ZW"}


@dataclass(frozen=True, slots=True)
class Details:
    """What the reader typed, tidied, and what is wrong with it.

    Attributes:
        errors: One sentence by field name.
        typed: The fields as typed, so that nothing has to be typed again.
    """

    email: str
    name: str
    address: dict[str, str] | None
    typed: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], *, posts: bool, country: str) -> Details:
    """Read the form; the address only counts when something is posted."""
    typed = {name: _tidied(form.get(name, "")) for name in ("name", *ADDRESS_FIELDS)}
    # One character too many is kept, so that an address that is too long is refused, never cut to somebody else's.
    typed["email"] = " ".join(form.get("email", "").split())[: addresses.LONGEST + 1]
    email = addresses.tidy(typed["email"])
    errors = {}
    if not email:
        errors["email"] = "Enter your e-mail address; your books and receipt go there."
    elif not addresses.is_email(email):
        errors["email"] = "Enter an e-mail address like name@example.com."
    if not typed["name"]:
        errors["name"] = "Enter your name."
    if posts:
        errors |= _missing(typed, country)
    address = {name: typed[name] for name in ADDRESS_FIELDS if typed[name]} if posts else None
    return Details(email, typed["name"], address, typed, errors)


def is_in_northern_ireland(country: str, postcode: str) -> bool:
    """Whether a post office of Northern Ireland delivers there, where the Union's rules of product safety hold."""
    return country == "GB" and postcode.upper().startswith("BT")


def _tidied(text: str) -> str:
    """Without the control characters that no database keeps, spaces single, cut to what we keep."""
    kept = "".join(letter for letter in text if letter.isspace() or category(letter) != "Cc")
    return " ".join(kept.split())[:LONGEST].rstrip()


def _missing(typed: dict[str, str], country: str) -> dict[str, str]:
    needed = [name for name in REQUIRED_ADDRESS if name != "postcode" or country not in NO_POSTCODE]
    return {
        name: f"Enter the {ADDRESS_FIELDS[name].lower()} the book is to be posted to."
        for name in needed
        if not typed[name]
    }
