"""Details: what a book's page tells of an edition beside its offer: measures, language, licence, accessibility, safety.

Codes are ONIX's: usage is told by lists 145 (what), 146 (whether) and 147 (how much). Product safety is what Regulation
(EU) 2023/988 wants shown with every printed book that is offered in the European Union or Northern Ireland.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shop.catalogue import forms
from shop.catalogue.facts import accessibility, languages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from shop.catalogue.facts.accessibility import Section

ALWAYS_SHOWN = {"Ways of reading", "Conformance"}
"""Sections that stand open; the others are behind a disclosure."""
PROTECTION = {
    "00": "None",
    "01": "DRM",
    "02": "Digital watermark",
    "03": "Adobe DRM",
    "04": "Apple DRM",
    "05": "OMA DRM",
    "06": "Readium LCP",
    "07": "Sony DRM",
}
"""List 144."""
_USES = {
    "02": "Printing",
    "03": "Copying",
    "04": "Sharing",
    "05": "Read aloud",
    "06": "Lending",
    "11": "Text and data mining",
}
_UNITS = {
    "01": "copies",
    "02": "characters",
    "03": "words",
    "04": "pages",
    "05": "per cent",
    "06": "devices",
    "07": "concurrent users",
    "09": "days",
    "10": "times",
    "11": "times a day",
    "12": "times a month",
    "13": "times a year",
}


@dataclass(frozen=True)
class Details:
    """What an edition's record says of it, as plain values; the last four are JSON as it was stored.

    Attributes:
        accessibility: Each `{"value", "words"}` of list 196; `hazards` are codes of list 143.
        usage: Each `{"type", "status", "limits"}`.
        safety_contacts: Each `{"name", "email", "address"}`.
    """

    isbn: str
    form: str
    form_details: str | None
    protection: str | None
    publication_date: date | None
    language: str
    pages: int | None
    width_mm: int | None
    height_mm: int | None
    thickness_mm: int | None
    weight_g: int | None
    file_bytes: int | None
    illustrations: str | None
    accessibility: str
    hazards: str
    usage: str
    safety_contacts: str

    @cached_property
    def features(self) -> list[dict[str, Any]]:
        """What is said of its accessibility."""
        return _read(self.accessibility)

    @cached_property
    def warnings(self) -> list[str]:
        """What is said of its hazards."""
        return _read(self.hazards)

    @cached_property
    def responsible(self) -> list[dict[str, Any]]:
        """Who answers for its safety."""
        return _read(self.safety_contacts)

    @property
    def name(self) -> str:
        """What readers call the form."""
        return forms.name(self.form)

    @property
    def is_digital(self) -> bool:
        """Whether it is an ebook."""
        return forms.is_digital(self.form)

    @cached_property
    def rows(self) -> list[tuple[str, str]]:
        """Each fact with what it is called."""
        return [(name, words) for name, words in self._facts() if words]

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "ISBN", self.isbn
        yield "Language", "" if self.language == "und" else languages.name(self.language)
        yield "Pages", str(self.pages or "")
        yield "Illustrations", self.illustrations or ""
        yield "Size", self._size
        yield "Weight", f"{self.weight_g} g" if self.weight_g else ""
        if self.is_digital:
            yield "File", forms.file_name(self.form_details) or ""
            yield "File size", _size_of_file(self.file_bytes)
            yield "Protection", PROTECTION.get(self.protection or "", "")
            yield from ((_USES[use["type"]], _allowance(use)) for use in _read(self.usage) if use["type"] in _USES)

    @property
    def _size(self) -> str:
        sides = [side for side in (self.width_mm, self.height_mm, self.thickness_mm) if side]
        return f"{' × '.join(map(str, sides))} mm" if len(sides) > 1 else ""

    @cached_property
    def claims(self) -> tuple[Section, ...]:
        """What is claimed of an ebook's accessibility; nothing for a printed book."""
        if not self.is_digital:
            return ()
        return accessibility.claims(self.features, self.warnings, self.form_details)

    @property
    def first_claims(self) -> list[Section]:
        """The claims that are always in sight."""
        return [section for section in self.claims if section.heading in ALWAYS_SHOWN]

    @property
    def further_claims(self) -> list[Section]:
        """The claims behind a disclosure."""
        return [section for section in self.claims if section.heading not in ALWAYS_SHOWN]


def _read(stored: str) -> list[Any]:
    return [] if stored == "[]" else list(json.loads(stored))


def _size_of_file(count: int | None) -> str:
    if not count:
        return ""
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{max(1, round(count / 1000))} kB"  # noqa: PLR2004


def _allowance(use: dict[str, Any]) -> str:
    if use["status"] == "03":
        return "Not allowed"
    if use["status"] != "02":
        return "Allowed"
    limits = [f"{quantity} {_UNITS[unit]}" for quantity, unit in use["limits"] if unit in _UNITS]
    return f"Up to {', '.join(limits)}" if limits else "Within limits"
