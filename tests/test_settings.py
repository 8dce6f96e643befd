"""Settings: a shop that could do harm does not start, and says by name what to mend."""

from __future__ import annotations

import tomllib
from dataclasses import FrozenInstanceError, fields
from typing import TYPE_CHECKING

import pytest

from shop.settings import Settings, UnsafeSettingsError, assets, load

if TYPE_CHECKING:
    from pathlib import Path

KEY = "3q8Jx0wYc7Rk2mVn5Tb9Lz4Hd6Gf1Ps8Aa0Ee3Uu"
OTHER_KEY = "Zk7Wq2Xe9Rt4Yu1Io6Pa3Sd8Fg5Hj0KlMnBvCcXx"
WATERMARK = "Qy5Ub8Nc2Mx7Zl1Kj4Hg9Fd3Sa6Po0Iu-TrEwQmNb"
SOUND = {
    "public_base_url": "https://books.example.org",
    "secret_keys": KEY,
    "stripe_secret_key": "sk_test_sandbox_tests",
    "stripe_webhook_secrets": "whsec_0123456789abcdef0123",
    "watermark_secret": WATERMARK,
}
PRODUCTION = {
    **SOUND,
    "environment": "production",
    "stripe_secret_key": "sk_live_0123456789abcdef",
    "mail_host": "smtp.example.org",
    "mail_starttls": "true",
}
GLASSBOXX = {
    "glassboxx_base_url": "https://server.glassboxx.co.uk/rest/V1",
    "glassboxx_username": "press",
    "glassboxx_password": "a long one",
    "glassboxx_vendor_id": "42",
}


def started(settings: dict[str, str], **changes: str) -> Settings:
    return load({f"FRONTLIST_{name.upper()}": value for name, value in (settings | changes).items()})


def refused(settings: dict[str, str], **changes: str) -> list[str]:
    with pytest.raises(UnsafeSettingsError) as caught:
        started(settings, **changes)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def named(problems: list[str]) -> set[str]:
    """The settings that a message begins with."""
    return {problem.split()[0].rstrip(":") for problem in problems}


# -- The start-up matrix -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(SOUND, id="development"),
        pytest.param(PRODUCTION, id="production"),
        pytest.param({**SOUND, "public_base_url": "http://127.0.0.1:8000"}, id="this machine"),
        pytest.param({**SOUND, "public_base_url": "http://[::1]:8000/"}, id="this machine, by its newer name"),
        pytest.param({**SOUND, "secret_keys": f"{OTHER_KEY},{KEY}"}, id="two keys"),
        pytest.param({**SOUND, "stripe_api_base": "http://127.0.0.1:4010"}, id="a rehearsal"),
        pytest.param({**SOUND, **GLASSBOXX}, id="glassboxx"),
        pytest.param({**SOUND, **GLASSBOXX, "glassboxx_base_url": "http://localhost:4020/rest/V1"}, id="its sandbox"),
        pytest.param({**PRODUCTION, "mail_host": "127.0.0.1", "mail_starttls": "false"}, id="a mail server beside us"),
        pytest.param({**PRODUCTION, "stripe_secret_key": "rk_live_0123456789abcdef"}, id="a restricted key"),
    ],
)
def test_sound_settings_start(settings: dict[str, str]) -> None:
    assert started(settings).host in {"books.example.org", "127.0.0.1", "::1"}


ALWAYS = [
    ("public_base_url", ""),
    ("public_base_url", "books.example.org"),
    ("public_base_url", "https://"),
    ("public_base_url", "ftp://books.example.org"),
    ("public_base_url", "javascript:alert(1)"),
    ("public_base_url", "https://books.example.org/shop"),
    ("public_base_url", "https://books.example.org?from=mail"),
    ("public_base_url", "https://books.example.org#top"),
    ("public_base_url", "https://user:secret@books.example.org"),
    ("public_base_url", "https://[books"),
    ("public_base_url", "https://books.example.org:port"),
    ("public_base_url", "http://books.example.org"),
    ("public_base_url", "http://localhost.example.org"),
    ("secret_keys", ""),
    ("secret_keys", " , "),
    ("secret_keys", KEY[:31]),
    ("secret_keys", f"{KEY},short"),
    ("secret_keys", f"short,{KEY}"),
    ("secret_keys", "a" * 40),
    ("secret_keys", "abababababababababababababababababababab"),
    ("secret_keys", "please-change-me-0123456789-abcdefgh"),
    ("secret_keys", "MY-SECRET-KEY-0123456789-abcdefghijkl"),
    ("secret_keys", "correct-horse-PASSWORD-staple-0123456789"),
    ("watermark_secret", ""),
    ("watermark_secret", WATERMARK[:31]),
    ("watermark_secret", "a" * 40),
    ("watermark_secret", "please-change-me-0123456789-abcdefgh"),
    ("stripe_webhook_secrets", ""),
    ("stripe_webhook_secrets", "whsec_"),
    ("stripe_webhook_secrets", "whsec_short"),
    ("stripe_webhook_secrets", "whsec_0123456789abcdef0123,whsec_"),
    ("stripe_secret_key", ""),
    ("stripe_secret_key", "pk_test_0123456789abcdef"),
    ("stripe_secret_key", "whsec_0123456789abcdef"),
    ("stripe_api_base", "https://api.example.org"),
    ("stripe_api_base", "http://localhost.example.org"),
    ("stripe_api_base", "127.0.0.1:4010"),
    ("stripe_api_base", "http://[::1"),
    ("glassboxx_base_url", "http://server.glassboxx.co.uk/rest/V1"),
    ("glassboxx_base_url", "http://[server"),
    ("environment", "staging"),
    ("environment", "Production"),
    ("environment", ""),
    ("digital_card_country", "ignore"),
    ("support_email", ""),
    ("support_email", "somebody"),
]


@pytest.mark.parametrize(("name", "value"), ALWAYS)
def test_an_unsafe_setting_is_refused_by_name(name: str, value: str) -> None:
    assert named(refused(SOUND | GLASSBOXX, **{name: value})) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("debug", "true"),
        ("public_base_url", "http://127.0.0.1:8000"),
        ("public_base_url", "http://localhost"),
        ("mail_starttls", "false"),
        ("stripe_secret_key", "sk_test_0123456789abcdef"),
        ("stripe_secret_key", "rk_test_0123456789abcdef"),
    ],
)
def test_what_will_do_for_a_rehearsal_is_refused_in_production(name: str, value: str) -> None:
    assert named(refused(PRODUCTION, **{name: value})) == {name}
    assert started(PRODUCTION | {"environment": "development"}, **{name: value})


def test_no_rehearsal_of_payments_in_production_and_no_real_money_in_a_rehearsal() -> None:
    rehearsal = "http://127.0.0.1:4010"
    assert "stripe_api_base" in named(refused(PRODUCTION, stripe_api_base=rehearsal))
    assert named(refused(SOUND, stripe_api_base=rehearsal, stripe_secret_key="sk_live_0123456789abcdef")) == {
        "stripe_secret_key"
    }


def test_a_house_that_marks_no_copies_needs_no_secret_for_it() -> None:
    found = started(SOUND, watermark_secret="", fulfiller_by_protection="01=glassboxx")
    assert found.fulfiller_by_protection == {"01": "glassboxx"}


@pytest.mark.parametrize("name", ["glassboxx_username", "glassboxx_password", "glassboxx_vendor_id"])
def test_a_provider_without_its_credentials_is_refused_by_name(name: str) -> None:
    assert named(refused(SOUND | GLASSBOXX, **{name: ""})) == {name}
    assert started(SOUND, **{name: ""}).glassboxx_base_url == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("work_lease_seconds", "0"),
        ("work_lease_seconds", "-1"),
        ("work_lease_seconds", "nan"),
        ("work_lease_seconds", "inf"),
        ("work_max_attempts", "0"),
        ("glassboxx_timeout_seconds", "0"),
        ("provider_state_max_age_seconds", "-1"),
        ("access_link_days", "0"),
        ("download_limit", "-1"),
        ("server_threads", "0"),
        ("server_processes", "0"),
        ("listen_port", "70000"),
        ("trusted_proxies", "-1"),
        ("mail_port", "0"),
        ("currency", "gbp"),
        ("currency", "Pounds"),
    ],
)
def test_a_value_with_which_the_shop_cannot_work_is_refused_by_name(name: str, value: str) -> None:
    assert named(refused(SOUND, **{name: value})) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen_port", "eighty"),
        ("listen_port", ""),
        ("listen_port", "80.5"),
        ("debug", "perhaps"),
        ("debug", ""),
        ("work_lease_seconds", "long"),
        ("fulfiller_by_protection", "watermark"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(name: str, value: str) -> None:
    assert named(refused(SOUND, **{name: value})) == {name}


def test_an_empty_house_hears_of_everything_at_once() -> None:
    assert named(refused({})) >= {"public_base_url", "secret_keys", "stripe_secret_key", "stripe_webhook_secrets"}


def test_all_problems_are_told_at_once_of_whatever_sort() -> None:
    problems = refused(
        PRODUCTION, debug="true", secret_keys="", support_email="nobody", stripe_secret_key="", mail_starttls="false"
    )
    assert named(problems) == {"debug", "secret_keys", "support_email", "stripe_secret_key", "mail_starttls"}
    assert named(refused(SOUND, listen_port="eighty", debug="perhaps", mail_port="x")) == {
        "listen_port",
        "debug",
        "mail_port",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_keys", "please-change-me-0123456789-abcdefgh"),
        ("watermark_secret", "please-change-me-0123456789-abcdefgh"),
        ("secret_keys", KEY[:31]),
        ("stripe_secret_key", "pk_live_0123456789abcdef"),
        ("stripe_webhook_secrets", "whsec_short"),
        ("glassboxx_base_url", "http://server.example.org"),
    ],
)
def test_a_refusal_never_tells_a_secret(name: str, value: str) -> None:
    told = "\n".join(refused(SOUND | GLASSBOXX, **{name: value}))
    secrets = {value, *SOUND.values(), GLASSBOXX["glassboxx_password"]} - {SOUND["public_base_url"]}
    assert not [secret for secret in secrets if secret in told and secret != "http://server.example.org"]


# -- Where a value comes from ------------------------------------------------------------------------------------


def write(folder: Path, content: str | bytes) -> dict[str, str]:
    path = folder / "settings.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {"FRONTLIST_CONFIG": str(path)}


FILE = f"""
public_base_url = "https://file.example.org"
secret_keys = ["{OTHER_KEY}", "{KEY}"]
stripe_secret_key = "sk_test_from_a_file"
stripe_webhook_secrets = ["whsec_0123456789abcdef0123"]
watermark_secret = "{WATERMARK}"
listen_port = 9000
work_lease_seconds = 60
fulfiller_by_protection = {{ "02" = "watermark" }}
"""


def test_the_environment_beats_the_file_and_the_file_beats_the_default(tmp_path: Path) -> None:
    environ = write(tmp_path, FILE)
    from_file = load(environ)
    assert (from_file.listen_port, from_file.host) == (9000, "file.example.org")
    assert (from_file.mail_port, from_file.currency) == (2525, "GBP")
    assert from_file.secret_keys == (OTHER_KEY, KEY)
    assert from_file.fulfiller_by_protection == {"02": "watermark"}
    over = load({**environ, "FRONTLIST_LISTEN_PORT": "9001", "FRONTLIST_PUBLIC_BASE_URL": "https://env.example.org"})
    assert (over.listen_port, over.host) == (9001, "env.example.org")
    assert over.work_lease_seconds == 60


def test_text_from_the_environment_becomes_what_the_setting_is() -> None:
    found = started(
        SOUND,
        debug="TRUE",
        mail_starttls="1",
        glassboxx_resend_unknown="false",
        listen_port="9001",
        work_lease_seconds="12.5",
        secret_keys=f" {OTHER_KEY} , {KEY} ,",
        fulfiller_by_protection="01=glassboxx, 02=watermark",
    )
    assert (found.debug, found.mail_starttls, found.glassboxx_resend_unknown) == (True, True, False)
    assert (found.listen_port, found.work_lease_seconds) == (9001, 12.5)
    assert found.secret_keys == (OTHER_KEY, KEY)
    assert found.fulfiller_by_protection == {"01": "glassboxx", "02": "watermark"}


def test_other_peoples_environment_is_let_alone() -> None:
    assert load(
        {f"FRONTLIST_{name.upper()}": value for name, value in SOUND.items()} | {"LISTEN_PORT": "x", "DEBUG": "x"}
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('secret_key = "x"\nlisten_prot = 1', ["'secret_key'", "'listen_prot'"]),
        ("[stripe]\nkey = 1", ["'stripe'"]),
        ("this is not toml", ["settings.toml"]),
        ('shop_name = "unfinished', ["settings.toml"]),
        (b'shop_name = "B\xfccher"', ["settings.toml"]),
        ("listen_port = [1]", ["listen_port"]),
        ("secret_keys = 5", ["secret_keys"]),
        ("secret_keys = [1234567890]", ["secret_keys"]),
        ("fulfiller_by_protection = 3", ["fulfiller_by_protection"]),
    ],
    ids=str,
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, line: str | bytes, words: list[str]) -> None:
    with pytest.raises(UnsafeSettingsError) as caught:
        load(write(tmp_path, line))
    assert not [word for word in words if word not in str(caught.value)]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.toml", tmp_path):
        with pytest.raises(UnsafeSettingsError, match="FRONTLIST_CONFIG") as caught:
            load({"FRONTLIST_CONFIG": str(path)})
        assert str(path) in str(caught.value)


def test_the_defaults_name_every_setting_once_with_a_value_of_its_kind() -> None:
    defaults = tomllib.loads((assets("config") / "default.toml").read_text("utf-8"))
    assert set(defaults) == {field.name for field in fields(Settings)}
    assert not defaults["secret_keys"]
    assert not defaults["stripe_webhook_secrets"]
    assert not defaults["public_base_url"]
    assert defaults["environment"] == "development"
    assert defaults["debug"] is False


# -- What follows from them --------------------------------------------------------------------------------------


def test_settings_do_not_change_while_the_shop_is_open() -> None:
    settings = started(SOUND)
    with pytest.raises(FrozenInstanceError):
        settings.debug = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "host", "secure", "livemode"),
    [
        ({}, "books.example.org", True, False),
        ({"public_base_url": "https://books.example.org:8443"}, "books.example.org", True, False),
        ({"public_base_url": "HTTPS://Books.example.org"}, "books.example.org", True, False),
        ({"public_base_url": "http://127.0.0.1:8000"}, "127.0.0.1", False, False),
        ({"stripe_secret_key": "sk_live_0123456789abcdef"}, "books.example.org", True, True),
        ({"stripe_secret_key": "rk_live_0123456789abcdef"}, "books.example.org", True, True),
        ({"stripe_secret_key": "rk_test_0123456789abcdef"}, "books.example.org", True, False),
    ],
)
def test_the_address_and_the_key_tell_host_safety_and_real_money(
    changes: dict[str, str],
    host: str,
    secure: bool,
    livemode: bool,
) -> None:
    settings = started(SOUND, **changes)
    assert (settings.host, settings.is_secure, settings.livemode) == (host, secure, livemode)
