"""Search: which works hold the words asked for, by one index of words on SQLite (FTS5) and on PostgreSQL (GIN).

Both engines find the same works because neither of them cuts a text into words: that is done here, for what is
kept and for what is asked. `Work.search_text` holds a work's words and its marks, separated by single spaces. A mark
(`form=ebook`) is what a filter asks for; the sign in it cannot occur in a word, so nobody can type one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import String, cast, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Mapped, mapped_column
from stdnum import isbn as isbn_number

from shop.catalogue.models import Work
from shop.db import Base

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection

MOST_WORDS = 8
LONGEST_WORD = 60
LONGEST_ASKED = 200
SHORTEST_MENDED = 4
"""A word of fewer letters is near too many others to be mended."""
MOST_NEAR = 5
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

_SAID_TO_BE_ISBN = re.compile(r"^isbn(?:-?1[03])?[\s:]+(?=\d)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['\u2019\u02bc\u2010\u2011-][^\W_]+)*")
_JOINTS = re.compile(r"['\u2019\u02bc\u2010\u2011-]")
_UNDECOMPOSABLE = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th"}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ß": "ss"}
)


class KnownWord(Base):
    """A word or a mark that some work holds, or has held: what a mistyped word may have been meant to be."""

    __tablename__ = "known_word"

    word: Mapped[str] = mapped_column(
        String(LONGEST_WORD, collation="C").with_variant(String(), "sqlite"), primary_key=True
    )


def folded(words: str) -> str:
    """Text for comparing: lower case, without accents."""
    if words.isascii():
        return words.casefold()
    stripped = unicodedata.normalize("NFKD", words.translate(_UNDECOMPOSABLE))
    return "".join(letter for letter in stripped if not unicodedata.combining(letter)).casefold()


def words_of(told: str) -> list[str]:
    """Return the words under which a text is found: `O'Neil` as oneil, o and neil, as people ask."""
    found: list[str] = []
    for word in _WORD.findall(folded(told)):
        if word.isalnum():
            found.append(word)
        else:
            parts = _JOINTS.split(word)
            found += dict.fromkeys(["".join(parts), *parts])
    return [_kept(word) for word in found]


def _kept(word: str) -> str:
    """A word as both engines take it for one: letters younger than SQLite's tables are written as their numbers."""
    if not word.isascii():
        word = "".join(letter if _is_old(letter) else f"u{ord(letter):x}" for letter in word)
    return word[:LONGEST_WORD]


def _is_old(letter: str) -> bool:
    return unicodedata.ucd_3_2_0.category(letter)[0] in "LN"


def typed(text: str) -> str:
    """Return what somebody has typed to look for, shortened; that a number is an ISBN need not be said."""
    return _SAID_TO_BE_ISBN.sub("", text.strip()[:LONGEST_ASKED])


def words_asked(asked: str) -> tuple[str, ...]:
    """Return the words of a question, at most MOST_WORDS; an ISBN, of ten digits or with hyphens, is one word."""
    if number := _isbn_in(asked):
        return (number,)
    words = (_kept(_JOINTS.sub("", word)) for word in _WORD.findall(folded(asked)))
    return tuple(dict.fromkeys(words))[:MOST_WORDS]


def _isbn_in(asked: str) -> str | None:
    written = isbn_number.compact(asked).replace(" ", "")
    if isbn_number.is_valid(written):
        return str(isbn_number.to_isbn13(written))
    return written if written.isdigit() and len(written) >= 10 else None  # noqa: PLR2004 - the shorter ISBN's length


def is_mistyped_isbn(asked: str) -> bool:
    """Whether it has as many digits as an ISBN, and its last one does not agree with the others."""
    written = isbn_number.compact(asked).replace(" ", "")
    return written.isdigit() and len(written) in {10, 13} and not isbn_number.is_valid(written)


def index_text(told: Iterable[str], marks: Iterable[str]) -> str:
    """Return what `Work.search_text` holds for these texts and marks."""
    words = dict.fromkeys(word for each in told for word in words_of(each))
    return " ".join([*words, *sorted(set(marks))])


def holds(
    dialect: str, words: Sequence[Sequence[str]], marks: Iterable[str] = (), *, by_many: bool = False
) -> ColumnElement[bool] | None:
    """Return the condition that a work holds one of each group of words, as beginnings, and every mark whole.

    A mark that ends in `*` is a beginning as well. None when nothing is asked. With `by_many` it is expected of so many
    works that the first few are soonest found by going through all in their order; PostgreSQL sees that by itself.
    """
    terms = _terms(words, marks)
    if not terms:
        return None
    if dialect == "sqlite":
        # With the sign before it the key is none to SQLite, which then keeps to the index of the order.
        key = literal_column("+work.id") if by_many else Work.id
        return key.in_(text("SELECT rowid FROM work_word WHERE work_word MATCH :asked").bindparams(asked=_fts5(terms)))
    return _in_lexemes(terms)


def _terms(words: Sequence[Sequence[str]], marks: Iterable[str]) -> list[list[tuple[str, bool]]]:
    """Groups of which a work holds one each, and whether it may be the beginning of a word."""
    terms = [[(word, True) for word in group] for group in words]
    return [*terms, *([(mark.removesuffix("*"), mark.endswith("*"))] for mark in marks)]


def _fts5(terms: list[list[tuple[str, bool]]]) -> str:
    return _groups(terms, "AND", "OR", '"{}"', "*")


def _in_lexemes(terms: list[list[tuple[str, bool]]]) -> ColumnElement[bool]:
    lexemes = func.array_to_tsvector(func.string_to_array(Work.search_text, literal_column("' '")))
    return lexemes.bool_op("@@")(cast(_groups(terms, "&", "|", "'{}'", ":*"), TSQUERY))


def _groups(terms: list[list[tuple[str, bool]]], both: str, either: str, quoted: str, beginning: str) -> str:
    """The terms as an engine's own query. No word holds a quote: words are letters and digits."""
    groups = (
        f" {either} ".join(quoted.format(term) + (beginning if begins else "") for term, begins in group)
        for group in terms
    )
    return f" {both} ".join(f"({group})" for group in groups)


def index_new(connection: Connection, texts: Iterable[tuple[int, str]]) -> None:
    """Put works that were written with revision 0 into the index, by key and search text; see migration 0008."""
    new = [{"id": key, "words": words} for key, words in texts]
    if new and connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO work_word (rowid, search_text) VALUES (:id, :words)"), new)


def learn(connection: Connection, texts: Iterable[str]) -> None:
    """Keep the words of these search texts, for those who will mistype them, and the marks, for those who narrow."""
    words = sorted({word for each in texts for word in each.split() if "=" in word or _is_mendable(word)})
    if words:
        known = "INSERT INTO known_word (word) VALUES (:word) ON CONFLICT DO NOTHING"
        connection.execute(text(known), [{"word": word} for word in words])


def _is_mendable(word: str) -> bool:
    return len(word) >= SHORTEST_MENDED and "=" not in word and not word.isdigit()


def known_marks(connection: Connection, name: str) -> list[str]:
    """Return the values under which works have been marked by this name."""
    begun = select(KnownWord.word).where(KnownWord.word >= f"{name}=", KnownWord.word < f"{name}>")
    return [word.partition("=")[2] for word in connection.scalars(begun)]


def mended(connection: Connection, words: Iterable[str], *, whole: bool = False) -> list[tuple[str, ...]]:
    """Return for each word what to look for: itself, or where no work knows it, the words one slip of the hand away.

    `whole` takes a word for a slip also where it is only the beginning of one that some work knows.
    """
    return [_meant(connection, word, whole=whole) for word in words]


def _meant(connection: Connection, word: str, *, whole: bool) -> tuple[str, ...]:
    may_be_slip = _is_mendable(word) and word.isascii()
    is_known = _is_known if whole else _is_begun
    return _near(connection, word) if may_be_slip and not is_known(connection, word) else (word,)


def _is_known(connection: Connection, word: str) -> bool:
    return connection.execute(select(KnownWord.word).where(KnownWord.word == word)).first() is not None


def _is_begun(connection: Connection, beginning: str) -> bool:
    after = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    begun = select(KnownWord.word).where(KnownWord.word >= beginning, KnownWord.word < after).limit(1)
    return connection.execute(begun).first() is not None


def _near(connection: Connection, word: str) -> tuple[str, ...]:
    found = connection.scalars(select(KnownWord.word).where(KnownWord.word.in_(_slips(word))).order_by(KnownWord.word))
    # The beginning of a word is rarely mistyped: those that share it come first.
    nearest = sorted(found, key=lambda known: known[0] != word[0])
    return tuple(nearest[:MOST_NEAR]) or (word,)


@lru_cache(maxsize=256)
def _slips(word: str) -> frozenset[str]:
    """Every word that differs by a letter left out, added, mistaken, or by two letters changing places."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    fewer = {left + right[1:] for left, right in cuts if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    other = {left + letter + right[1:] for left, right in cuts if right for letter in LETTERS}
    more = {left + letter + right for left, right in cuts for letter in LETTERS}
    return frozenset(fewer | swapped | other | more) - {word}


def count(
    connection: Connection,
    words: Sequence[Sequence[str]],
    marks: Iterable[str],
    also: Sequence[ColumnElement[bool]] = (),
) -> int:
    """Return how many works hold these words and marks, and meet the other conditions."""
    terms = _terms(words, marks)
    if connection.dialect.name == "sqlite" and terms and not also:  # the index alone tells, ten times as fast
        held = text("SELECT count(*) FROM work_word WHERE work_word MATCH :asked")
        return int(connection.execute(held, {"asked": _fts5(terms)}).scalar_one())
    found = holds(connection.dialect.name, words, marks)
    counted = select(func.count()).select_from(Work).where(*also)
    return connection.execute(counted if found is None else counted.where(found)).scalar_one()
