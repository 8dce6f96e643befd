"""Mail: letters rendered from templates, sent once each by a worker, under a Message-ID that stays the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import css_inline
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from shop.settings import assets

if TYPE_CHECKING:
    from shop.services import Shop


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to go.

    Attributes:
        message_id: Without angle brackets; the same for every attempt, so that a repeat can be recognised.
        attachments: Name, media type and content of each.
    """

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    attachments: tuple[tuple[str, str, bytes], ...] = field(default=())


class Mailer(Protocol):
    """Takes letters away."""

    def send(self, letter: Letter) -> None:
        """Hand the letter over.

        Raises:
            RefusedError: the address does not take mail, for good.
            UnavailableError: not now; nothing was sent.
            UnknownOutcomeError: the letter may have gone.
        """


def compose(shop: Shop, event: str, to: str, key: str, **context: Any) -> Letter:
    """Render `email/<event>/` for an address; `key` is what makes this letter one of a kind."""
    context |= {"house": shop.settings, "to": to}
    subject, text, html = (
        _page(f"{event}/{part}").render(context) for part in ("subject.txt", "body.txt", "body.html")
    )
    return Letter(
        to=to,
        subject=" ".join(subject.split()),
        text=text.strip() + "\n",
        html=_inliner().inline(html),
        message_id=f"{hashlib.sha256(f'{event}:{key}'.encode()).hexdigest()[:32]}@{shop.settings.host}",
    )


def legal_text(shop: Shop, name: str) -> Markup:
    """A page of law as it stands today, such as `terms`, to be sent along with what was agreed."""
    return Markup(_page(f"legal/{name}.html").render(house=shop.settings))  # noqa: S704 - our own template, escaped


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader([assets("templates") / "email", assets("templates")]),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(name: str) -> Any:
    return _environment().get_template(name)


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
