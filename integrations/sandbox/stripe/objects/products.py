"""Products and their prices."""

from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id


def product(asked: Thing, *, now: int) -> Thing:
    """Return a product for the request's name and the like."""
    return {
        **nulls("default_price description package_dimensions shippable statement_descriptor tax_code unit_label url"),
        **{key: asked[key] for key in ("description", "statement_descriptor", "unit_label", "url") if key in asked},
        "id": asked.get("id") or new_id("prod"),
        "object": "product",
        "active": asked.get("active", True),
        "created": now,
        "images": asked.get("images") or [],
        "livemode": False,
        "marketing_features": [],
        "metadata": asked.get("metadata") or {},
        "name": asked["name"],
        "type": "service",
        "updated": now,
    }


def price(asked: Thing, *, product: str, active: bool, now: int) -> Thing:
    """Return a price of a product in `unit_amount` of the smallest unit, for a request or a line's `price_data`."""
    return {
        **nulls("custom_unit_amount lookup_key nickname recurring tiers_mode transform_quantity"),
        **{key: asked[key] for key in ("lookup_key", "nickname") if key in asked},
        "id": new_id("price"),
        "object": "price",
        "active": active,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": asked["currency"].lower(),
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "product": product,
        "tax_behavior": asked.get("tax_behavior") or "unspecified",
        "type": "one_time",
        "unit_amount": asked["unit_amount"],
        "unit_amount_decimal": str(asked["unit_amount"]),
    }
