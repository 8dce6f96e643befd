"""Pages of books, drawn once for a country and handed out for as long as nothing they show has changed.

They are answered in front of Flask: what every visitor looks at passes none of the layers that a form needs.
A page is looked for under the revision that its work has *now* (one indexed look-up), so a changed price,
stock, right or provider state shows at once, in every process. What a book tells of itself is the same in every
country and outlives a change of its stock: that half is drawn once for the same words, and kept by them.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from markupsafe import Markup
from sqlalchemy import bindparam, select
from werkzeug.http import parse_etags

from shop import visitor
from shop.catalogue.books import bundles, linked, reading
from shop.catalogue.models import Work
from shop.db import Prepared

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from datetime import datetime
    from wsgiref.types import StartResponse, WSGIEnvironment

    from flask import Flask

    from shop.catalogue.books.reading import WorkView
    from shop.db import Look
    from shop.services import Shop

_BOOK = re.compile(r"/books/([a-z0-9-]{1,120})")
MOST_TEXTS = 2000
HOLE = "\N{NULL}basket\N{NULL}"
"""Stands where the basket's count goes; no text of ours or a publisher's holds a null."""

_REVISION = Prepared(select(Work.revision).where(Work.slug == bindparam("slug")))


@dataclass(frozen=True, slots=True)
class Page:
    """A page in the two parts around the basket's count, and what it was true of."""

    revision: int
    until: datetime
    before: bytes
    after: bytes
    tag: str

    def body(self, copies: int) -> bytes:
        """The page of a visitor with so many books in the basket."""
        return b"%b%d%b" % (self.before, copies, self.after)


class PageMemory:
    """Pages as they were last drawn."""

    def __init__(self, most: int = 1000) -> None:
        """Keep at most so many, those drawn longest ago leaving first."""
        self._pages: OrderedDict[tuple[str, str | None], Page] = OrderedDict()
        self._most = most
        self._lock = Lock()

    def find(self, slug: str, country: str | None, revision: int, now: datetime) -> Page | None:
        """The page, if it is still true."""
        page = self._pages.get((slug, country))
        return page if page is not None and page.revision == revision and page.until > now else None

    def keep(self, slug: str, country: str | None, page: Page) -> None:
        """Remember a page."""
        with self._lock:
            self._pages[slug, country] = page
            self._pages.move_to_end((slug, country))
            if len(self._pages) > self._most:
                self._pages.popitem(last=False)


class BookPages:
    """Stands before the application and answers for the pages of books; all else is the application's."""

    def __init__(self, app: Flask, shop: Shop, headers: list[tuple[str, str]]) -> None:
        """Stand before `app`, with the security headers that its own answers carry."""
        self._app, self._behind, self._shop = app, app.wsgi_app, shop
        self._headers = [*headers, ("Cache-Control", "private, no-cache"), ("Vary", "Cookie")]
        self._hosts = {shop.settings.host, shop.settings.public_base_url.rpartition("/")[2]}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a reader who looks at a book by its own address and our own name."""
        asked = _BOOK.fullmatch(environ["PATH_INFO"])
        if asked and environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_HOST") in self._hosts:
            cookies = visitor.cookies_of(environ.get("HTTP_COOKIE", ""))
            country = visitor.country_in(cookies) or _country_asked(environ["QUERY_STRING"])
            page = self.find(asked[1], country)
            if page is not None:
                return self._hand_out(page, cookies, environ, start)
        return self._behind(environ, start)

    def find(self, slug: str, country: str | None) -> Page | None:
        """The page of a book for a country, remembered or drawn; None for a slug that is nobody's."""
        memory: PageMemory = self._app.extensions.setdefault("page_memory", PageMemory())
        with self._shop.db.looking() as look:
            found = look(_REVISION, slug)
            if not found:
                return None
            return memory.find(slug, country, found[0].revision, self._shop.now) or self._draw(
                memory, look, slug, country
            )

    def _draw(self, memory: PageMemory, look: Look, slug: str, country: str | None) -> Page | None:
        work = reading.work_page(self._shop, look, slug, country)
        if work is None:
            return None
        template = self._app.jinja_env.get_template("catalogue/work.html")
        settings = self._shop.settings
        told = {"country": country, "basket_count": Markup(HOLE)}  # noqa: S704 - our own mark
        data = Markup(linked.book(work, settings.public_base_url, settings.shop_name, country))  # noqa: S704 - escaped
        both = bundles.of(work.editions, settings.bundle_percent_off)
        html = template.render(work=work, bundle=both, linked=data, about=self._about(work), **told).encode()
        before, _, after = html.partition(HOLE.encode())
        tag = hashlib.blake2b(html, digest_size=8).hexdigest()
        until = reading.good_until(work, self._shop.now, reading.provider_max_age(self._shop))
        page = Page(work.revision, until, before, after, tag)
        memory.keep(slug, country, page)
        return page

    def _about(self, work: WorkView) -> Markup:
        """What is told of a work in every country, drawn once for as long as it is the same."""
        memory: OrderedDict[Hashable, Markup] = self._app.extensions.setdefault("about_memory", OrderedDict())
        told = memory.get(work.about)
        if told is None:
            template = self._app.jinja_env.get_template("catalogue/about.html")
            told = memory[work.about] = Markup(template.render(work=work))  # noqa: S704 - drawn by our template
            if len(memory) > MOST_TEXTS:
                memory.popitem(last=False)
        return told

    def _hand_out(
        self, page: Page, cookies: Mapping[str, str], environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        copies = visitor.copies_in(cookies)
        tag = f'"{page.tag}.{copies}"'
        asked_after = environ.get("HTTP_IF_NONE_MATCH")
        if asked_after and parse_etags(asked_after).contains_weak(tag.strip('"')):
            start("304 Not Modified", [*self._headers, ("ETag", tag)])
            return []
        body = page.body(copies)
        kind = ("Content-Type", "text/html; charset=utf-8")
        start("200 OK", [*self._headers, kind, ("ETag", tag), ("Content-Length", str(len(body)))])
        return [body]


def _country_asked(query: str) -> str | None:
    """The country of an address that a shopping page leads to; a reader's own choice goes before it."""
    return visitor.country_in(dict(parse_qsl(query))) if query.startswith("country=") else None


def put_before(app: Flask, shop: Shop, headers: list[tuple[str, str]]) -> None:
    """Let the pages of books be answered before the application."""
    pages = BookPages(app, shop, headers)
    app.extensions["book_pages"] = pages
    app.wsgi_app = pages  # type: ignore[assignment, method-assign]
