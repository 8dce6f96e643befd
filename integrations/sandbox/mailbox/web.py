"""The way out: pages for people, JSON for tests."""

import re
from io import BytesIO
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request, send_file
from markupsafe import Markup, escape

from integrations.sandbox.mailbox.reading import Letter
from integrations.sandbox.mailbox.store import FaultKind, Store

if TYPE_CHECKING:
    from integrations.sandbox.mailbox.reading import Attachment

pages = Blueprint("pages", __name__)
control = Blueprint("control", __name__, url_prefix="/_sandbox")

EXTENSION = "mailbox_store"
ADDRESS_ON_THE_WEB = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
PERMANENT_FAILURE = 550
REPLY_CODES = range(400, 600)
# The letter may be looked at and its links followed in a new tab; it may run nothing and load nothing.
LETTER_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)


def create_app(store: Store) -> Flask:
    """Return the application that shows what the store holds."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask's default provider has it
    app.extensions[EXTENSION] = store
    app.add_template_filter(with_links, "with_links")
    app.register_blueprint(pages)
    app.register_blueprint(control)
    return app


def mail() -> Store:
    """Return the store of the current application."""
    store: Store = current_app.extensions[EXTENSION]
    return store


def get_letter(number: int) -> Letter:
    """Return one letter, or answer 404."""
    stored = mail().find_message(number)
    if stored is None:
        abort(404)
    return Letter(stored)


def with_links(text: str) -> Markup:
    """Return plain text with its web addresses made links."""
    pieces, end = [], 0
    for found in ADDRESS_ON_THE_WEB.finditer(text):
        pieces += [escape(text[end : found.start()]), as_link(found.group())]
        end = found.end()
    return Markup("").join([*pieces, escape(text[end:])])


def as_link(address: str) -> Markup:
    """Return a link to an address that it also shows."""
    return Markup('<a href="{0}" rel="noreferrer">{0}</a>').format(address)


@pages.get("/")
def inbox() -> str:
    """List the letters, newest first."""
    to = request.args.get("to", "").strip()
    letters = [Letter(stored) for stored in mail().messages(to)]
    return render_template("inbox.html", letters=letters, to=to)


@pages.get("/messages/<int:number>")
def letter_page(number: int) -> str:
    """Show one letter."""
    return render_template("letter.html", letter=get_letter(number))


@pages.get("/messages/<int:number>/html")
def letter_html(number: int) -> Response:
    """Serve the HTML of a letter, shut in."""
    # Without a base target, a followed link would open inside the little frame.
    framed = '<base target="_blank">' + get_letter(number).html
    page = Response(framed, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = LETTER_POLICY
    page.headers["X-Content-Type-Options"] = "nosniff"
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@pages.get("/messages/<int:number>/raw")
def letter_source(number: int) -> Response:
    """Serve a letter as it came."""
    return Response(get_letter(number).stored.raw, content_type="text/plain; charset=utf-8")


@pages.get("/messages/<int:number>/attachments/<int:place>")
def attachment(number: int, place: int) -> Response:
    """Serve one attachment, counted from 1, as a download."""
    attachments = get_letter(number).attachments
    if not 1 <= place <= len(attachments):
        abort(404)
    return as_download(attachments[place - 1])


def as_download(found: "Attachment") -> Response:
    """Return an attachment as a file to be saved, never shown."""
    file = send_file(BytesIO(found.octets), found.content_type, as_attachment=True, download_name=found.name)
    file.headers["X-Content-Type-Options"] = "nosniff"
    return file


@control.get("/health")
def health() -> Response:
    """Say that the mailbox is up."""
    return jsonify(status="ok")


@control.get("/messages")
def list_messages() -> Response:
    """Return the letters, newest first: all, or those to one address."""
    return jsonify([Letter(stored).described() for stored in mail().messages(request.args.get("to", ""))])


@control.delete("/messages")
def forget_messages() -> Response:
    """Throw every letter away."""
    mail().forget_messages()
    return jsonify([])


@control.get("/bounces")
def list_bounces() -> Response:
    """Return the refused addresses."""
    return jsonify(mail().bounces())


@control.post("/bounces")
def bounce() -> Response:
    """Refuse an address from now on."""
    wish = request.get_json(force=True)
    code = int(wish.get("code", PERMANENT_FAILURE))
    if code not in REPLY_CODES:
        raise ValueError(f"{code} is not a reply code from 400 to 599")
    mail().bounce(wish["address"], code)
    return list_bounces()


@control.delete("/bounces")
def forget_bounces() -> Response:
    """Accept every address again."""
    mail().forget_bounces()
    return list_bounces()


@control.get("/faults")
def list_faults() -> Response:
    """Return the faults still waiting for a message."""
    return jsonify(mail().faults())


@control.post("/faults")
def order_fault() -> Response:
    """Let the next messages fail."""
    wish = request.get_json(force=True)
    mail().order_fault(FaultKind(wish["fault"]), int(wish.get("messages", 1)))
    return list_faults()


@control.delete("/faults")
def forget_faults() -> Response:
    """Call off every fault."""
    mail().forget_faults()
    return list_faults()


@control.errorhandler(ValueError)
@control.errorhandler(KeyError)
def refuse_wish(mistake: Exception) -> tuple[Response, int]:
    """Say what is wrong with a wish."""
    return jsonify(error=f"{type(mistake).__name__}: {mistake}"), 400
