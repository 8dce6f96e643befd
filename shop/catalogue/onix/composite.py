"""An element of a message opened: its children by their reference names, in whichever dialect they were written.

Reading a product asks for some hundred words, which is most of what reading costs: every composite is looked through
once, and a composite within it only when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from shop.catalogue.onix.tags import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence


DEEPEST = 50


def refuse_wells(element: etree._Element, deepest: int = DEEPEST) -> None:
    """Refuse what is nested deeper than anybody writes. What the standard names is never deep by itself.

    Raises:
        ValueError: it is.
    """
    if not deepest:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    for child in element:
        if len(child):
            refuse_wells(child, deepest - 1)


class Composite:
    """An element whose children have been looked through once and stand by their reference names.

    Raises ValueError when it is made of one in which something unknown is nested too deep.
    """

    __slots__ = ("_children", "_opened", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._opened: dict[str, list[Composite]] | None = None
        self._children: dict[str, list[etree._Element]] = {}
        children = self._children
        for child in element:
            name = NAMES.get(child.tag)
            if name in children:
                children[name].append(child)
            elif name is not None:
                children[name] = [child]
            elif len(child):
                refuse_wells(child)

    def child(self, name: str) -> etree._Element | None:
        """Return the first child of a name as it is, or None."""
        found = self._children.get(name)
        return found[0] if found else None

    def all(self, name: str) -> Sequence[Composite]:
        """Return every child of a name, opened."""
        children = self._children.get(name)
        if children is None:
            return ()
        if self._opened is None:
            self._opened = {}
        elif name in self._opened:
            return self._opened[name]
        found = self._opened[name] = [Composite(child) for child in children]
        return found

    def first(self, name: str) -> Composite:
        """Return the first child of a name, opened; an empty one for none."""
        found = self.all(name)
        return found[0] if found else EMPTY

    def text(self, name: str) -> str | None:
        """Return the words of the first child of a name, tidied; None for none."""
        found = self._children.get(name)
        return None if found is None else _tidied(found[0])

    def texts(self, name: str) -> list[str]:
        """Return the words of every child of a name, tidied, but for those without any."""
        return [text for child in self._children.get(name, ()) if (text := _tidied(child))]

    def required(self, name: str) -> str:
        """Return the words of a child.

        Raises:
            ValueError: there are none.
        """
        text = self.text(name)
        if text is None:
            raise ValueError(f"it has no {name}")
        return text


def _tidied(element: etree._Element) -> str | None:
    text = element.text
    if len(element):
        text = "".join(map(str, element.itertext()))
    if text is None or text.isalnum():
        return text
    return " ".join(text.split()) or None


EMPTY = Composite(etree.Element("none"))
