"""What holds on every route: headers, who may post, who may look behind the counter; looking changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from shop.db import Base
from shop.staff import access
from shop.staff.access import Role, StaffMember
from tests.makers import ADDRESS, EPUB, HARDBACK, Scene

if TYPE_CHECKING:
    from werkzeug.routing import Rule

SAMPLES = {
    "slug": "exit-stalin",
    "_rest": "formats",
    "isbn": HARDBACK,
    "name": "site.css",
    "public_id": "nothing",
    "token": "nothing",
    "ticket": "nothing",
    "copy_id": "nothing",
    "line_id": "1",
    "row_id": "1",
    "set_id": "1",
    "matter_id": "1",
    "path": "books",
    "part": "1",
    "code": "n",
    "import_id": "1",
    "country": "US",
    "names": "history",
    "given": "0" * 32,
}
MACHINES = {"/webhooks/stripe"}
HEADERS = {
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Permissions-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
}


def routes(scene: Scene) -> list[tuple[str, str]]:
    """Every method and path of the application; a converter without a sample fails the test that asks."""
    return [
        (method, _path(rule))
        for rule in scene.client.application.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"OPTIONS"})
    ]


def _path(rule: Rule) -> str:
    path = rule.rule
    for name in rule.arguments:
        for form in (f"<{name}>", f"<int:{name}>", f"<path:{name}>"):
            path = path.replace(form, SAMPLES[name])
    return path


def test_every_answer_of_every_route_carries_the_security_headers(scene: Scene) -> None:
    for method, path in routes(scene):
        answer = scene.client.open(path, method=method, base_url=ADDRESS, headers={"Sec-Fetch-Site": "same-origin"})
        assert not HEADERS - set(answer.headers.keys()), f"{method} {path}"
        assert answer.status_code < 500, f"{method} {path}"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_a_form_sent_from_another_site_is_refused_on_every_route(scene: Scene) -> None:
    strangers: list[dict[str, str]] = [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ]
    for method, path in routes(scene):
        if method != "POST" or path in MACHINES:
            continue
        for headers in strangers:
            assert scene.client.post(path, base_url=ADDRESS, headers=headers).status_code == 400, f"{path} {headers}"


def test_our_own_forms_are_taken_from_browsers_old_and_new(scene: Scene) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": ADDRESS}):
        answer = scene.client.post("/country", data={"country": "US"}, base_url=ADDRESS, headers=headers)
        assert answer.status_code == 303


def test_no_staff_page_answers_without_a_session(scene: Scene) -> None:
    behind = [(method, path) for method, path in routes(scene) if path.startswith("/staff") and "sign-in" not in path]
    assert len(behind) > 20
    for method, path in behind:
        answer = scene.client.open(path, method=method, base_url=ADDRESS, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code in {301, 302, 308}, f"{method} {path}"


AT_WORK = {"minutes": 50}
"""How long somebody is away between two pages, who is still at work."""


@pytest.mark.parametrize(
    ("away", "times", "is_in"),
    [
        pytest.param(AT_WORK, 14, True, id="at work"),
        pytest.param(AT_WORK, 15, False, id="at work for more than twelve hours"),
        pytest.param({"minutes": 60}, 1, False, id="away for an hour"),
    ],
)
def test_whoever_is_away_or_at_work_for_too_long_signs_in_again(
    scene: Scene, away: dict[str, int], times: int, *, is_in: bool
) -> None:
    scene.sign_in_as_staff()
    for _ in range(times):
        scene.clock.forward(**away)
        answer = scene.get("/staff/orders")

    assert (answer.status_code == 200) is is_in


def test_whoever_has_left_sees_nothing_and_does_not_come_in_again(scene: Scene) -> None:
    member = scene.sign_in_as_staff()
    with scene.shop.db.writing() as session:
        session.get_one(StaffMember, member.id).left_at = scene.clock.now
    scene.clock.forward(minutes=1)
    code, password = access.code_now(member, scene.clock.now), "a long enough password"

    assert scene.get("/staff/orders").status_code == 302
    assert scene.post("/staff/sign-in", email=member.email, password=password, code=code).status_code == 422


MONEY = {
    "/staff/orders/nothing/lines/1/refund",
    "/staff/orders/nothing/delivery/refund",
    "/staff/reconciliation/statement",
}
"""What only those may do who answer for the money."""


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_its_own_and_no_more(scene: Scene, role: Role) -> None:
    scene.sign_in_as_staff(role)
    actions = {
        path
        for method, path in routes(scene)
        if method == "POST" and path.startswith("/staff/") and not path.startswith("/staff/sign-")
    }
    done = {path for path in actions if scene.post(path).status_code != 403}

    assert actions > MONEY
    assert done == {Role.VIEWER: set(), Role.SUPPORT: actions - MONEY}.get(role, actions)


def digest(scene: Scene) -> dict[str, list[object]]:
    """Every row of every table, but for what notes that staff are awake."""
    with scene.shop.db.reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(table.select().order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
            if table.name not in {"throttle", "staff_session"}
        }


def test_looking_changes_no_row(scene: Scene) -> None:
    public_id = scene.buy(HARDBACK, EPUB)
    scene.knock(public_id)
    scene.work()
    scene.sign_in_as_staff()
    SAMPLES["public_id"] = public_id
    before = digest(scene)

    for method, path in routes(scene):
        if method in {"GET", "HEAD"}:
            scene.client.open(path, method=method, base_url=ADDRESS)

    assert digest(scene) == before


def test_pages_about_a_person_are_never_stored_nor_indexed(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    scene.knock(public_id)
    scene.work()
    token = scene.shop.services.links.access_token(public_id, 1, scene.clock.now)
    for path in ("/basket", "/checkout", f"/orders/{public_id}", f"/a/{token}", "/library", "/staff/sign-in"):
        headers = scene.get(path).headers
        assert headers["Cache-Control"] == "private, no-store", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert "noindex" in headers["X-Robots-Tag"], path


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "evil.test:80"])
def test_another_host_name_is_not_answered(scene: Scene, host: str) -> None:
    assert scene.client.get("/", base_url=f"http://{host}").status_code == 400


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test", "/\\evil.test", "\\evil", "/a\n/b", "@evil.test"]
)
def test_no_form_leads_away_from_the_shop(scene: Scene, target: str) -> None:
    answer = scene.post("/country", country="US", next=target)

    assert answer.location == "/"


def test_an_error_answer_undoes_what_the_request_wrote(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    scene.get(f"/orders/{public_id}")
    scene.work()
    scene.sign_in_as_staff()
    line = scene.order(public_id).lines[0]
    scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="once")
    with scene.shop.db.reading() as session:
        before = session.scalar(text("SELECT count(*) FROM audit_entry"))

    answer = scene.post(f"/staff/orders/{public_id}/delivery/refund", reason="there was none")

    assert answer.status_code == 409
    with scene.shop.db.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_entry")) == before


@pytest.mark.parametrize(
    "path",
    ["/?page=99999999999999999999999", "/search?q=a&page=-5", "/staff/rights/99999999999999999999", "/search?q=%00"],
)
def test_numbers_and_letters_that_no_database_holds_are_the_askers_fault(scene: Scene, path: str) -> None:
    scene.sign_in_as_staff()

    assert scene.get(path).status_code in {200, 400, 404}


def test_a_null_character_in_a_form_or_a_cookie_is_the_askers_fault(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    form = {"checkout_key": "a\0b", "email": "a\0@example.com", "name": "A\0nn"}
    assert scene.post("/checkout", **form).status_code in {303, 400, 422}
    assert scene.post("/basket", isbn="\0").status_code in {400, 404}
    cookie = {"Cookie": 'sign-in="\\000"', "Sec-Fetch-Site": "same-origin"}
    answer = scene.client.post("/library/sign-in", data={"code": "1"}, base_url=ADDRESS, headers=cookie)
    assert answer.status_code in {400, 422}
