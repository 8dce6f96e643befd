"""Accessibility: what an ebook's ONIX claims of it, in the words in which readers are used to finding it. Pure.

The words are those of W3C's Accessibility Metadata Display Guide for Digital Publications 2.1, in its compact form,
with its section names and order: ways of reading and conformance are always told, were it only that nobody knows.
Codes are of ONIX's lists 196 (features) and 143 (hazards).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

UNKNOWN = "No information is available"
FIXED_LAYOUT, REFLOWABLE = "E201", "E200"
ADJUSTABLE, WITHOUT_SIGHT = "36", "52"
UNLOCKED = {"00", "02"}
"""List 144: no technical protection, or a watermark, neither of which keeps assistive technology out."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the statements under it."""

    heading: str
    statements: tuple[str, ...]


def claims(
    features: Sequence[Mapping[str, Any]], hazards: Sequence[str], form_details: str | None
) -> tuple[Section, ...]:
    """Return what is claimed of an ebook, section by section.

    Args:
        features: Each `{"value", "words"}`: a code of list 196 and the publisher's words on it.
        hazards: Codes of list 143.
        form_details: Codes of list 175, with spaces between them, for layouts that cannot be changed.
    """
    words = {feature["value"]: feature["words"] for feature in features}
    sections = (
        Section("Ways of reading", (_appearance(words, form_details), _without_sight(words), *_alternatives(words))),
        Section("Conformance", tuple(_conformance(words))),
        Section("Navigation", _told(words, _NAVIGATION)),
        Section("Rich content", _told(words, _RICH_CONTENT)),
        Section("Hazards", _told(dict.fromkeys(hazards), _HAZARDS)),
        Section("Accessibility summary", tuple(text for code in ("00", "92") if (text := words.get(code)))),
        Section("Legal considerations", _EXEMPT if _EXEMPTIONS & words.keys() else ()),
        Section("Additional accessibility information", _told(words, _ADDITIONAL)),
        Section("For more information", tuple(_contacts(words))),
    )
    return tuple(section for section in sections if section.statements)


def filters(features: Iterable[Mapping[str, Any]], protection: str | None) -> list[str]:
    """Return the filters of the catalogue that an ebook meets: `adjustable`, `screen-reader`, `unlocked`."""
    values = {feature["value"] for feature in features}
    met = {
        "adjustable": ADJUSTABLE in values,
        "screen-reader": WITHOUT_SIGHT in values,
        "unlocked": protection in UNLOCKED,
    }
    return [name for name, is_met in met.items() if is_met]


def _appearance(words: Mapping[str, Any], form_details: str | None) -> str:
    if ADJUSTABLE in words:
        return "Appearance can be modified"
    if FIXED_LAYOUT in (form_details or "").split():
        return "Appearance cannot be modified"
    return "No information about appearance modifiability is available"


def _without_sight(words: Mapping[str, Any]) -> str:
    if WITHOUT_SIGHT in words:
        return "Readable in read aloud or dynamic braille"
    if words.keys() & {"14", "15", "16"}:
        return "Not fully readable in read aloud or dynamic braille"
    return "No information about nonvisual reading is available"


def _alternatives(words: Mapping[str, Any]) -> Iterable[str]:
    if words.keys() & {"14", "15", "16"}:
        yield "Has alternative text"
    if "20" in words:
        yield "Prerecorded audio synchronized with text"


def _conformance(words: Mapping[str, Any]) -> Iterable[str]:
    standard = words.keys() & {"02", "03", "04"}
    level = next((level for code, level in _LEVELS.items() if code in words), None) if standard else None
    yield _STANDARDS[level] if level else UNKNOWN
    if words.get("90"):
        yield f"This publication was certified by {words['90']}"
    if level:
        claimed = f"EPUB Accessibility {'1.1' if '04' in words else '1.0'}"
        yield f"This publication claims to meet {claimed} WCAG {_wcag(words)} Level {level}"


def _wcag(words: Mapping[str, Any]) -> str:
    return next((version for code, version in (("82", "2.2"), ("81", "2.1")) if code in words), "2.0")


def _contacts(words: Mapping[str, Any]) -> Iterable[str]:
    return (told for code in ("94", "96", "99") if (told := words.get(code)))


def _told(codes: Mapping[str, Any], statements: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(statement for code, statement in statements.items() if code in codes))


_LEVELS = {"86": "AAA", "85": "AA", "84": "A", "03": "AA", "02": "A"}
_STANDARDS = {
    "AAA": "This publication exceeds accepted accessibility standards",
    "AA": "This publication meets accepted accessibility standards",
    "A": "This publication meets minimum accessibility standards",
}
_EXEMPTIONS = {"75", "76", "77"}
_EXEMPT = ("Claims an accessibility exemption in some jurisdictions",)
_NAVIGATION = {"11": "Table of contents", "12": "Index", "29": "Headings", "19": "Go to page", "41": "Go to page"}
_RICH_CONTENT = {
    "17": "Math formulas in accessible format (MathML)",
    "35": "Math formulas in accessible format (LaTeX)",
    "53": "Text descriptions of math are provided",
    "34": "Chemical formulas in accessible format (MathML)",
    "54": "Chemical formulas in accessible format (LaTeX)",
    "15": "Information-rich images are described by extended descriptions",
    "16": "Visualized data also available as non-graphical data",
}
_HAZARDS = {
    "00": "No hazards",
    "13": "Flashing content",
    "17": "Motion simulation",
    "15": "Sounds",
    "14": "No flashing hazards",
    "18": "No motion hazards",
    "16": "No sound hazards",
    "24": "Flashing hazards not known",
    "26": "Motion hazards not known",
    "25": "Sound hazards not known",
}
_ADDITIONAL = {
    "22": "Language tagging provided",
    "21": "Text-to-speech hinting provided",
    "24": "Dyslexia readability",
    "25": "Color is not the sole means of conveying information",
    "26": "High contrast between text and background",
    "37": "Ultra-high contrast between text and background",
    "27": "High contrast between foreground and background audio",
    "30": "ARIA roles included",
    "09": "Inaccessible, or known limited accessibility",
}
