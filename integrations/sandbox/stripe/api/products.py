"""Products and prices over the API, as far as a session's line may name one."""

from integrations.sandbox.stripe import objects
from integrations.sandbox.stripe.api.route import META, Route, get, listing, retrieving, updating
from integrations.sandbox.stripe.form import NUMBER, SWITCH, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

PRODUCT: Thing = {
    **META,
    "active": SWITCH,
    "description": TEXT,
    "images": [TEXT],
    "name": TEXT,
    "statement_descriptor": TEXT,
    "unit_label": TEXT,
    "url": TEXT,
    **dict.fromkeys(("default_price_data", "package_dimensions", "shippable", "tax_code", "type"), UNSIMULATED),
}
PRICE: Thing = {
    **META,
    "active": SWITCH,
    "currency": TEXT,
    "lookup_key": TEXT,
    "nickname": TEXT,
    "product": TEXT,
    "tax_behavior": ("exclusive", "inclusive", "unspecified"),
    "unit_amount": NUMBER,
    **dict.fromkeys(("custom_unit_amount", "product_data", "recurring", "tiers", "transform_quantity"), UNSIMULATED),
}


def create_product(world: World, asked: Thing) -> Thing:
    """Write a product down."""
    need(asked, "name")
    made = world.store.add(objects.product(asked, now=world.store.now()))
    world.emit("product.created", made)
    return made


def create_price(world: World, asked: Thing) -> Thing:
    """Write a price of a product down."""
    need(asked, "currency", "product", "unit_amount")
    product = get(world, "product", asked["product"], "product")["id"]
    active = asked.get("active", True)
    made = world.store.add(objects.price(asked, product=product, active=active, now=world.store.now()))
    world.emit("price.created", made)
    return made


PRICE_UPDATE: Thing = {**META, "active": SWITCH, "lookup_key": TEXT, "nickname": TEXT}

ROUTES = (
    Route("POST", "/products", {**PRODUCT, "id": TEXT}, create_product),
    Route("GET", "/products", {**PAGING, "active": SWITCH}, listing("product", "active")),
    Route("GET", "/products/<object_id>", {}, retrieving("product")),
    Route("POST", "/products/<object_id>", PRODUCT, updating("product", "product.updated")),
    Route("POST", "/prices", PRICE, create_price),
    Route("GET", "/prices", {**PAGING, "active": SWITCH, "product": TEXT}, listing("price", "active", "product")),
    Route("GET", "/prices/<object_id>", {}, retrieving("price")),
    Route("POST", "/prices/<object_id>", PRICE_UPDATE, updating("price", "price.updated")),
)
