"""Findings: every disagreement of the ledgers has a name, and nothing falls between them."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.reconciliation import findings
from shop.reconciliation.findings import (
    DESPATCH_LATE,
    EBOOK_LATE,
    STRIPE_LATE,
    Books,
    EbookFact,
    LedgerFact,
    OpenMatter,
    Outcome,
    PaymentFact,
    PayoutFact,
    PrintFact,
    RefundFact,
    StatementFact,
    reconcile,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
A_SECOND = timedelta(seconds=1)

PAYMENT = PaymentFact("pi_1", "ch_1", "F-1001", 3800, "GBP", LONG_AGO)
CHARGE = LedgerFact("txn_1", "charge", "ch_1", "pi_1", 3800, 77, 3723, "GBP", LONG_AGO, None)
REFUND = RefundFact(1, "re_1", "F-1001", 3800, "GBP", "succeeded", LONG_AGO)
GIVEN_BACK = LedgerFact("txn_2", "refund", "re_1", "pi_1", -3800, 0, -3800, "GBP", LONG_AGO, None)
EBOOK = EbookFact(
    line=11,
    order="F-1001",
    sku="9781631498305",
    email="ada@example.com",
    minor=3600,
    currency="GBP",
    provider="glassboxx",
    due_at=LONG_AGO,
    fulfilled_at=LONG_AGO,
    ended_at=None,
    may_be_doubled=False,
)
OWN_EBOOK = replace(EBOOK, provider=None)
BILLED = StatementFact("gbx_1", "F-1001", "9781631498305", "ada@example.com", 3600, "GBP")
HARDBACK = PrintFact(12, "F-1001", "9781631498299", LONG_AGO, despatched=True, ended=False)
PAYOUT = PayoutFact("po_1", 3723, "GBP", "paid", is_complete=True)
PAID_OUT = replace(CHARGE, payout="po_1")


def books(**ledgers: Any) -> Books:
    return Books(NOW, **ledgers)


class Case(NamedTuple):
    """Books, and what they come to: findings by code and subject, what agrees, what waits."""

    books: Books
    findings: set[tuple[str, str]] = frozenset()  # type: ignore[assignment]
    agreed: dict[str, int] = {}  # noqa: RUF012 - read, never written
    waiting: dict[str, int] = {}  # noqa: RUF012 - read, never written


CASES = {
    "nothing at all": Case(books()),
    # -- what Stripe moves under other names
    "a dispute": Case(
        books(
            payments=(PAYMENT,), ledger=(CHARGE, replace(CHARGE, reference="txn_2", category="dispute", source="dp_1"))
        ),
        {("DISPUTE", "dp_1")},
        agreed={"payments": 1},
    ),
    "one that was won": Case(
        books(ledger=(replace(CHARGE, category="dispute_reversal", source="dp_1"),)), {("DISPUTE_WON", "dp_1")}
    ),
    "a refund that came back": Case(
        books(ledger=(replace(CHARGE, category="refund_failure", source="re_1"),)), {("REFUND_FAILED", "re_1")}
    ),
    "a name nobody has heard of": Case(
        books(ledger=(replace(CHARGE, category="something_new", source=None),)), {("UNEXPLAINED", "txn_1")}
    ),
    "Stripe's own fee": Case(books(ledger=(replace(CHARGE, category="fee", source=None),))),
    # -- payments
    "a payment that Stripe shows": Case(books(payments=(PAYMENT,), ledger=(CHARGE,)), agreed={"payments": 1}),
    "one found by its charge alone": Case(
        books(payments=(PAYMENT,), ledger=(replace(CHARGE, payment=None),)), agreed={"payments": 1}
    ),
    "one found by its intent alone": Case(
        books(payments=(replace(PAYMENT, charge=None),), ledger=(CHARGE,)), agreed={"payments": 1}
    ),
    "a payment that Stripe does not show": Case(books(payments=(PAYMENT,)), {("PAYMENT_NOT_AT_STRIPE", "pi_1")}),
    "one that Stripe need not show yet": Case(
        books(payments=(replace(PAYMENT, at=NOW - STRIPE_LATE + A_SECOND),)), waiting={"payments": 1}
    ),
    "one that Stripe should show by now": Case(
        books(payments=(replace(PAYMENT, at=NOW - STRIPE_LATE),)), {("PAYMENT_NOT_AT_STRIPE", "pi_1")}
    ),
    "a payment without a charge, and a charge of nobody's": Case(
        books(payments=(replace(PAYMENT, charge=None),), ledger=(replace(CHARGE, source=None, payment=None),)),
        {("PAYMENT_NOT_AT_STRIPE", "pi_1"), ("ORPHAN_CHARGE", "txn_1")},
    ),
    "another amount": Case(
        books(payments=(PAYMENT,), ledger=(replace(CHARGE, gross=3799),)), {("AMOUNT_MISMATCH", "pi_1")}
    ),
    "another currency": Case(
        books(payments=(PAYMENT,), ledger=(replace(CHARGE, currency="USD"),)), {("CURRENCY_MISMATCH", "pi_1")}
    ),
    "money of nobody's order": Case(books(ledger=(CHARGE,)), {("ORPHAN_CHARGE", "pi_1")}),
    "money of nobody's intent": Case(books(ledger=(replace(CHARGE, payment=None),)), {("ORPHAN_CHARGE", "txn_1")}),
    "one order charged twice": Case(
        books(payments=(PAYMENT,), ledger=(CHARGE, replace(CHARGE, reference="txn_9", source="ch_9"))),
        {("ORPHAN_CHARGE", "pi_1")},
        agreed={"payments": 1},
    ),
    # -- refunds
    "a refund that Stripe shows": Case(books(refunds=(REFUND,), ledger=(GIVEN_BACK,)), agreed={"refunds": 1}),
    "a refund that Stripe does not show": Case(books(refunds=(REFUND,)), {("REFUND_NOT_AT_STRIPE", "refund:1")}),
    "a refund that never reached Stripe": Case(
        books(refunds=(replace(REFUND, reference=None, status="wanted"),)), {("REFUND_NOT_AT_STRIPE", "refund:1")}
    ),
    "a refund just asked for": Case(
        books(refunds=(replace(REFUND, at=NOW - STRIPE_LATE + A_SECOND),)), waiting={"refunds": 1}
    ),
    "a refund that failed is no refund": Case(books(refunds=(replace(REFUND, status="failed"),))),
    "a refund of another amount": Case(
        books(refunds=(REFUND,), ledger=(replace(GIVEN_BACK, gross=-3700),)), {("AMOUNT_MISMATCH", "refund:1")}
    ),
    "a refund in another currency": Case(
        books(refunds=(REFUND,), ledger=(replace(GIVEN_BACK, currency="USD"),)), {("CURRENCY_MISMATCH", "refund:1")}
    ),
    "money given back in Stripe's own pages": Case(books(ledger=(GIVEN_BACK,)), {("REFUND_UNALLOCATED", "re_1")}),
    # -- ebooks
    "an ebook that the provider bills": Case(
        books(ebooks=(EBOOK,), statement=(BILLED,), statement_until=NOW), agreed={"grants": 1}
    ),
    "an ebook that the next statement will show": Case(
        books(ebooks=(EBOOK,), statement_until=LONG_AGO - A_SECOND), waiting={"grants": 1}
    ),
    "an ebook before any statement": Case(books(ebooks=(EBOOK,)), waiting={"grants": 1}),
    "an ebook that the statement leaves out": Case(
        books(ebooks=(EBOOK,), statement_until=LONG_AGO), {("GRANT_NOT_AT_PROVIDER", "line:11")}
    ),
    "an ebook of our own": Case(books(ebooks=(OWN_EBOOK,), statement_until=NOW), agreed={"grants": 1}),
    "an ebook that has not reached its reader": Case(
        books(ebooks=(replace(EBOOK, fulfilled_at=None),)), {("PAID_NOT_FULFILLED_EBOOK", "line:11")}
    ),
    "one of our own that has not": Case(
        books(ebooks=(replace(OWN_EBOOK, fulfilled_at=None),)), {("PAID_NOT_FULFILLED_EBOOK", "line:11")}
    ),
    "an ebook on its way": Case(
        books(ebooks=(replace(EBOOK, fulfilled_at=None, due_at=NOW - EBOOK_LATE),)), waiting={"grants": 1}
    ),
    "an ebook on its way for a second too long": Case(
        books(ebooks=(replace(EBOOK, fulfilled_at=None, due_at=NOW - EBOOK_LATE - A_SECOND),)),
        {("PAID_NOT_FULFILLED_EBOOK", "line:11")},
    ),
    "an ebook that is not published yet": Case(
        books(ebooks=(replace(EBOOK, fulfilled_at=None, due_at=NOW + timedelta(days=9)),)), waiting={"grants": 1}
    ),
    "an ebook given back before it came": Case(books(ebooks=(replace(EBOOK, fulfilled_at=None, ended_at=NOW),))),
    "an ebook given back before it came, and billed": Case(
        books(ebooks=(replace(EBOOK, fulfilled_at=None, ended_at=NOW),), statement=(BILLED,)),
        {("FULFILLED_NOT_PAID", "gbx_1")},
    ),
    "an ebook billed twice": Case(
        books(ebooks=(EBOOK,), statement=(BILLED, replace(BILLED, reference="gbx_2"))),
        {("DUPLICATE_FULFILMENT", "gbx_2")},
        agreed={"grants": 1},
    ),
    "an ebook billed at another price": Case(
        books(ebooks=(EBOOK,), statement=(replace(BILLED, minor=3700),)), {("PROVIDER_INVOICE_VARIANCE", "gbx_1")}
    ),
    "an ebook billed in another currency": Case(
        books(ebooks=(EBOOK,), statement=(replace(BILLED, currency="USD"),)),
        {("PROVIDER_INVOICE_VARIANCE", "gbx_1")},
    ),
    "an ebook nobody bought": Case(books(statement=(BILLED,)), {("FULFILLED_NOT_PAID", "gbx_1")}),
    "another reader's ebook": Case(
        books(ebooks=(EBOOK,), statement=(replace(BILLED, email="eve@example.com"),)),
        {("FULFILLED_NOT_PAID", "gbx_1")},
        waiting={"grants": 1},
    ),
    "a bill for an ebook of our own": Case(
        books(ebooks=(OWN_EBOOK,), statement=(BILLED,)), {("FULFILLED_NOT_PAID", "gbx_1")}, agreed={"grants": 1}
    ),
    # -- print
    "a hardback that was sent": Case(books(prints=(HARDBACK,)), agreed={"despatches": 1}),
    "a hardback that was not": Case(
        books(prints=(replace(HARDBACK, despatched=False),)), {("PAID_NOT_DESPATCHED", "line:12")}
    ),
    "a hardback being packed": Case(
        books(prints=(replace(HARDBACK, despatched=False, due_at=NOW - DESPATCH_LATE),)), waiting={"despatches": 1}
    ),
    "a hardback packed for a second too long": Case(
        books(prints=(replace(HARDBACK, despatched=False, due_at=NOW - DESPATCH_LATE - A_SECOND),)),
        {("PAID_NOT_DESPATCHED", "line:12")},
    ),
    "a hardback nobody wants any more": Case(books(prints=(replace(HARDBACK, despatched=False, ended=True),))),
    # -- payouts
    "a payout that adds up": Case(
        books(payments=(PAYMENT,), ledger=(PAID_OUT,), payouts=(PAYOUT,)), agreed={"payments": 1, "payouts": 1}
    ),
    "a payout with something left over": Case(
        books(payments=(PAYMENT,), ledger=(PAID_OUT,), payouts=(replace(PAYOUT, amount=3700),)),
        {("PAYOUT_RESIDUAL", "po_1")},
        agreed={"payments": 1},
    ),
    "a payout of which Stripe has not told all": Case(
        books(payouts=(replace(PAYOUT, is_complete=False),)), waiting={"payouts": 1}
    ),
    "a payout the bank refused": Case(books(payouts=(replace(PAYOUT, status="failed"),)), {("PAYOUT_FAILED", "po_1")}),
    "a payout taken back": Case(books(payouts=(replace(PAYOUT, status="canceled"),)), {("PAYOUT_FAILED", "po_1")}),
    # -- and what the shop itself has put before staff
    "an open matter": Case(
        books(matters=(OpenMatter("DISPUTE_OPEN", "dp_1", "F-1001", "Somebody disputes it."),)),
        {("DISPUTE_OPEN", "dp_1")},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_disagreement_has_its_name_and_nothing_else_is_said(case: Case) -> None:
    outcome = reconcile(case.books)
    assert {(one.code, one.subject) for one in outcome.findings} == case.findings
    assert len(outcome.findings) == len(case.findings)
    assert {name: count for name, count in outcome.agreed.items() if count} == case.agreed
    assert outcome.waiting == case.waiting
    assert outcome.at == NOW
    assert all(one.detail.endswith(".") for one in outcome.findings)


LEDGERS = ("payments", "refunds", "ebooks", "prints", "ledger", "payouts", "statement", "matters")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_last_line_told_first_changes_nothing(case: Case) -> None:
    backwards: Any = {name: getattr(case.books, name)[::-1] for name in LEDGERS}
    assert reconcile(replace(case.books, **backwards)) == reconcile(case.books)


def test_every_code_of_the_module_has_a_case() -> None:
    written = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', inspect.getsource(findings)))
    assert len(written) >= 12
    assert written <= {code for case in CASES.values() for code, _ in case.findings}


ORDERLESS = {"ORPHAN_CHARGE", "REFUND_UNALLOCATED", "DISPUTE_WON", "REFUND_FAILED", "UNEXPLAINED"}


def test_a_finding_leads_to_its_order_where_there_is_one() -> None:
    for case in CASES.values():
        for one in reconcile(case.books).findings:
            orphaned = one.code in ORDERLESS or one.code.startswith("PAYOUT")
            assert one.order == (None if orphaned else "F-1001")


def test_a_doubled_delivery_after_a_lost_answer_says_so_and_names_the_line_to_dispute() -> None:
    twice = (BILLED, replace(BILLED, reference="gbx_2"))
    for doubled in (True, False):
        (one,) = reconcile(books(ebooks=(replace(EBOOK, may_be_doubled=doubled),), statement=twice)).findings
        assert "dispute gbx_2" in one.detail
        assert ("lost answer" in one.detail) == doubled


def test_everything_counted_is_counted_from_nought() -> None:
    assert reconcile(books()) == Outcome(
        NOW, (), dict.fromkeys(("payments", "refunds", "grants", "despatches", "payouts"), 0), {}
    )


def test_a_payout_is_shown_by_category_with_its_fees_and_a_labelled_remainder() -> None:
    inside = (
        PAID_OUT,
        replace(GIVEN_BACK, payout="po_1"),
        LedgerFact("txn_3", "charge", "ch_3", "pi_3", 10_000, 170, 9830, "GBP", LONG_AGO, "po_1"),
        LedgerFact("txn_4", "dispute", "dp_1", None, -1000, 2000, -3000, "GBP", LONG_AGO, "po_1"),
        LedgerFact("txn_5", "something Stripe thought of today", None, None, -5, 0, -5, "GBP", LONG_AGO, "po_1"),
        LedgerFact("txn_6", "charge", "ch_6", "pi_6", 999_999, 1, 999_998, "GBP", LONG_AGO, "po_2"),
    )
    (check,) = reconcile(books(ledger=inside, payouts=(replace(PAYOUT, amount=7000),))).payouts
    assert check.by_category == {
        "charge": 13_800,
        "dispute": -1000,
        "refund": -3800,
        "something Stripe thought of today": -5,
    }
    assert check.fees == 2247
    assert check.remainder == 7000 - (13_800 - 1000 - 3800 - 5 - 2247)
    assert (check.reference, check.amount, check.status, check.is_complete) == ("po_1", 7000, "paid", True)


# -- What holds of all books --------------------------------------------------------------------------------------

few = st.integers(1, 4)
money = st.sampled_from([100, 200])
currency = st.sampled_from(["GBP", "GBP", "GBP", "USD"])
moments = st.sampled_from([LONG_AGO, NOW - timedelta(minutes=5), NOW + timedelta(days=1)])
maybe_moment = st.none() | moments


def some(fact: st.SearchStrategy[Any], key: Callable[[Any], object]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(fact, max_size=5, unique_by=key).map(tuple)


def named(prefix: str) -> st.SearchStrategy[str]:
    return few.map(lambda number: f"{prefix}_{number}")


payments = st.builds(
    lambda n, charge, *rest: PaymentFact(f"pi_{n}", f"ch_{n}" if charge else None, *rest),
    few, st.booleans(), named("F"), money, currency, moments,
)  # fmt: skip
refunds = st.builds(
    lambda n, reference, *rest: RefundFact(n, f"re_{n}" if reference else None, *rest),
    few, st.booleans(), named("F"), money, currency, st.sampled_from(["wanted", "succeeded", "failed"]), moments,
)  # fmt: skip
ebooks = st.builds(
    lambda n, *rest: EbookFact(n, f"F_{n}", *rest),
    few, named("sku"), named("reader"), money, currency, st.sampled_from(["glassboxx", "glassboxx", None]),
    moments, maybe_moment, maybe_moment, st.booleans(),
)  # fmt: skip
prints = st.builds(PrintFact, few, named("F"), named("isbn"), moments, st.booleans(), st.booleans())
charges = st.builds(
    lambda n, charge, intent, gross, *rest: LedgerFact(
        f"txn_{n}", "charge", f"ch_{charge}" if charge else None, intent, gross, 7, gross - 7, *rest
    ),
    st.integers(1, 20), st.integers(0, 4), st.none() | named("pi"), money, currency, moments,
    st.none() | named("po"),
)  # fmt: skip
given_back = st.builds(
    lambda n, source, gross, *rest: LedgerFact(f"txn_{n}", "refund", source, None, -gross, 0, -gross, *rest),
    st.integers(21, 40), st.none() | named("re"), money, currency, moments, st.none() | named("po"),
)  # fmt: skip
other_lines = st.builds(
    lambda n, category, gross, *rest: LedgerFact(f"txn_{n}", category, None, None, gross, 3, gross - 3, *rest),
    st.integers(41, 60), st.sampled_from(["dispute", "fee", "topup"]), money, currency, moments,
    st.none() | named("po"),
)  # fmt: skip
payouts = st.builds(
    PayoutFact, named("po"), st.integers(-500, 500), currency, st.sampled_from(["paid", "failed"]), st.booleans()
)
statement_lines = st.builds(
    lambda n, order, *rest: StatementFact(f"gbx_{n}", order, *rest),
    st.integers(1, 20), named("F"), named("sku"), named("reader"), money, currency,
)  # fmt: skip
any_books = st.builds(
    Books,
    st.just(NOW),
    some(payments, lambda one: one.reference),
    some(refunds, lambda one: one.id),
    some(ebooks, lambda one: one.line),
    some(prints, lambda one: one.line),
    some(charges | given_back | other_lines, lambda one: one.reference),
    some(payouts, lambda one: one.reference),
    some(statement_lines, lambda one: one.reference),
    st.just(()),
    st.none() | st.sampled_from([LONG_AGO, NOW]),
)
often = settings(max_examples=80, deadline=None, derandomize=True)


@often
@given(any_books, st.randoms(use_true_random=False))
def test_the_order_in_which_the_ledgers_are_told_changes_nothing(told: Books, chance: random.Random) -> None:
    names = ("payments", "refunds", "ebooks", "prints", "ledger", "payouts", "statement")
    shuffled: Any = {name: tuple(chance.sample(found := getattr(told, name), len(found))) for name in names}
    mixed = replace(told, **shuffled)
    one, other = reconcile(told), reconcile(mixed)
    assert reconcile(told) == one
    assert other.findings == one.findings
    assert (other.agreed, other.waiting) == (one.agreed, one.waiting)
    assert sorted(other.payouts, key=lambda check: check.reference) == sorted(
        one.payouts, key=lambda check: check.reference
    )


@often
@given(any_books)
def test_each_of_our_lines_ends_in_exactly_one_place(told: Books) -> None:
    outcome = reconcile(told)
    found = Counter(one.code for one in outcome.findings)
    on_refunds = Counter(one.code for one in outcome.findings if one.subject.startswith("refund:"))
    agreed, waiting = outcome.agreed, Counter(outcome.waiting)
    mismatched = found["AMOUNT_MISMATCH"] + found["CURRENCY_MISMATCH"]
    on_payments = mismatched - on_refunds["AMOUNT_MISMATCH"] - on_refunds["CURRENCY_MISMATCH"]
    assert len(told.payments) == (
        agreed["payments"] + waiting["payments"] + found["PAYMENT_NOT_AT_STRIPE"] + on_payments
    )
    shown = {line.source for line in told.ledger if line.category == "refund"}
    failed = sum(
        one.status == "failed" and (one.reference is None or one.reference not in shown) for one in told.refunds
    )
    assert len(told.refunds) == agreed["refunds"] + waiting["refunds"] + failed + sum(on_refunds.values())
    assert len(told.prints) == (
        agreed["despatches"]
        + waiting["despatches"]
        + found["PAID_NOT_DESPATCHED"]
        + sum(one.ended and not one.despatched for one in told.prints)
    )
    assert len(told.payouts) == (
        agreed["payouts"] + waiting["payouts"] + found["PAYOUT_FAILED"] + found["PAYOUT_RESIDUAL"]
    )
    called_off = sum(one.fulfilled_at is None and one.ended_at is not None for one in told.ebooks)
    varied = {one.order for one in outcome.findings if one.code == "PROVIDER_INVOICE_VARIANCE"}
    delivered_at_another_price = sum(one.order in varied and one.fulfilled_at is not None for one in told.ebooks)
    assert len(told.ebooks) == (
        agreed["grants"]
        + waiting["grants"]
        + found["GRANT_NOT_AT_PROVIDER"]
        + found["PAID_NOT_FULFILLED_EBOOK"]
        + delivered_at_another_price
        + called_off
    )


@often
@given(any_books)
def test_each_of_their_lines_ends_in_exactly_one_place(told: Books) -> None:
    outcome = reconcile(told)
    found = Counter(one.code for one in outcome.findings)
    ours = len(told.payments) - Counter(outcome.waiting)["payments"] - found["PAYMENT_NOT_AT_STRIPE"]
    taken = [line for line in told.ledger if line.category == "charge"]
    assert found["ORPHAN_CHARGE"] >= len(taken) - ours
    assert found["ORPHAN_CHARGE"] <= len(taken)
    back = {line.source for line in told.ledger if line.category == "refund"}
    shown = sum(one.reference is not None and one.reference in back for one in told.refunds)
    lines_back = sum(line.category == "refund" for line in told.ledger)
    assert found["REFUND_UNALLOCATED"] == lines_back - shown
    bought = {
        (one.order, one.sku, one.email)
        for one in told.ebooks
        if one.provider and (one.fulfilled_at is not None or one.ended_at is None)
    }
    matched = bought & {(line.order, line.sku, line.email) for line in told.statement}
    assert len(told.statement) == len(matched) + found["DUPLICATE_FULFILMENT"] + found["FULFILLED_NOT_PAID"]


@often
@given(any_books)
def test_what_is_listed_in_a_payout_and_its_remainder_are_the_payout(told: Books) -> None:
    outcome = reconcile(told)
    residual = {one.subject for one in outcome.findings if one.code == "PAYOUT_RESIDUAL"}
    assert [check.reference for check in outcome.payouts] == [payout.reference for payout in told.payouts]
    for check in outcome.payouts:
        if check.is_complete:
            assert sum(check.by_category.values()) - check.fees + check.remainder == check.amount
        else:
            assert check.remainder == 0
        assert (check.reference in residual) == (bool(check.remainder) and check.status == "paid")
