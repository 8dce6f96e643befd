"""Makers: the least that a test needs of the world, in one call each, through the shop's own doors."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from shop import work
from shop.catalogue import rights
from shop.catalogue.models import Contributor, Edition, Price, ProviderState, RightsSet, Work
from shop.db import Base
from shop.orders.models import Order
from shop.staff import access
from shop.worker import HANDLERS

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from shop.services import Shop
    from tests.fakes import Clock, FakeApp, FakeGateway, FakeMailer

Table = TypeVar("Table", bound=Base)

HARDBACK, EBOOK, EPUB = "9781631498299", "9781631498305", "9789999913669"
SOLD_IN = frozenset({"US", "CA", "JP"})
READER = {
    "email": "ann@example.com",
    "name": "Ann Łukasiewicz",
    "street": "1 Main St",
    "city": "Boston",
    "region": "MA",
    "postcode": "02101",
}
ADDRESS = "http://localhost"
CHECKED_AT = datetime(2026, 11, 25, 11, 55, tzinfo=UTC)


class Scene:
    """A shop with one book in three editions, and a reader in front of it."""

    def __init__(  # a scene holds its actors
        self, shop: Shop, clock: Clock, gateway: FakeGateway, provider: FakeApp, mailer: FakeMailer, client: FlaskClient
    ) -> None:
        self.shop, self.clock, self.gateway = shop, clock, gateway
        self.provider, self.mailer, self.client = provider, mailer, client

    def get(self, path: str, **headers: str) -> TestResponse:
        """Look at a page, or fetch a file."""
        return self.client.get(path, base_url=ADDRESS, headers=headers, buffered=True)

    def post(self, path: str, **form: str) -> TestResponse:
        """Send a form of ours, as a browser does."""
        return self.client.post(path, data=form, base_url=ADDRESS, headers={"Sec-Fetch-Site": "same-origin"})

    def live_in(self, country: str) -> None:
        """Say where the reader buys from."""
        assert self.post("/country", country=country).status_code == 303

    def fill_basket(self, *isbns: str) -> None:
        """Put books into the basket."""
        for isbn in isbns:
            assert self.post("/basket", isbn=isbn).status_code == 303, isbn

    def give_details(self, key: str = "first-visit", **details: str) -> str:
        """Fill the details form in; the order's public id."""
        answer = self.post("/checkout", checkout_key=key, **(READER | details))
        assert answer.status_code == 303, answer.text
        return answer.location.rsplit("/", 1)[1]

    def press_pay(self, public_id: str, *, consent: bool = True) -> str:
        """Press the pay button; the reference of the payment that was begun."""
        form = {"consent": "yes"} if consent else {}
        answer = self.post(f"/checkout/{public_id}/pay", **form)
        assert answer.status_code == 303, answer.text
        return answer.location.rsplit("/", 1)[1]

    def buy(self, *isbns: str, consent: bool = True, card: str = "US", country: str = "US", key: str = "one") -> str:
        """Buy and pay, up to the moment the gateway has the money; the order's public id."""
        self.live_in(country)
        self.fill_basket(*isbns)
        public_id = self.give_details(key)
        self.gateway.pay(self.press_pay(public_id, consent=consent), card=card)
        return public_id

    def knock(self, public_id: str, number: int = 1, kind: str = "checkout.session.completed") -> TestResponse:
        """The gateway sends a signed notice about an order."""
        reference = next(ref for ref, one in self.gateway.requests.items() if one.order == public_id)
        return self.notice(self.gateway.notice(number, reference, kind))

    def notice(self, body: bytes, signature: str = "signed by the fake") -> TestResponse:
        """Any notice, with any signature."""
        return self.client.post(
            "/webhooks/stripe", data=body, base_url=ADDRESS, headers={"Stripe-Signature": signature}
        )

    def work(self, rounds: int = 60) -> int:
        """Do all the work that is due; how many rows were done."""
        for done in range(rounds):
            if not work.perform_next(self.shop, HANDLERS):
                return done
        raise AssertionError("the work does not come to an end")

    def order(self, public_id: str) -> Order:
        """The order as it stands in the database."""
        with self.shop.db.reading() as session:
            return session.scalars(select(Order).where(Order.public_id == public_id)).one()

    def all(self, model: type[Table]) -> list[Table]:
        """Every row of a table, in order."""
        with self.shop.db.reading() as session:
            return list(session.scalars(select(model).order_by(*model.__mapper__.primary_key)))

    def sign_in_as_staff(self, role: access.Role = access.Role.ADMIN) -> access.StaffMember:
        """Come in behind the counter."""
        with self.shop.db.writing() as session:
            member = access.hire(session, f"{role}@press.test", "Sam", role, "a long enough password")
        answer = self.post(
            "/staff/sign-in",
            email=member.email,
            password="a long enough password",
            code=access.code_now(member, self.clock.now),
        )
        assert answer.status_code == 303, answer.text
        return member


def hidden(page: str, name: str) -> str:
    """The value of a hidden field on a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no hidden field {name}"
    return found[1]


def stock_the_shelves(shop: Shop) -> None:
    """One book in three editions: a hardback, an ebook in an app, an ebook of our own."""
    with shop.db.writing() as session:
        signed = RightsSet(
            digest="d" * 64,
            countries=rights.written(SOLD_IN),
            statements=rights.Statement().to_json(),
            problems=[],
            signed_by="rights@press.test",
            signed_at=CHECKED_AT,
        )
        book = Work(
            slug="exit-stalin",
            identifier="W1",
            title="Exit Stalin",
            subtitle="A Civilization",
            description="<p>About a vanished country.</p>",
            territory_statement="Not in the Commonwealth.",
            search_text="exit stalin smith",
            subjects=[],
        )
        book.contributors.append(Contributor(position=0, role="A01", name="Mark B. Smith"))
        session.add_all(
            [
                an_edition(book, signed, HARDBACK, "BB", 3800, stock=3),
                an_edition(book, signed, EBOOK, "ED", 3600, fulfiller="glassboxx"),
                an_edition(book, signed, EPUB, "ED", 799, fulfiller="watermark", protection="02"),
            ]
        )


def an_edition(
    book: Work,
    signed: RightsSet | None,
    isbn: str,
    form: str,
    price: int,
    *,
    stock: int | None = None,
    fulfiller: str | None = None,
    protection: str | None = None,
) -> Edition:
    """One edition, on sale."""
    digital = form.startswith("E")
    return Edition(
        work=book,
        isbn=isbn,
        record_reference=isbn,
        record_digest="",
        sku=isbn,
        form=form,
        form_details="E101" if digital else None,
        protection=protection,
        publication_date=date(2026, 4, 28),
        publishing_status="04",
        availability="20",
        stock=stock,
        rights_set=signed,
        tax_class="epub" if digital else "print_book",
        fulfiller=fulfiller,
        provider_state=ProviderState.ENABLED if digital else ProviderState.UNCHECKED,
        provider_checked_at=CHECKED_AT if digital else None,
        accessibility=[],
        prices=[Price(position=0, minor=price, currency="GBP")],
    )
