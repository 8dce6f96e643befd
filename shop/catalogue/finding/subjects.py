"""Subjects: the shelves that books stand on, by Thema codes; BISAC's sections are led to the nearest shelf. Pure.

Thema's codes are a tree written into letters: NHD (European history) stands under NH, and that under N. Headings of
the first letters are Thema's own (EDItEUR, 1.6); deeper ones come with the publisher's ONIX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

THEMA, BISAC = "93", "10"
"""Subject schemes, as list 27 counts them."""

SHELVES = {
    "A": "The Arts",
    "C": "Language & Linguistics",
    "D": "Biography, Literature & Literary studies",
    "F": "Fiction & Related items",
    "G": "Reference, Information & Interdisciplinary subjects",
    "J": "Society & Social Sciences",
    "K": "Economics, Finance, Business & Management",
    "L": "Law",
    "M": "Medicine & Nursing",
    "N": "History & Archaeology",
    "P": "Mathematics & Science",
    "Q": "Philosophy & Religion",
    "R": "Earth Sciences, Geography, Environment, Planning",
    "S": "Sports & Active outdoor recreation",
    "T": "Technology, Engineering, Agriculture, Industrial processes",
    "U": "Computing & Information Technology",
    "V": "Health, Relationships & Personal development",
    "W": "Lifestyle, Hobbies & Leisure",
    "X": "Graphic novels, Comic books, Manga, Cartoons",
    "Y": "Children’s, Teenage & Educational",
}

_SECTIONS = """
ANT:W ARC:A ART:A BIB:Q BIO:D OCC:V BUS:K CGN:X COM:U CKB:W CRA:W DES:A DRA:D EDU:J FAM:V FIC:F FOR:C GAM:W GAR:W
HEA:V HIS:N HOM:W HUM:W JNF:Y JUV:Y LAN:C LAW:L LCO:D LIT:D MAT:P MED:M MUS:A NAT:W PER:A PET:W PHI:Q PHO:A
POE:D POL:J PSY:J REF:G REL:Q SCI:P SEL:V SOC:J SPO:S STU:Y TEC:T TRA:W TRU:D TRV:W YAF:Y YAN:Y
"""
SECTIONS = dict(pair.split(":") for pair in _SECTIONS.split())
"""The shelf nearest to each section of BISAC."""


class Subject(NamedTuple):
    """A shelf that a work stands on, or one of its parts."""

    code: str
    heading: str

    @property
    def address(self) -> str:
        """Its page."""
        return f"/subjects/{self.code.lower()}"


def codes(subjects: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a work's Thema codes in their order; where it has none, those nearest to its BISAC ones."""
    found = list(subjects)
    thema = [subject["code"] for subject in found if subject["scheme"] == THEMA]
    near = [SECTIONS.get(subject["code"][:3], "") for subject in found if subject["scheme"] == BISAC]
    return list(dict.fromkeys(thema or [code for code in near if code]))


def headings(subjects: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Return each Thema code with the publisher's heading for it."""
    return ((subject["code"], subject["heading"]) for subject in subjects if subject["scheme"] == THEMA)


def named(code: str, known: Mapping[str, str | None]) -> Subject:
    """Return a subject with the best heading there is: Thema's, the publisher's, that of the shelf above it."""
    above = (code[:length] for length in range(len(code), 0, -1))
    heading = next((found for part in above if (found := SHELVES.get(part) or known.get(part))), code)
    return Subject(code, heading)


def path(code: str, known: Mapping[str, str | None]) -> list[Subject]:
    """Return the shelves above a subject that have a heading of their own, the widest first."""
    parts = [code[:length] for length in range(1, len(code))]
    return [Subject(part, heading) for part in parts if (heading := SHELVES.get(part) or known.get(part))]
