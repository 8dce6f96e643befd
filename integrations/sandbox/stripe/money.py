"""What happens to the money: fees, the ledger, refunds, disputes and payouts.

Every line of the ledger is a balance transaction; a balance is their sum. Amounts are in the smallest unit.
"""

from integrations.sandbox.stripe import objects
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World, public

REFUND_UPDATES = ("charge.refund.updated", "refund.updated")
"""Both names under which Stripe tells that a refund has changed."""
AVAILABLE_AFTER = 2 * 86400
DISPUTE_FEE = 2000
SMALLEST_CHARGE = 30
"""The least Stripe charges, in pence; the sandbox applies it to every currency."""
PAID_AFTER = 5.0
"""Seconds of sandbox time that a payout by hand takes to reach the bank."""
EEA = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IS IT LI LV LT LU MT NL NO PL PT RO SK SI ES SE".split()  # noqa: SIM905
)
SYMBOLS = {"gbp": "£", "eur": "€", "usd": "$"}
NO_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())  # noqa: SIM905
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def exponent(currency: str) -> int:
    """Return how many decimals a currency has."""
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def amount_text(amount: int, currency: str) -> str:
    """Return an amount for people, such as `£74.00` or `JPY 1,200`."""
    decimals = exponent(currency)
    whole, part = divmod(abs(amount), 10**decimals)
    figures = f"{whole:,}" + (f".{part:0{decimals}d}" if decimals else "")
    return ("-" if amount < 0 else "") + SYMBOLS.get(currency, currency.upper() + " ") + figures


def fee(amount: int, card_country: str) -> int:
    """Return the fee of a charge: 1.5 % of a domestic card, 2.5 % EEA, 3.25 % other, and 20; half goes up."""
    basis_points = 150 if card_country == "GB" else 250 if card_country in EEA else 325
    return (amount * basis_points + 5000) // 10_000 + 20


# --- charges


def book_charge(world: World, charge: Thing) -> Thing:
    """Write a captured charge into the ledger and return the line."""
    store, now = world.store, world.store.now()
    amount = charge["amount_captured"]
    kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
    line = objects.balance_transaction(charge, kind, "charge", amount, fee(amount, charge["_country"]), now=now)
    line["available_on"] = now if charge["_fate"] == "available" else now + AVAILABLE_AFTER
    store.add(line)
    store.save(charge, balance_transaction=line["id"])
    return line


def _book(world: World, source: Thing, kind: str, category: str, amount: int, dispute_fee: int = 0) -> Thing:
    now = world.store.now()
    return world.store.add(objects.balance_transaction(source, kind, category, amount, dispute_fee, now=now))


# --- refunds


def refund(world: World, charge: Thing, asked: Thing) -> Thing:
    """Refund a charge, wholly or in part, and return the refund."""
    amount = _refundable(charge, asked)
    made = objects.refund(charge, amount, asked, now=world.store.now())
    made["balance_transaction"] = _book(world, made, "refund", "refund", -amount)["id"]
    world.store.add(made)
    _count_refund(world, charge, amount)
    _announce_refund(world, charge, made)
    return made


def _refundable(charge: Thing, asked: Thing) -> int:
    left = int(charge["amount_captured"] - charge["amount_refunded"])
    amount = int(asked.get("amount") or left)
    if not charge["paid"]:
        raise refused(f"Charge {charge['id']} was not paid and cannot be refunded.", "charge")
    if charge["disputed"] and not charge.get("_refundable"):
        raise refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount < 1:
        raise refused("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer")
    if amount > left:
        asked_text, left_text = (amount_text(one, charge["currency"]) for one in (amount, left))
        raise refused(f"Refund amount ({asked_text}) is greater than unrefunded amount ({left_text})", "amount")
    return amount


def _count_refund(world: World, charge: Thing, amount: int) -> None:
    refunded = charge["amount_refunded"] + amount
    world.store.save(charge, amount_refunded=refunded, refunded=refunded == charge["amount_captured"])


def _announce_refund(world: World, charge: Thing, made: Thing) -> None:
    if charge["_fate"] == "refund_pending":
        world.store.save(made, status="pending", pending_reason="processing")
        world.store.later("settle_refund", made["id"], 5)
    if charge["_fate"] == "refund_fails":
        world.store.later("fail_refund", made["id"], 5)
    world.emit("refund.created", made)
    world.emit("charge.refunded", charge)
    if made["status"] == "succeeded":
        _tell_update(world, made)


def _tell_update(world: World, made: Thing) -> None:
    for kind in REFUND_UPDATES:
        world.emit(kind, made)


def settle_refund(world: World, made: Thing) -> None:
    """Let a pending refund succeed."""
    if made["status"] == "pending":
        del made["pending_reason"]
        world.store.save(made, status="succeeded")
        _tell_update(world, made)


def fail_refund(world: World, made: Thing) -> None:
    """Let a refund come back: the money is the shop's again, and owed to the reader again."""
    if made["status"] in {"failed", "canceled"}:
        return
    line = _book(world, made, "refund_failure", "refund_failure", made["amount"])
    reason = "expired_or_canceled_card"
    world.store.save(made, status="failed", failure_reason=reason, failure_balance_transaction=line["id"])
    charge = world.store.find(made["charge"])
    if charge:
        _count_refund(world, charge, -made["amount"])
    _tell_update(world, made)
    world.emit("refund.failed", made)


# --- disputes


def open_dispute(world: World, charge: Thing, reason: str = "fraudulent") -> Thing:
    """Let the payer dispute a charge: the money and a fee are taken at once.

    Raises:
        StripeError: it was no card's, which is all the sandbox can dispute.
    """
    _require_card(charge)
    made = world.store.add(objects.dispute(charge, reason, "needs_response", now=world.store.now()))
    world.store.save(charge, disputed=True)
    _move(world, made, "dispute", -made["amount"], DISPUTE_FEE)
    world.emit("charge.dispute.created", made)
    world.emit("charge.dispute.funds_withdrawn", made)
    return made


def _require_card(charge: Thing) -> None:
    if charge["payment_method_details"]["type"] != "card":
        raise refused("The sandbox disputes charges of cards only.", "charge")


def open_inquiry(world: World, charge: Thing) -> Thing:
    """Let the payer's bank ask about a charge; no money moves.

    Raises:
        StripeError: it was no card's.
    """
    _require_card(charge)
    made = objects.dispute(charge, "general", "warning_needs_response", now=world.store.now())
    world.store.add(made)
    world.store.save(charge, disputed=True, _refundable=True)
    world.emit("charge.dispute.created", made)
    return made


def warn_of_fraud(world: World, charge: Thing) -> Thing:
    """Let the card network warn of a fraudulent charge."""
    warning = world.store.add(objects.early_fraud_warning(charge, now=world.store.now()))
    world.emit("radar.early_fraud_warning.created", warning)
    return warning


def close_dispute(world: World, dispute: Thing, *, won: bool) -> Thing:
    """Decide a dispute; a won one gives the money back, not the fee."""
    if dispute["status"] in {"won", "lost", "warning_closed"}:
        raise refused("This dispute is already closed.")
    is_inquiry = dispute["status"].startswith("warning")
    if won and not is_inquiry:
        _move(world, dispute, "dispute_reversal", dispute["amount"], 0)
        world.emit("charge.dispute.funds_reinstated", dispute)
    world.store.save(dispute, status="warning_closed" if is_inquiry else "won" if won else "lost")
    world.emit("charge.dispute.closed", dispute)
    return dispute


def answer_dispute(world: World, dispute: Thing, evidence: Thing, *, submit: bool) -> Thing:
    """Keep evidence; the words `winning_evidence` and `losing_evidence` decide the dispute once submitted."""
    details = {**dispute["evidence_details"], "has_evidence": True}
    changes: Thing = {"evidence": {**dispute["evidence"], **evidence}, "evidence_details": details}
    if submit:
        details["submission_count"] += 1
        changes["status"] = "warning_under_review" if dispute["status"].startswith("warning") else "under_review"
    world.store.save(dispute, **changes)
    world.emit("charge.dispute.updated", dispute)
    words = dispute["evidence"]["uncategorized_text"]
    if submit and words in {"winning_evidence", "losing_evidence"}:
        return close_dispute(world, dispute, won=words == "winning_evidence")
    return dispute


def _move(world: World, dispute: Thing, category: str, amount: int, dispute_fee: int) -> None:
    line = _book(world, dispute, "adjustment", category, amount, dispute_fee)
    world.store.save(dispute, balance_transactions=[*dispute["balance_transactions"], public(line)])


# --- the balance, and payouts


def balance(world: World) -> Thing:
    """Return what is available and what is pending, for each currency."""
    totals: dict[tuple[str, str], int] = {}
    for line in world.store.all("balance_transaction"):
        place = (line["status"], line["currency"])
        totals[place] = totals.get(place, 0) + line["net"]
    currencies = sorted({currency for _, currency in totals} or {"gbp"})
    sums = {
        status: [_sum(totals.get((status, currency), 0), currency) for currency in currencies]
        for status in ("available", "pending")
    }
    return {"object": "balance", **sums, "livemode": False, "refund_and_dispute_prefunding": _prefunding()}


def _sum(amount: int, currency: str) -> Thing:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _prefunding() -> Thing:
    return {"available": [], "pending": []}


def pay_out(world: World, *, include_pending: bool = False) -> list[Thing]:
    """Pay every currency with money in it out to the bank, each payout made of all lines not yet paid out.

    A balance below one stays and is carried into the next payout.
    """
    lines = [one for one in world.store.all("balance_transaction", _payout=None) if _is_ripe(one, include_pending)]
    currencies = sorted({line["currency"] for line in lines})
    batches = [[line for line in lines if line["currency"] == currency] for currency in currencies]
    return [_pay_out(world, batch) for batch in batches if sum(line["net"] for line in batch) > 0]


def _is_ripe(line: Thing, include_pending: bool) -> bool:  # noqa: FBT001
    return include_pending or line["status"] == "available"


def _pay_out(world: World, lines: list[Thing]) -> Thing:
    now, total = world.store.now(), sum(line["net"] for line in lines)
    payout = world.store.add(objects.payout(total, lines[0]["currency"], now=now, automatic=True))
    for line in lines:
        world.store.save(line, _payout=payout["id"], available_on=min(line["available_on"], now))
    _announce_payout(world, payout, _payout=payout["id"])
    world.emit("payout.reconciliation_completed", payout)
    return payout


def _announce_payout(world: World, payout: Thing, **note: str) -> None:
    line = _book(world, payout, "payout", "payout", -payout["amount"])
    world.store.save(line, **note)
    world.store.save(payout, balance_transaction=line["id"])
    world.emit("payout.created", payout)
    if payout["status"] == "paid":
        world.emit("payout.paid", payout)


def pay_out_by_hand(world: World, amount: int, currency: str, asked: Thing) -> Thing:
    """Pay a chosen amount out, soon; Stripe cannot say which transactions such a payout holds."""
    available = sum(one["amount"] for one in balance(world)["available"] if one["currency"] == currency)
    if amount > available:
        raise refused("You have insufficient funds in your Stripe account.", "amount", "balance_insufficient")
    told = {name: asked[name] for name in ("description", "metadata") if asked.get(name)}
    made = objects.payout(amount, currency, now=world.store.now(), automatic=False)
    payout = world.store.add({**made, **told, "status": "pending"})
    _announce_payout(world, payout)
    world.store.later("pay_payout", payout["id"], PAID_AFTER)
    return payout


def arrive(world: World, payout: Thing) -> None:
    """Let a payout by hand reach the bank."""
    if payout["status"] == "pending":
        world.store.save(payout, status="paid", arrival_date=world.store.now())
        world.emit("payout.paid", payout)


def cancel_payout(world: World, payout: Thing) -> Thing:
    """Take a payout back; its money is available again."""
    if payout["status"] != "pending" or payout["automatic"]:
        raise refused(f"Payout {payout['id']} cannot be canceled because it has a status of {payout['status']}.")
    line = _book(world, payout, "payout_cancel", "payout_reversal", payout["amount"])
    world.store.save(payout, status="canceled", failure_balance_transaction=line["id"])
    world.emit("payout.canceled", payout)
    return payout


def fail_payout(world: World, payout: Thing) -> Thing:
    """Let the bank send a payout back: its money joins the next payout as one line."""
    if payout["status"] in {"failed", "canceled"}:
        raise refused(f"This payout is {payout['status']} already.")
    line = _book(world, payout, "payout_failure", "payout_reversal", payout["amount"])
    says = "The bank account has been closed."
    world.store.save(
        payout,
        status="failed",
        failure_code="account_closed",
        failure_message=says,
        failure_balance_transaction=line["id"],
    )
    world.emit("payout.failed", payout)
    return payout
