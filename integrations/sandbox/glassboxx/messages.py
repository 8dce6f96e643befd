"""The message catalogue: the exact texts of the service, and the two envelopes they travel in.

A text the vendor publishes carries the catalogue's id in its comment. Texts marked "invented" stand where
nothing is published; no client should match on them.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

FIELD_REQUIRED = "%fieldName is a required field."  # E1
FIELD_REQUIRED_NEWER = '"%fieldName" is required. Enter and try again.'  # M1
SEVERAL_EXCEPTIONS = "One or more input exceptions have occurred."  # M2
REQUEST_UNUSABLE = "Specified request cannot be processed."  # E2
SIGN_IN_INCORRECT = (  # E3
    "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
)
NOT_SIGNED_IN = "You did not sign in correctly or your account is temporarily disabled."  # E4, and E7
NOT_AUTHORISED = "The consumer isn't authorized to access %resources."  # E5
INTERNAL_ERROR = "Internal Error. Details are available in Magento log file. Report ID: webapi-"  # E6
DECODING_ERROR = "Decoding error."  # M3
NO_ROUTE = "Request does not match any route."  # M4
WRONG_TYPE = 'The "%value" value\'s type is invalid. The "%type" type was expected. Verify and try again.'
WRONG_CONTENT_TYPE = "Server cannot understand Content-Type HTTP header media type %1"

ENABLED = "Product encrypted and enabled"  # C1
PRE_ORDER = "Pre-order product"  # C2
UNKNOWN_SKU = "SKU doesn’t exist on Glassboxx, Please confirm sku with Glassboxx"
NOT_ENABLED = "Product not enabled"  # C4
OTHER_VENDOR = "SKU exists on Glassboxx with another vendor. Please confirm sku with Glassboxx"  # C5
ELEMENT_FIELD_REQUIRED = "{field} is a required field"  # A2
EMAIL_INVALID = 'Error creating customer: "Email" is not a valid email address.'  # A3
FIRST_NAME_REQUIRED = 'Error creating customer: "First Name" is a required value.'  # A4
LAST_NAME_REQUIRED = 'Error creating customer: "Last Name" is a required value.'  # invented after A4

NO_ACCOUNT = "No customer account exists for this email"  # invented
REPEATED_ORDER = "Order already exists"  # invented
FIELD_INVALID = "{field} is not valid"  # invented


@dataclass(frozen=True)
class Answer:
    """A business answer: HTTP 200 whether it says SUCCESS or ERROR."""

    status: str
    message: str = ""


def success(message: str = "") -> Answer:
    """Return a SUCCESS, usually with a blank message."""
    return Answer("SUCCESS", message)


def error(message: str) -> Answer:
    """Return an ERROR."""
    return Answer("ERROR", message)


class RefusalError(Exception):
    """A business refusal of one customer or one order line; answered with HTTP 200."""

    @property
    def message(self) -> str:
        """The text of the refusal."""
        return str(self.args[0])


@dataclass
class MagentoError(Exception):
    """A technical refusal, in Magento's envelope; %placeholders are sent unfilled, beside their values."""

    http_status: int
    message: str
    parameters: dict[str, str] | list[str] | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def envelope(self) -> dict[str, Any]:
        """The body of the answer."""
        extras = {"errors": self.errors, "parameters": self.parameters}
        return {"message": self.message} | {name: extra for name, extra in extras.items() if extra}


def internal_error() -> MagentoError:
    """Return E6, with a report number nobody can look up."""
    return MagentoError(500, INTERNAL_ERROR + secrets.token_hex(7)[:13])


def field_required(names: list[str], text: str) -> MagentoError:
    """Return the refusal that names one missing parameter, or lists several (M2)."""
    missing = [{"message": text, "parameters": {"fieldName": name}} for name in names]
    if len(missing) == 1:
        return MagentoError(400, text, {"fieldName": names[0]})
    return MagentoError(400, SEVERAL_EXCEPTIONS, errors=missing)
