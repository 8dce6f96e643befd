"""Sessions and their lines."""

import secrets

from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id


def session(asked: Thing, lines: list[Thing], *, now: int, url: str) -> Thing:
    """Return an open checkout session for the request; `lines` are its line items, none in setup mode."""
    session_id = f"cs_test_{secrets.token_hex(29)}"
    is_payment = asked["mode"] == "payment"
    subtotal = sum(line["amount_subtotal"] for line in lines)
    rates = [option["shipping_rate_data"] for option in asked.get("shipping_options") or []]
    shipping = _shipping_options(rates)
    delivery = shipping[0]["shipping_amount"] if shipping else 0
    return {
        **nulls(
            "after_expiration allow_promotion_codes allowed_payment_method_types "
            "client_secret "
            "collected_information consent consent_collection currency_conversion customer customer_account "
            "customer_details discounts integration_identifier invoice locale "
            "managed_payments origin_context payment_intent payment_link "
            "payment_method_configuration_details permissions recovered_from "
            "saved_payment_method_options setup_intent shipping_address_collection submit_type subscription "
            "wallet_options billing_address_collection client_reference_id cancel_url customer_email"
        ),
        **{key: value for key, value in asked.items() if key in _ECHOED},
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": asked.get("adaptive_pricing") or {"enabled": True},
        "amount_subtotal": subtotal if is_payment else None,
        "amount_total": subtotal + delivery if is_payment else None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": now,
        "currency": lines[0]["currency"] if lines else asked["currency"].lower(),
        "custom_fields": [],
        "custom_text": {
            **nulls("after_submit shipping_address submit terms_of_service_acceptance"),
            **(asked.get("custom_text") or {}),
        },
        "customer_creation": None if asked.get("customer") else asked.get("customer_creation") or "if_required",
        "expires_at": asked.get("expires_at") or now + 86400,
        "invoice_creation": {"enabled": False, "invoice_data": _invoice_data()} if is_payment else None,
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "mode": asked["mode"],
        "payment_method_collection": "if_required" if is_payment else "always",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": asked.get("payment_method_types") or ["card"],
        "payment_status": "unpaid" if is_payment else "no_payment_required",
        "phone_number_collection": asked.get("phone_number_collection") or {"enabled": False},
        "redirect_on_completion": "always",
        "shipping_cost": _shipping_cost(shipping),
        "shipping_options": shipping,
        "status": "open",
        "success_url": asked["success_url"],
        "total_details": _totals(delivery) if is_payment else None,
        "ui_mode": "hosted_page",
        "url": f"{url}/c/pay/{session_id}",
        "_lines": lines,
        "_shipping_names": [rate["display_name"] for rate in rates],
        "_intent_data": asked.get("payment_intent_data" if is_payment else "setup_intent_data") or {},
    }


_ECHOED = {
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "customer",
    "customer_email",
    "excluded_payment_method_types",
    "locale",
    "shipping_address_collection",
    "submit_type",
}


def _totals(delivery: int) -> Thing:
    return {"amount_discount": 0, "amount_shipping": delivery, "amount_tax": 0}


def _invoice_data() -> Thing:
    return {
        "metadata": {},
        **nulls("account_tax_ids custom_fields description footer issuer rendering_options"),
    }


def _shipping_options(rates: list[Thing]) -> list[Thing]:
    return [{"shipping_amount": rate["fixed_amount"]["amount"], "shipping_rate": new_id("shr")} for rate in rates]


def _shipping_cost(options: list[Thing]) -> Thing | None:
    if not options:
        return None
    amount = options[0]["shipping_amount"]
    rate = options[0]["shipping_rate"]
    return {"amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "shipping_rate": rate}


def line_item(asked: Thing, price: Thing, name: str) -> Thing:
    """Return one line of a session: a price, the product's name, and the request's `quantity`."""
    amount = price["unit_amount"] * asked["quantity"]
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": name,
        "metadata": asked.get("metadata") or {},
        "price": price,
        "quantity": asked["quantity"],
    }
