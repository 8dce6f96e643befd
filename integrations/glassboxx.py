"""Glassboxx: ebooks are granted into the reader's app by its Sales API (a Magento 2 server).

What the vendor documents, and what it does not, decides the code: business errors come as HTTP 200 with a
status of ERROR; answers may be an object or a list, their keys in any case; error texts carry placeholders
unfilled. There is no call that lists, cancels or looks up an order, so a lost answer to an order is unknown.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import requests

from shop.catalogue.models import ProviderState
from shop.catalogue.selling.disclosure import App, Disclosure
from shop.library.models import Delivery, Place
from shop.services import RefusedError, RepeatRefusedError, UnavailableError, UnknownOutcomeError

if TYPE_CHECKING:
    from shop.library.fulfilment import Consignment

CONNECT_SECONDS = 3.05
RENEW_EARLY_SECONDS = 60
LONGEST_TOKEN_LIFE_SECONDS = 3600
REJECTION_REST_SECONDS = 300
"""After a rejected sign-in we rest: six failures lock the account for half an hour."""

NOT_YET = {408, 429}
OUR_OWN_TROUBLE = {401, 403, 404, 405}
"""A wrong address or missing permission is no word on the book: it waits until somebody has mended it."""

PUBLISHED_REFUSALS = (
    "sku doesn't exist",
    "product not enabled",
    "another vendor",
    "is a required field",
    "error creating customer",
)
"""Words of the refusals that the vendor's pages print; what a repeated order gets they do not."""

DISCLOSURE = Disclosure(
    powered_by="Glassboxx",
    protection="protected (DRM)",
    how_to_read=(
        "Read it in the free Glassboxx app on a phone, tablet or computer (Android, iOS, Windows, macOS), not on "
        "a Kindle or Kobo. You sign in there with the e-mail address you buy with."
    ),
    is_licence=True,
    apps=(
        App("iPhone and iPad", "https://apps.apple.com/search?term=glassboxx"),
        App("Android", "https://play.google.com/store/search?q=glassboxx&c=apps"),
        App("Windows and Mac", "https://glassboxx.com/app"),
    ),
)


class _TokenRejectedError(Exception):
    """The token was not accepted; a new one may be."""


class Glassboxx:
    """Delivers ebooks into the Glassboxx app."""

    disclosure = DISCLOSURE
    repeats_safely = False

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        vendor_id: str,
        *,
        check_path: str,
        timeout: float,
    ) -> None:
        """Speak to the Sales API at this address as this vendor."""
        self._base = base_url.rstrip("/")
        self._credentials = {"username": username, "password": password}
        self._vendor = vendor_id
        self._check_path = check_path
        self._timeout = (CONNECT_SECONDS, timeout)
        self._http = requests.Session()
        self._http.trust_env = False
        self._token: tuple[str, float] | None = None
        self._resting_until = 0.0
        self._lock = threading.Lock()

    def can_deliver(self, isbn: str, sku: str) -> ProviderState:
        """Ask checkContent of a SKU."""
        del isbn
        try:
            answer = self._call("GET", self._check_path.format(sku=sku))
        except UnknownOutcomeError as error:
            raise UnavailableError(str(error)) from error
        return _state(*_status_of(answer))

    def deliver(self, consignment: Consignment) -> Delivery:
        """Make sure of the account, then order the one copy; one line a call, so that none can half succeed."""
        self._make_account(consignment)
        answer = self._call("POST", "/glassboxxorder/createOrder", {"items": [self._item(consignment)]})
        status, message = _status_of(answer)
        if status != "SUCCESS":
            raise _refusal(message)(message or "the order was refused without a reason")
        return Delivery(Place.APP)

    def _make_account(self, consignment: Consignment) -> None:
        first, last = _names(consignment.reader)
        customer = {
            "email": consignment.email,
            "first_name": first,
            "last_name": last,
            "vendor_id": self._vendor,
        }
        try:
            answer = self._call("POST", "/glassboxxorder/createAccount", {"customer": [customer]})
        except UnknownOutcomeError as error:
            # Making an account again is documented to do nothing, so nothing is at stake.
            raise UnavailableError(str(error)) from error
        status, message = _status_of(answer)
        if status != "SUCCESS":
            raise RefusedError(message or "the account was refused without a reason")

    def _item(self, consignment: Consignment) -> dict[str, str]:
        first, last = _names(consignment.reader)
        return {
            "currency_code": consignment.price.currency,
            "sku": consignment.sku,
            "created_at": consignment.ordered_on.isoformat(),
            "discount_amount": "0",
            "original_order_number": consignment.order_number,
            "email": consignment.email,
            "first_name": first,
            "last_name": last,
            "vendor_id": self._vendor,
            "price_incl_tax": f"{consignment.price.decimal:.2f}",
        }

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call, with a new token once if the old one is not accepted."""
        try:
            return self._send(method, path, body, self._valid_token())
        except _TokenRejectedError:
            self._token = None
        try:
            return self._send(method, path, body, self._valid_token())
        except _TokenRejectedError as error:
            raise UnavailableError("Glassboxx does not accept a token it has just given us") from error

    def _send(self, method: str, path: str, body: dict[str, Any] | None, token: str) -> Any:
        answer = self._request(method, path, body, {"Authorization": f"Bearer {token}"})
        if answer.status_code == requests.codes.unauthorized:
            raise _TokenRejectedError
        return _content(answer)

    def _request(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> requests.Response:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        try:
            return self._http.request(
                method,
                self._base + path,
                json=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.ConnectTimeout as error:
            raise UnavailableError("Glassboxx cannot be reached") from error
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise UnavailableError("Glassboxx cannot be reached") from error
            raise UnknownOutcomeError("the connection to Glassboxx broke") from error
        except requests.RequestException as error:
            raise UnknownOutcomeError(f"Glassboxx did not answer: {type(error).__name__}") from error

    def _valid_token(self) -> str:
        with self._lock:
            if self._token and self._token[1] > time.time():
                return self._token[0]
            if self._resting_until > time.monotonic():
                raise UnavailableError("Glassboxx rejected our sign-in a moment ago; check glassboxx_password")
            self._token = self._sign_in()
            return self._token[0]

    def _sign_in(self) -> tuple[str, float]:
        try:
            answer = self._request("POST", "/integration/admin/token", self._credentials, {})
        except UnknownOutcomeError as error:
            raise UnavailableError(str(error)) from error
        if answer.status_code == requests.codes.unauthorized:
            self._resting_until = time.monotonic() + REJECTION_REST_SECONDS
            raise UnavailableError("Glassboxx rejects our sign-in; check glassboxx_username and glassboxx_password")
        try:
            token = _content(answer)
        except (UnknownOutcomeError, RefusedError) as error:
            raise UnavailableError(str(error)) from error
        if not isinstance(token, str):
            raise UnavailableError("Glassboxx answered the sign-in without a token")
        return token, _good_until(token)


def _content(answer: requests.Response) -> Any:
    """The body of a 200; any other status by its meaning."""
    if answer.status_code in NOT_YET or answer.status_code == requests.codes.service_unavailable:
        raise UnavailableError(f"Glassboxx answers {answer.status_code}: not now")
    if answer.status_code >= requests.codes.server_error:
        raise UnknownOutcomeError(f"Glassboxx answers {answer.status_code}: {_explained(answer)}")
    if answer.status_code in OUR_OWN_TROUBLE:
        raise UnavailableError(f"Glassboxx answers {answer.status_code}: {_explained(answer)}")
    if answer.status_code != requests.codes.ok:
        raise RefusedError(f"Glassboxx answers {answer.status_code}: {_explained(answer)}")
    try:
        return answer.json()
    except ValueError as error:
        raise UnknownOutcomeError("Glassboxx answered 200 with something that is not JSON") from error


def _explained(answer: requests.Response) -> str:
    """Magento's message with its placeholders filled in."""
    try:
        body = answer.json()
        message = str(body.get("message", ""))
        parameters = body.get("parameters") or {}
    except (ValueError, AttributeError):
        return "no explanation"
    for name, value in parameters.items() if isinstance(parameters, dict) else ():
        message = message.replace(f"%{name}", str(value))
    return message[:300]


def _status_of(answer: Any) -> tuple[str, str]:
    """Status and message of an answer, whether an object, a list of one, or a pair."""
    if isinstance(answer, list) and answer and all(isinstance(part, str) for part in answer):
        return answer[0].upper(), answer[1] if len(answer) > 1 else ""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise UnknownOutcomeError("Glassboxx answered in a shape we do not know")
    fields = {str(key).casefold(): value for key, value in answer.items()}
    if "status" not in fields:
        raise UnknownOutcomeError("Glassboxx answered without a status")
    return str(fields["status"]).upper(), str(fields.get("message") or "")


def _refusal(message: str) -> type[RefusedError]:
    """What an order's ERROR means: these words are published; any others may be about an order it has already."""
    text = message.casefold().replace("\u2019", "'")
    return RefusedError if any(words in text for words in PUBLISHED_REFUSALS) else RepeatRefusedError


def _state(status: str, message: str) -> ProviderState:
    text = message.casefold().replace("\u2019", "'")
    if status == "SUCCESS":
        return ProviderState.PREORDER if "pre-order" in text else ProviderState.ENABLED
    if "another vendor" in text:
        return ProviderState.OTHER_VENDOR
    if "doesn't exist" in text:
        return ProviderState.UNKNOWN_SKU
    return ProviderState.NOT_ENABLED


def _names(reader: str) -> tuple[str, str]:
    """First and last name; the vendor wants both though it uses neither, so a single name serves twice."""
    first, _, last = reader.rpartition(" ")
    return first or last, last


def _good_until(token: str) -> float:
    """When to stop using a token: what a JWT says, and never more than an hour."""
    latest = time.time() + LONGEST_TOKEN_LIFE_SECONDS
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        life = float(claims["exp"]) - float(claims["iat"])
        early = min(RENEW_EARLY_SECONDS, life / 4)
        return min(latest, float(claims["exp"])) - early
    except (IndexError, KeyError, TypeError, ValueError):
        return latest - RENEW_EARLY_SECONDS


def _never_connected(error: requests.ConnectionError) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}
