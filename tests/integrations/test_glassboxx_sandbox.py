"""Stories about the stand-in for the Glassboxx Sales API, told to the real process over real sockets."""

import base64
import csv
import hashlib
import hmac
import io
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 10

BOOK, PREORDER, UPLOADED, FOREIGN, UNHEARD = (
    "9781631498305",
    "9780000000019",
    "9780000000026",
    "9780000000033",
    "9780000000040",
)
PASSWORD = "sandbox-password"
STATES = {BOOK: "enabled", PREORDER: "preorder", UPLOADED: "not_enabled", FOREIGN: "other_vendor"}
NOT_SIGNED_IN = "You did not sign in correctly or your account is temporarily disabled."
SIGN_IN_INCORRECT = (
    "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
)
UNKNOWN_SKU = "SKU doesn\u2019t exist on Glassboxx, Please confirm sku with Glassboxx"
OTHER_VENDOR = "SKU exists on Glassboxx with another vendor. Please confirm sku with Glassboxx"
SUCCESS = {"Status": "SUCCESS", "Message": ""}


def error(message: str) -> dict[str, str]:
    return {"Status": "ERROR", "Message": message}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(db: Path, *options: str) -> Iterator[str]:
    """Run the sandbox until the block ends; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "integrations.sandbox.glassboxx", "--port", str(port), "--db", str(db)]
    with subprocess.Popen([*command, "--quiet", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            assert program.stdout.readline() == f"Glassboxx sandbox on http://127.0.0.1:{port}\n"
            yield f"http://127.0.0.1:{port}"
        finally:
            program.send_signal(signal.SIGTERM)
            assert program.wait(PATIENCE_SECONDS) == 0


def eventually(is_so: Any) -> None:
    """Ask again and again until it is so; the calls themselves take the time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline


def decoded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def part(claims: dict[str, Any]) -> str:
    return base64url(json.dumps(claims).encode())


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Vendor:
    """A client that knows the wire and nothing else."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()

    def token(self, password: str = PASSWORD) -> requests.Response:
        return self.session.post(
            f"{self.address}/rest/V1/integration/admin/token",
            json={"username": "frontlist", "password": password},
            timeout=PATIENCE_SECONDS,
        )

    def sign_in(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.token().json()}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        timeout = more.pop("timeout", PATIENCE_SECONDS)
        return self.session.request(method, f"{self.address}/rest/V1/{path}", timeout=timeout, **more)

    def check(self, sku: str) -> Any:
        return self.call("GET", "glassboxxcontent/checkContent", params={"sku": sku}).json()

    def create_account(self, **changes: str) -> requests.Response:
        return self.call("POST", "glassboxxorder/createAccount", json={"customer": [customer(**changes)]})

    def order(self, *lines: dict[str, Any]) -> requests.Response:
        return self.call("POST", "glassboxxorder/createOrder", json={"items": list(lines or [line()])})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.address}/_sandbox/{path}", json=body, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def switch(self, **positions: object) -> None:
        self.control("POST", "switches", positions)

    def fault(self, fault: str, **more: object) -> None:
        self.control("POST", "faults", {"fault": fault, "calls": 1, **more})

    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "orders")
        return found

    def statement(self) -> list[dict[str, str]]:
        sheet = requests.get(f"{self.address}/_sandbox/statement.csv", timeout=PATIENCE_SECONDS)
        return list(csv.DictReader(io.StringIO(sheet.text)))


def customer(**changes: str) -> dict[str, str]:
    return {
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "vendor_id": "42",
        **changes,
    }


def line(**changes: Any) -> dict[str, Any]:
    return {
        "currency_code": "GBP",
        "sku": BOOK,
        "created_at": "2025-02-03",
        "discount_amount": "1.50",
        "original_order_number": "FL-1001",
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "vendor_id": "42",
        "price_incl_tax": "9.99",
        **changes,
    }


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("glassboxx") / "sandbox.db") as found:
        yield found


@pytest.fixture
def vendor(address: str) -> Iterator[Vendor]:
    """A client that has signed in and created Ada's account, in a sandbox as new."""
    client = Vendor(address)
    client.control("POST", "reset")
    client.control("POST", "skus", [{"sku": sku, "title": "Exit Stalin", "state": s} for sku, s in STATES.items()])
    client.sign_in()
    client.create_account()
    yield client
    client.session.close()


# Signing in


def test_a_token_is_a_bare_json_string_holding_a_jwt_of_one_hour(vendor: Vendor) -> None:
    header, payload, _ = vendor.token().json().split(".")
    claims = decoded(payload)
    assert decoded(header) == {"kid": "1", "alg": "HS256"}
    assert (claims["utypid"], claims["exp"] - claims["iat"]) == (2, 3600)
    assert isinstance(claims["uid"], int)


def test_the_password_may_travel_in_the_query(vendor: Vendor) -> None:
    given = {"username": "frontlist", "password": PASSWORD}
    assert isinstance(vendor.call("POST", "integration/admin/token", params=given).json(), str)


@pytest.mark.parametrize(("switch", "text"), [("E3", SIGN_IN_INCORRECT), ("E4", NOT_SIGNED_IN)])
def test_a_wrong_password_is_401(vendor: Vendor, switch: str, text: str) -> None:
    vendor.switch(sign_in_text=switch)
    answer = vendor.token("wrong")
    assert (answer.status_code, answer.json()) == (401, {"message": text})


def test_six_wrong_passwords_lock_out_the_right_one_too(vendor: Vendor) -> None:
    assert [vendor.token("wrong").status_code for _ in range(5)] == [401] * 5
    assert vendor.token().status_code == 200
    assert [vendor.token("wrong").status_code for _ in range(6)] == [401] * 6
    assert vendor.token().json() == {"message": SIGN_IN_INCORRECT}
    vendor.control("DELETE", "lockout")
    assert vendor.token().status_code == 200


@pytest.mark.guess
def test_a_lock_ends_by_itself(vendor: Vendor) -> None:
    vendor.switch(lockout_seconds=1)
    assert [vendor.token("wrong").status_code for _ in range(6)] == [401] * 6
    assert vendor.token().status_code == 401
    eventually(lambda: vendor.token().status_code == 200)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {"username": "frontlist"},
            {"message": "%fieldName is a required field.", "parameters": {"fieldName": "password"}},
        ),
        (
            {},
            {
                "message": "One or more input exceptions have occurred.",
                "errors": [
                    {"message": "%fieldName is a required field.", "parameters": {"fieldName": "username"}},
                    {"message": "%fieldName is a required field.", "parameters": {"fieldName": "password"}},
                ],
            },
        ),
    ],
)
def test_a_missing_parameter_is_named_beside_an_unfilled_placeholder(
    vendor: Vendor, body: dict[str, str], answer: dict[str, Any]
) -> None:
    response = vendor.call("POST", "integration/admin/token", json=body)
    assert (response.status_code, response.json()) == (400, answer)


# Tokens on the other calls


def foreign_token() -> str:
    payload = part({"uid": 1, "utypid": 2, "iat": 0, "exp": 9999999999})
    signed = f"{part({'kid': '1', 'alg': 'HS256'})}.{payload}"
    return f"{signed}.{base64url(hmac.new(b'another key', signed.encode(), hashlib.sha256).digest())}"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer nonsense", "Bearer a.b.c", "Basic eDp5", f"Bearer {foreign_token()}"],
)
def test_no_token_but_ours_is_good(vendor: Vendor, authorization: str) -> None:
    vendor.session.headers["Authorization"] = authorization
    answer = vendor.order()
    assert (answer.status_code, answer.json()) == (401, {"message": NOT_SIGNED_IN})


def test_a_token_expires_in_the_middle_of_an_order(vendor: Vendor) -> None:
    vendor.switch(token_life_seconds=1)
    vendor.sign_in()
    eventually(lambda: vendor.order().status_code == 401)
    vendor.switch(token_life_seconds=3600)
    vendor.sign_in()
    assert vendor.order().json() == SUCCESS


@pytest.mark.guess
def test_the_newer_401_text_leaves_its_placeholder_unfilled(vendor: Vendor) -> None:
    vendor.switch(unauthorised_text="E5")
    del vendor.session.headers["Authorization"]
    answer = vendor.create_account().json()
    assert answer["message"] == "The consumer isn't authorized to access %resources."
    assert answer["parameters"].keys() == {"resources"}


def test_check_content_prints_its_401_without_the_full_stop(vendor: Vendor) -> None:
    del vendor.session.headers["Authorization"]
    assert vendor.check(BOOK) == {"message": NOT_SIGNED_IN.removesuffix(".")}


# checkContent


@pytest.mark.parametrize(
    ("sku", "answer"),
    [
        (BOOK, {"Status": "SUCCESS", "Message": "Product encrypted and enabled"}),
        (PREORDER, {"Status": "SUCCESS", "Message": "Pre-order product"}),
        (UNHEARD, error(UNKNOWN_SKU)),
        (UPLOADED, error("Product not enabled")),
        (FOREIGN, error(OTHER_VENDOR)),
    ],
    ids=["C1", "C2", "C3", "C4", "C5"],
)
def test_a_sku_is_answered_for_with_200_whatever_its_state(vendor: Vendor, sku: str, answer: dict[str, str]) -> None:
    by_query = vendor.call("GET", "glassboxxcontent/checkContent", params={"sku": sku})
    by_path = vendor.call("GET", f"glassboxxcontent/checkContent/{sku}")
    assert [(by.status_code, by.json()) for by in (by_query, by_path)] == [(200, answer)] * 2


@pytest.mark.guess
def test_the_apostrophe_can_be_straight(vendor: Vendor) -> None:
    vendor.switch(apostrophe="ascii")
    assert vendor.check(UNHEARD)["Message"].startswith("SKU doesn't exist")


def test_a_misspelt_parameter_is_500_and_a_missing_one_400(vendor: Vendor) -> None:
    misspelt = vendor.call("GET", "glassboxxcontent/checkContent", params={"isbn": BOOK})
    missing = vendor.call("GET", "glassboxxcontent/checkContent")
    assert (misspelt.status_code, missing.status_code) == (500, 400)
    assert missing.json()["parameters"] == {"fieldName": "sku"}


@pytest.mark.guess
@pytest.mark.parametrize(
    ("shape", "case", "answer"),
    [
        ("object", "title", {"Status": "ERROR", "Message": "Product not enabled"}),
        ("object", "lower", {"status": "ERROR", "message": "Product not enabled"}),
        ("list", "title", [{"Status": "ERROR", "Message": "Product not enabled"}]),
        ("pair", "title", ["ERROR", "Product not enabled"]),
    ],
)
def test_answers_come_in_every_shape_the_pages_leave_open(
    vendor: Vendor, shape: str, case: str, answer: object
) -> None:
    vendor.switch(answer_shape=shape, key_case=case)
    assert vendor.check(UPLOADED) == answer


# createAccount


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vendor_id": ""}, "vendor_id is a required field"),
        ({"email": "ada at example"}, 'Error creating customer: "Email" is not a valid email address.'),
        ({"first_name": " "}, 'Error creating customer: "First Name" is a required value.'),
    ],
    ids=["A2", "A3", "A4"],
)
def test_an_account_is_refused_with_200(vendor: Vendor, changes: dict[str, str], message: str) -> None:
    answer = vendor.create_account(**changes)
    assert (answer.status_code, answer.json()) == (200, error(message))


def test_a_second_account_for_the_same_address_is_no_account(vendor: Vendor) -> None:
    assert vendor.create_account(email=" ADA@Example.org ").json() == SUCCESS
    assert [account["email"] for account in vendor.control("GET", "accounts")] == ["ada@example.org"]


# createOrder


def test_an_order_puts_the_book_on_the_readers_shelf(vendor: Vendor) -> None:
    assert vendor.order().json() == SUCCESS
    (book,) = vendor.control("GET", "books?email=ADA@example.org")
    assert (book["sku"], book["title"], book["readable"]) == (BOOK, "Exit Stalin", True)
    (accepted,) = vendor.orders()
    assert (accepted["price_incl_tax"], accepted["discount_amount"]) == ("9.99", "1.50")
    assert accepted["duplicate"] is False


def test_a_preordered_book_is_on_the_shelf_and_not_readable(vendor: Vendor) -> None:
    vendor.order(line(sku=PREORDER))
    assert vendor.control("GET", "books?email=ada@example.org")[0]["readable"] is False


@pytest.mark.parametrize("field", sorted(line()))
def test_every_field_of_a_line_is_required(vendor: Vendor, field: str) -> None:
    answer = vendor.order(without(line(), field))
    assert (answer.status_code, answer.json()) == (200, error(f"{field} is a required field"))
    assert vendor.orders() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sku": UNHEARD}, UNKNOWN_SKU),
        ({"sku": UPLOADED}, "Product not enabled"),
        ({"sku": FOREIGN}, OTHER_VENDOR),
        ({"vendor_id": "43"}, OTHER_VENDOR),
        ({"email": "nobody@example.org"}, "No customer account exists for this email"),
        ({"price_incl_tax": "£9.99"}, "price_incl_tax is not valid"),
        ({"created_at": "2025-02-30"}, "created_at is not valid"),
        ({"currency_code": "pounds"}, "currency_code is not valid"),
    ],
)
def test_a_line_is_refused_with_200(vendor: Vendor, changes: dict[str, str], message: str) -> None:
    answer = vendor.order(line(**changes))
    assert (answer.status_code, answer.json()) == (200, error(message))
    assert vendor.orders() == []


def test_a_book_can_be_withdrawn_between_check_and_order(vendor: Vendor) -> None:
    assert vendor.check(BOOK)["Status"] == "SUCCESS"
    vendor.control("PUT", f"skus/{BOOK}", {"state": "not_enabled"})
    assert vendor.order().json() == error("Product not enabled")


@pytest.mark.guess
def test_an_order_before_the_account_can_make_the_account(vendor: Vendor) -> None:
    vendor.switch(order_before_account="implicit")
    assert vendor.order(line(email="new@example.org")).json() == SUCCESS
    assert len(vendor.control("GET", "accounts")) == 2


@pytest.mark.guess
def test_one_bad_line_spoils_the_whole_call(vendor: Vendor) -> None:
    assert vendor.order(line(), line(sku=UPLOADED)).json() == error("Product not enabled")
    assert vendor.orders() == []


@pytest.mark.guess
def test_or_each_line_stands_alone(vendor: Vendor) -> None:
    vendor.switch(partial_success="per_line")
    assert vendor.order(line(), line(sku=UPLOADED)).json() == [SUCCESS, error("Product not enabled")]
    assert [accepted["sku"] for accepted in vendor.orders()] == [BOOK]


# Repeats


@pytest.mark.guess
@pytest.mark.parametrize(
    ("policy", "second_answer", "billed"),
    [("ignore", SUCCESS, 1), ("accept", SUCCESS, 2), ("error", error("Order already exists"), 1)],
)
def test_a_repeated_line_is_ignored_billed_twice_or_refused(
    vendor: Vendor, policy: str, second_answer: dict[str, str], billed: int
) -> None:
    vendor.switch(duplicate_order=policy)
    assert [vendor.order().json(), vendor.order().json()] == [SUCCESS, second_answer]
    assert len(vendor.statement()) == billed
    assert [accepted["duplicate"] for accepted in vendor.orders()] == [False, True][:billed]
    assert len(vendor.control("GET", "books?email=ada@example.org")) == 1


@pytest.mark.guess
def test_one_order_number_may_belong_to_two_readers_or_not(vendor: Vendor) -> None:
    vendor.create_account(email="bob@example.org")
    vendor.order()
    vendor.order(line(email="bob@example.org"))
    assert len(vendor.orders()) == 2
    vendor.control("POST", "reset")
    vendor.switch(duplicate_key="order_sku", order_before_account="implicit")
    vendor.order()
    vendor.order(line(email="bob@example.org"))
    assert len(vendor.orders()) == 1


@pytest.mark.guess
@pytest.mark.parametrize(("moment", "answer"), [("before_sku", SUCCESS), ("after_sku", error("Product not enabled"))])
def test_a_repeat_may_meet_a_book_withdrawn_since(vendor: Vendor, moment: str, answer: dict[str, str]) -> None:
    vendor.switch(duplicate_check=moment)
    vendor.order()
    vendor.control("PUT", f"skus/{BOOK}", {"state": "not_enabled"})
    assert vendor.order().json() == answer
    assert len(vendor.statement()) == 1


def test_many_at_once_with_the_same_line_are_billed_once(vendor: Vendor) -> None:
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: vendor.order().json(), range(40)))
    assert answers == [SUCCESS] * 40
    assert len(vendor.statement()) == 1
    assert vendor.orders()[0]["repeats"] == 39


# What is not well said


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/rest/V1/glassboxxorder/refund", 404, "Request does not match any route."),
        ("POST", "/rest/V1/glassboxxorder/cancelOrder", 404, "Request does not match any route."),
        ("GET", "/rest/V1/glassboxxorder/orderStatus", 404, "Request does not match any route."),
        ("GET", "/rest/V1/orders", 404, "Request does not match any route."),
        ("GET", "/rest/V1/glassboxxorder/createOrder", 404, "Request does not match any route."),
        ("POST", "/rest/V1/glassboxxcontent/checkContent", 404, "Request does not match any route."),
        (
            "POST",
            "/rest/nowhere/V1/glassboxxorder/createOrder",
            400,
            "Specified request cannot be processed.",
        ),
    ],
)
def test_a_route_that_is_not_there_is_refused_as_magento_does(
    vendor: Vendor, method: str, path: str, status: int, message: str
) -> None:
    answer = vendor.session.request(method, vendor.address + path, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.json()) == (status, {"message": message})


@pytest.mark.parametrize(("path", "wrapper"), [("createOrder", "items"), ("createAccount", "customer")])
def test_a_missing_wrapper_is_named(vendor: Vendor, path: str, wrapper: str) -> None:
    old = vendor.call("POST", f"glassboxxorder/{path}", json={"wrong": []})
    vendor.switch(required_text="M1")
    new = vendor.call("POST", f"glassboxxorder/{path}", json={"wrong": []})
    assert (old.status_code, new.status_code) == (400, 400)
    assert old.json()["message"] == "%fieldName is a required field."
    assert new.json()["message"] == '"%fieldName" is required. Enter and try again.'
    assert old.json()["parameters"] == new.json()["parameters"] == {"fieldName": wrapper}


def test_an_unknown_property_is_an_internal_error(vendor: Vendor) -> None:
    answer = vendor.order(line(quantity="2"))
    text, report = answer.json()["message"].split("webapi-")
    assert (answer.status_code, text) == (
        500,
        "Internal Error. Details are available in Magento log file. Report ID: ",
    )
    assert len(report) == 13


def test_a_broken_body_does_not_decode(vendor: Vendor) -> None:
    headers = {"Content-Type": "application/json"}
    answer = vendor.call("POST", "glassboxxorder/createOrder", data='{"items":[', headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"message": "Decoding error."})


@pytest.mark.guess
def test_a_number_is_no_string_unless_the_switch_is_lenient(vendor: Vendor) -> None:
    assert vendor.order(line(price_incl_tax=9.99)).status_code == 400
    vendor.switch(field_check="lenient")
    assert vendor.order(line(price_incl_tax=9.99)).json() == SUCCESS


# Misfortune


def test_a_connection_reset_after_commit_leaves_one_billed_order(vendor: Vendor) -> None:
    vendor.fault("reset_after_commit", path="createOrder")
    with pytest.raises(requests.ConnectionError):
        vendor.order()
    assert len(vendor.statement()) == 1
    assert vendor.order().json() == SUCCESS
    assert len(vendor.statement()) == 1


def test_a_connection_reset_before_leaves_none(vendor: Vendor) -> None:
    vendor.fault("reset_before")
    with pytest.raises(requests.ConnectionError):
        vendor.order()
    assert vendor.statement() == []


@pytest.mark.parametrize(
    ("fault", "status", "kind", "billed"),
    [
        ("http_500", 500, "application/json", 0),
        ("http_503_json", 503, "application/json", 0),
        ("http_503_html", 503, "text/html", 0),
        ("not_json_200", 200, "text/html", 1),
        ("http_500_after_commit", 500, "application/json", 1),
    ],
)
def test_a_fault_answers_in_place_of_the_work_or_after_it(
    vendor: Vendor, fault: str, status: int, kind: str, billed: int
) -> None:
    vendor.fault(fault, path="createOrder")
    assert vendor.check(BOOK)["Status"] == "SUCCESS"
    answer = vendor.order()
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (status, kind)
    assert len(vendor.statement()) == billed
    assert vendor.order().json() == SUCCESS


def test_a_slow_answer_outlasts_an_impatient_caller_and_the_work_is_done(vendor: Vendor) -> None:
    vendor.fault("slow", seconds=0.5)
    with pytest.raises(requests.Timeout):
        vendor.call("POST", "glassboxxorder/createOrder", json={"items": [line()]}, timeout=0.1)
    eventually(lambda: len(vendor.statement()) == 1)


# The dialect of 2020


def test_the_old_dialect_says_success_and_echoes(vendor: Vendor) -> None:
    old = {"created_in": 42, "email": "bob@example.org", "firstname": "Bob", "lastname": "Babbage"}
    assert vendor.call("POST", "glassboxxorder/customCustomer", json={"customer": old}).json() == "Success"
    body = {"items": [old_line()]}
    assert vendor.call("POST", "glassboxxorder/toglassboxx", json=body).json() == body
    assert [(row["price_incl_tax"], row["created_at"]) for row in vendor.statement()] == [("7.99", "2020-05-06")]


def old_line() -> dict[str, Any]:
    return {
        "created_at": "2020-05-06 07:08:09",
        "currency_code": "GBP",
        "customer_email": "bob@example.org",
        "customer_firstname": "Bob",
        "customer_lastname": "Babbage",
        "discount_amount": 0,
        "duration_for_loan": 0,
        "hostname": 42,
        "original_order_number": "OLD-1",
        "price_incl_tax": 7.99,
        "sku": BOOK,
        "type_of_interaction": "purchase",
    }


# What a person or a test may look at


@pytest.mark.guess
def test_the_statement_has_one_row_per_billed_line(vendor: Vendor) -> None:
    vendor.order()
    sheet = requests.get(f"{vendor.address}/_sandbox/statement.csv", timeout=PATIENCE_SECONDS).text
    header, row = sheet.splitlines()
    assert header == (
        "statement_line,order_number,sku,email,created_at,currency,price_incl_tax,discount_amount,received_at"
    )
    number, *rest, received_at = row.split(",")
    assert number.startswith("GBX-")
    assert rest == ["FL-1001", BOOK, "ada@example.org", "2025-02-03", "GBP", "9.99", "1.50"]
    assert received_at.endswith("Z")


def test_the_log_keeps_the_call_and_no_secret(vendor: Vendor) -> None:
    vendor.token()
    vendor.order()
    calls = vendor.control("GET", "log")
    assert (calls[-1]["method"], calls[-1]["path"], calls[-1]["status"]) == (
        "POST",
        "/rest/V1/glassboxxorder/createOrder",
        200,
    )
    assert calls[-1]["body"] == {"items": [line()]}
    token = str(vendor.session.headers["Authorization"]).removeprefix("Bearer ")
    assert not {PASSWORD, token} & set(json.dumps(calls).split('"'))


def test_the_console_sets_a_state_by_a_form(vendor: Vendor) -> None:
    page = vendor.session.get(vendor.address, timeout=PATIENCE_SECONDS).text
    assert "Exit Stalin" in page
    vendor.session.post(
        f"{vendor.address}/console/skus", {"sku": BOOK, "state": "not_enabled"}, timeout=PATIENCE_SECONDS
    ).raise_for_status()
    assert vendor.check(BOOK) == error("Product not enabled")


def test_the_console_shows_the_readers_app(vendor: Vendor) -> None:
    vendor.order()
    page = vendor.session.get(f"{vendor.address}/?email=Ada@example.org", timeout=PATIENCE_SECONDS).text
    assert "MY BOOKS" in page
    assert "Ready to read" in page


def test_the_console_moves_switches_and_orders_faults(vendor: Vendor) -> None:
    console = f"{vendor.address}/console"
    vendor.session.post(f"{console}/switches", {"duplicate_order": "error"}, timeout=PATIENCE_SECONDS)
    vendor.session.post(f"{console}/faults", {"fault": "http_500", "calls": "2", "path": "x"}, timeout=PATIENCE_SECONDS)
    assert vendor.control("GET", "switches")["duplicate_order"] == "error"
    assert vendor.control("GET", "faults") == [{"fault": "http_500", "path": "x", "seconds": 5.0, "calls": 2}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("switches", {"duplicate_order": "perhaps"}),
        ("switches", {"no_such_switch": 1}),
        ("faults", {"fault": "flood"}),
        ("skus", {"sku": BOOK, "state": "sold out"}),
        ("skus", {"state": "enabled"}),
    ],
)
def test_a_wish_the_sandbox_does_not_know_is_refused(vendor: Vendor, path: str, body: dict[str, object]) -> None:
    answer = requests.post(f"{vendor.address}/_sandbox/{path}", json=body, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 400
    assert answer.json()["error"]


# The process


def test_many_calls_share_one_connection(vendor: Vendor) -> None:
    connection = HTTPConnection(vendor.address.removeprefix("http://"), timeout=PATIENCE_SECONDS)
    connection.connect()
    port = connection.sock.getsockname()[1]
    for _ in range(3):
        connection.request("POST", "/rest/V1/nowhere", body=b"an unread body")
        connection.getresponse().read()
        assert connection.sock.getsockname()[1] == port
    connection.close()


def test_orders_tokens_and_states_outlive_the_process(tmp_path: Path) -> None:
    seed = ["--sku", f"{BOOK}:enabled:Exit Stalin: a life"]
    with running(tmp_path / "sandbox.db", *seed) as address:
        client = Vendor(address)
        client.sign_in()
        client.create_account()
        client.order()
        client.control("PUT", f"skus/{BOOK}", {"state": "not_enabled"})
    with running(tmp_path / "sandbox.db", *seed) as address:
        client.address = address
        assert client.check(BOOK) == error("Product not enabled")
        assert client.control("GET", "skus")[0]["title"] == "Exit Stalin: a life"
        assert len(client.statement()) == 1
    client.session.close()
