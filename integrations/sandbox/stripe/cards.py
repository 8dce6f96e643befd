"""The test cards, and what becomes of a payment made with each.

Numbers and outcomes follow docs.stripe.com/testing.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One test card.

    `fate` is one of ok, decline, decline_later, dispute, not_received, inquiry, warning, available, refund_pending,
    refund_fails, challenge, challenge_unless_set_up, challenge_decline; `decline_later` is a card that can be
    set up but not charged. `code` and `decline_code` are Stripe's, for a decline.
    """

    number: str
    country: str = "US"
    fate: str = "ok"
    code: str = "card_declined"
    decline_code: str | None = None
    message: str = "Your card was declined."
    brand: str = "visa"
    funding: str = "credit"

    @property
    def last4(self) -> str:
        """The last four digits, the only ones a charge shows."""
        return self.number[-4:]

    @property
    def is_declined(self) -> bool:
        """Whether the bank says no to a charge."""
        return self.fate in {"decline", "decline_later", "challenge_decline"}

    @property
    def is_challenged(self) -> bool:
        """Whether the bank asks the payer to authenticate (3D Secure)."""
        return self.fate.startswith("challenge")


def _declined(number: str, code: str, decline_code: str | None, message: str = "Your card was declined.") -> Card:
    return Card(number, fate="decline", code=code, decline_code=decline_code, message=message)


CARDS = (
    Card("4242424242424242"),
    Card("5555555555554444", brand="mastercard"),
    Card("4000056655665556", funding="debit"),
    Card("378282246310005", brand="amex"),
    Card("4000008260000000", "GB"),
    Card("4000002760000016", "DE"),
    Card("4000002500000003", "FR"),
    Card("4000003720000005", "IE"),
    Card("4000007240000007", "ES"),
    Card("4000003800000008", "IT"),
    Card("4000005280000002", "NL"),
    Card("4000007560000009", "CH"),
    Card("4000001240000000", "CA"),
    Card("4000000360000006", "AU"),
    Card("4000003920000003", "JP"),
    _declined("4000000000000002", "card_declined", "generic_decline"),
    _declined("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
    _declined("4000000000009987", "card_declined", "lost_card"),
    _declined("4000000000009979", "card_declined", "stolen_card"),
    _declined("4000000000000069", "expired_card", None, "Your card has expired."),
    _declined("4000000000000127", "incorrect_cvc", None, "Your card's security code is incorrect."),
    _declined(
        "4000000000000119",
        "processing_error",
        None,
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    _declined("4100000000000019", "card_declined", "fraudulent"),
    Card("4000000000000341", fate="decline_later", decline_code="generic_decline"),
    Card("4000000000000259", fate="dispute"),
    Card("4000000000002685", fate="not_received"),
    Card("4000000000001976", fate="inquiry"),
    Card("4000000000005423", fate="warning"),
    Card("4000000000000077", fate="available"),
    Card("4000000000007726", fate="refund_pending"),
    Card("4000000000005126", fate="refund_fails"),
    Card("4000002760003184", "DE", fate="challenge"),
    Card("4000002500003155", "FR", fate="challenge_unless_set_up"),
    Card("4000008400001629", fate="challenge_decline", decline_code="generic_decline"),
)
_BY_NUMBER = {card.number: card for card in CARDS}

ALIASES = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "us": "4242424242424242",
    "gb": "4000008260000000",
    "de": "4000002760000016",
    "fr": "4000002500000003",
    "ie": "4000003720000005",
    "es": "4000007240000007",
    "it": "4000003800000008",
    "nl": "4000005280000002",
    "ch": "4000007560000009",
    "ca": "4000001240000000",
    "au": "4000000360000006",
    "jp": "4000003920000003",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "radarBlock": "4100000000000019",
    "chargeCustomerFail": "4000000000000341",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "createIssuerFraudRecord": "4000000000005423",
    "bypassPending": "4000000000000077",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredOnSetup": "4000002500003155",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
}
"""The names by which an API request calls a card: `pm_card_visa` as a payment method, `tok_visa` as a token."""


SHOWN = (
    ("4242 4242 4242 4242", "pays (issued in the United States)"),
    ("4000 0082 6000 0000", "pays (issued in the United Kingdom)"),
    ("4000 0027 6000 0016", "pays (issued in Germany)"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has insufficient funds"),
    ("4000 0027 6000 3184", "asks the payer to authenticate"),
    ("4000 0000 0000 0259", "pays, then is disputed"),
    ("4000 0000 0000 5126", "pays; a refund later fails"),
)
"""What the hosted page tells people, as (number, result)."""


def digits(typed: str) -> str:
    """Return only the digits of what was typed."""
    return re.sub(r"\D", "", typed)


def passes_luhn(number: str) -> bool:
    """Tell whether the check digit of a card number is right."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return len(number) >= 13 and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004


def card_for(typed: str) -> Card:
    """Return the card of that number; a number that is no test card is one that will be refused."""
    number = digits(typed)
    if not passes_luhn(number):
        return _declined(number, "incorrect_number", None, "Your card number is incorrect.")
    refusal = "Your card was declined. Your request was in test mode, but used a non test card."
    return _BY_NUMBER.get(number) or _declined(number, "card_declined", "test_mode_live_card", refusal)


def card_by_name(name: str) -> Card | None:
    """Return the card that `pm_card_visa`, or `tok_visa`, names."""
    for prefix in ("pm_card_", "tok_"):
        if name.startswith(prefix) and name.removeprefix(prefix) in ALIASES:
            return card_for(ALIASES[name.removeprefix(prefix)])
    return None
