"""Facets: by what a shelf may be narrowed, how that is asked in an address, and the marks that works bear for it. Pure.

A work bears the marks of all its editions: an ebook of 2026 and a hardback of 2020 stand under both forms and both
years. Marks are found by `search`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from shop.catalogue.facts import accessibility, languages
from shop.catalogue.finding import subjects
from shop.catalogue.forms import is_digital

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shop.catalogue.models import Edition

FORMS = {"hardback": "Hardback", "paperback": "Paperback", "ebook": "Ebook", "audiobook": "Audiobook"}
READING = {
    "screen-reader": "Readable with a screen reader",
    "adjustable": "Appearance can be adjusted",
    "unlocked": "Without technical protection",
}
NAMES = {"form": "Form", "subject": "Subject", "language": "Language", "year": "Year", "reading": "Ways of reading"}
_FORM_BY_CODE = {"BB": "hardback", "BC": "paperback"}
_FORM_BY_LETTER = {"E": "ebook", "A": "audiobook"}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a reader asks of a shelf beside words; the empty word asks nothing.

    Attributes:
        subject: A Thema code, or the beginning of one.
        here: Only what we may sell where the reader is.
    """

    form: str = ""
    subject: str = ""
    language: str = ""
    year: str = ""
    reading: str = ""
    here: bool = False

    @property
    def marks(self) -> list[str]:
        """The marks that a work must bear; a subject's also stands for all under it."""
        asked = [(name, getattr(self, name)) for name in NAMES if getattr(self, name)]
        return [f"{name}={value}{'*' if name == 'subject' else ''}" for name, value in asked]

    def query(self, words: str = "", page: int = 1) -> str:
        """Return the address's part after the question mark, `?` included, for this shelf or a page of it."""
        asked = {"q": words} | {name: getattr(self, name) for name in NAMES} | {"here": "yes" if self.here else ""}
        told = {name: value for name, value in asked.items() if value} | ({"page": page} if page > 1 else {})
        return f"?{urlencode(told)}" if told else "?"

    def without(self, name: str) -> Narrowed:
        """Return the same shelf without one of its filters."""
        return replace(self, here=False) if name == "here" else replace(self, **{name: ""})  # type: ignore[arg-type]

    def told(self, known: Mapping[str, str | None], here: str) -> list[tuple[str, str]]:
        """Return each filter that is set: its name, and its value in words. `here` says where the reader is."""
        named = [(name, label(name, value, known)) for name in NAMES if (value := getattr(self, name))]
        return [*named, *([("here", f"Sold in {here}")] if self.here else [])]


def asked(arguments: Mapping[str, str]) -> Narrowed:
    """Read an address's arguments; a value that cannot be a mark asks nothing."""
    values = {name: _tidy(arguments.get(name, "")) for name in NAMES}
    return Narrowed(**values, here=arguments.get("here") == "yes")


def _tidy(value: str) -> str:
    folded = value.strip().lower()[:20]
    return folded if folded.isascii() and all(sign.isalnum() or sign == "-" for sign in folded) else ""


def marks_of(subjects_told: Iterable[Mapping[str, Any]], editions: Iterable[Edition]) -> set[str]:
    """Return the marks of a work by its subjects and its editions."""
    marks = {f"subject={code.lower()}" for code in subjects.codes(subjects_told)}
    for edition in editions:
        marks.update(_marks_of_edition(edition))
    return marks


def _marks_of_edition(edition: Edition) -> Iterable[str]:
    form = _FORM_BY_CODE.get(edition.form) or _FORM_BY_LETTER.get(edition.form[0])
    if form:
        yield f"form={form}"
    if edition.language != "und":
        yield f"language={edition.language}"
    if edition.publication_date:
        yield f"year={edition.publication_date.year}"
    if is_digital(edition.form):
        yield from (f"reading={name}" for name in accessibility.filters(edition.accessibility, edition.protection))


def label(name: str, value: str, known: Mapping[str, str | None]) -> str:
    """Return a filter's value in words. `known` are the headings of subjects."""
    match name:
        case "form":
            return FORMS.get(value, value)
        case "subject":
            return subjects.named(value.upper(), known).heading
        case "language":
            return languages.name(value)
        case "reading":
            return READING.get(value, value)
    return value


Choice = tuple[str, str, int | None]
"""A value of a filter, its words, and how many works bear it, where that was counted."""


def choices(search_texts: Iterable[str]) -> dict[str, list[Choice]]:
    """Return for each filter the values that these works bear, and how many of them; of subjects, only the widest."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for words in search_texts:
        for name, value in {_mark(*mark) for mark in _MARKS.findall(words)}:
            counts[name][value] += 1
    return {name: _in_order(name, counted) for name, counted in counts.items() if counted}


_MARKS = re.compile(r"(\S+)=(\S+)")


def _mark(name: str, value: str) -> tuple[str, str]:
    return name, value[:1] if name == "subject" else value


def _in_order(name: str, counted: Counter[str]) -> list[Choice]:
    values: list[Choice] = [(value, label(name, value, {}), count) for value, count in counted.items()]
    newest_first = name == "year"
    return sorted(values, key=lambda one: one[0] if newest_first else one[1], reverse=newest_first)
