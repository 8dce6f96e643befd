"""Settings: frozen, read from `config/` and the environment, and refused by name where they are unsafe."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints
from urllib.parse import SplitResult, urlsplit

from babel.numbers import is_currency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST_SECRET = 32
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
WORN_OUT = ("change", "default", "secret-key", "example", "xxxx", "test-secret", "password")


BOUNDS: dict[str, tuple[float, float]] = {
    "bundle_percent_off": (0, 90),
    "glassboxx_timeout_seconds": (0.1, 600),
    "provider_check_seconds": (1, 86400),
    "provider_recheck_seconds": (1, 86400),
    "provider_state_max_age_seconds": (1, 30 * 86400),
    "mail_port": (1, 65535),
    "access_link_days": (1, 36500),
    "download_limit": (1, 10000),
    "work_lease_seconds": (0.001, 86400),
    "work_max_attempts": (1, 100000),
    "work_idle_seconds": (0.001, 3600),
    "sweep_seconds": (1, 86400),
    "ledger_seconds": (1, 86400),
    "notify_seconds": (1, 86400),
    "onix_upload_megabytes": (1, 4096),
    "listen_port": (1, 65535),
    "server_processes": (1, 1024),
    "server_threads": (1, 1024),
    "trusted_proxies": (0, 16),
    "thanks_wait_seconds": (0, 30),
}
"""With a number outside of these the shop cannot work."""


class UnsafeSettingsError(Exception):
    """The settings will not do; each line names one and says what to do."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the problems, one sentence each."""
        super().__init__("The shop will not start:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


def assets(name: str) -> Path:
    """Where `templates` or `config` is: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / f"_{name}"
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


@dataclass(frozen=True, slots=True)
class Settings:
    """What `config/default.toml` lists and explains, one attribute a line."""

    environment: str
    debug: bool
    shop_name: str
    seller: str
    product_safety_contact: str
    support_email: str
    public_base_url: str
    secret_keys: tuple[str, ...]
    currency: str
    bundle_percent_off: int
    database_url: str
    files_dir: str
    cover_hosts: tuple[str, ...]
    stripe_secret_key: str
    stripe_webhook_secrets: tuple[str, ...]
    stripe_api_base: str
    stripe_checkout_origin: str
    glassboxx_base_url: str
    glassboxx_username: str
    glassboxx_password: str
    glassboxx_vendor_id: str
    glassboxx_check_path: str
    glassboxx_timeout_seconds: float
    glassboxx_resend_unknown: bool
    provider_check_seconds: int
    provider_recheck_seconds: int
    provider_state_max_age_seconds: int
    fulfiller_by_protection: dict[str, str]
    watermark_secret: str
    mail_host: str
    mail_port: int
    mail_username: str
    mail_password: str
    mail_starttls: bool
    mail_from: str
    access_link_days: int
    download_limit: int
    digital_card_country: str
    work_lease_seconds: float
    work_max_attempts: int
    work_idle_seconds: float
    sweep_seconds: int
    ledger_seconds: int
    notify_seconds: int
    onix_upload_megabytes: int
    listen_host: str
    listen_port: int
    server_processes: int
    server_threads: int
    trusted_proxies: int
    accel_prefix: str
    thanks_wait_seconds: float

    @property
    def host(self) -> str:
        """The host name readers use, without a port."""
        return urlsplit(self.public_base_url).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether readers reach us by https."""
        return urlsplit(self.public_base_url).scheme == "https"

    @property
    def livemode(self) -> bool:
        """Whether payments are real money."""
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the defaults, the operator's file and the environment, in that order, and refuse what is unsafe.

    Raises:
        UnsafeSettingsError: with every problem found, not only the first.
    """
    values = _merged(environ)
    settings = Settings(**values)
    problems = list(_unsafe(settings))
    if problems:
        raise UnsafeSettingsError(problems)
    return settings


def _merged(environ: Mapping[str, str]) -> dict[str, Any]:
    values = tomllib.loads((assets("config") / "default.toml").read_text("utf-8"))
    if named := environ.get("FRONTLIST_CONFIG"):
        values |= _from_file(Path(named), known=set(values))
    for name in list(values):
        if (text := environ.get(f"FRONTLIST_{name.upper()}")) is not None:
            values[name] = text
    hints, typed, problems = get_type_hints(Settings), {}, []
    for field in fields(Settings):
        try:
            typed[field.name] = _typed(field.name, hints[field.name], values[field.name])
        except UnsafeSettingsError as error:
            problems += error.problems
    if problems:
        raise UnsafeSettingsError(problems)
    return typed


def _from_file(path: Path, known: set[str]) -> dict[str, Any]:
    if not path.is_file():
        raise UnsafeSettingsError([f"FRONTLIST_CONFIG names {path}, which is not a file."])
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnsafeSettingsError([f"{path}: {error}."]) from error
    if unknown := sorted(set(values) - known):
        raise UnsafeSettingsError([f"{path}: there is no setting called {name!r}." for name in unknown])
    return values


def _typed(name: str, kind: Any, value: Any) -> Any:
    try:
        if kind is bool and isinstance(value, str):
            return {"true": True, "1": True, "false": False, "0": False}[value.lower()]
        if kind == tuple[str, ...]:
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(part.strip() for part in parts if part.strip())
        if kind == dict[str, str]:
            return dict(_pair(part) for part in value.split(",")) if isinstance(value, str) else dict(value)
        return kind(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnsafeSettingsError([f"{name}: {value!r} is not a {getattr(kind, '__name__', kind)}."]) from None


def _pair(text: str) -> tuple[str, str]:
    name, value = text.split("=", 1)
    return name.strip(), value.strip()


def _unsafe(settings: Settings) -> Iterator[str]:
    yield from _unsafe_addresses(settings)
    yield from _unsafe_secrets(settings)
    yield from _unsafe_glassboxx(settings)
    yield from _unsafe_stripe(settings)
    yield from _unsafe_choices(settings)
    yield from _unsafe_numbers(settings)
    if settings.environment == "production":
        yield from _unsafe_in_production(settings)


def _unsafe_addresses(settings: Settings) -> Iterator[str]:
    address = _address(settings.public_base_url)
    if not settings.public_base_url:
        yield "public_base_url is empty: name the address at which readers find the shop."
    elif address.scheme not in {"http", "https"} or not address.hostname or not _is_bare(address):
        yield "public_base_url must be a scheme and a host, such as https://books.example.org."
    elif address.scheme == "http" and address.hostname not in LOOPBACK:
        yield "public_base_url must be https, except on this machine itself."
    if settings.glassboxx_base_url and not _is_https_or_loopback(settings.glassboxx_base_url):
        yield "glassboxx_base_url must be https, except on this machine itself."
    for host in settings.cover_hosts:
        if host != host.lower() or "/" in host or "@" in host:
            yield f"cover_hosts holds {host!r}; a host is named like covers.example.org, in small letters."


def _unsafe_secrets(settings: Settings) -> Iterator[str]:
    if not settings.secret_keys:
        yield "secret_keys is empty: make one with `frontlist secret` and keep it out of version control."
    for key in settings.secret_keys:
        if len(key) < SHORTEST_SECRET:
            yield f"secret_keys holds a key of {len(key)} characters; {SHORTEST_SECRET} are the least."
        elif _is_guessable(key):
            yield "secret_keys holds a key that anybody would guess: make one with `frontlist secret`."
    if "watermark" in settings.fulfiller_by_protection.values() and _is_weak(settings.watermark_secret):
        yield "watermark_secret is empty, short or guessable: make one with `frontlist secret`, and keep it for good."
    if not settings.stripe_webhook_secrets:
        yield "stripe_webhook_secrets is empty: with no signing secret anybody could report a payment."
    if any(len(secret) < len("whsec_") + 12 for secret in settings.stripe_webhook_secrets):
        yield "stripe_webhook_secrets holds a secret too short to be one of Stripe's."


def _unsafe_glassboxx(settings: Settings) -> Iterator[str]:
    if settings.glassboxx_base_url:
        for name in ("glassboxx_username", "glassboxx_password", "glassboxx_vendor_id"):
            if not getattr(settings, name):
                yield f"{name} is empty though glassboxx_base_url is set."


def _unsafe_stripe(settings: Settings) -> Iterator[str]:
    if not settings.stripe_secret_key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
        yield "stripe_secret_key is not a Stripe secret key (sk_test_… or sk_live_…)."
    if not settings.stripe_api_base:
        return
    if settings.livemode:
        yield "stripe_secret_key is a live key while stripe_api_base names a rehearsal: never both."
    if _address(settings.stripe_api_base).hostname not in LOOPBACK:
        yield "stripe_api_base may only be an address on this machine."


def _unsafe_choices(settings: Settings) -> Iterator[str]:
    if settings.environment not in {"development", "production"}:
        yield "environment must be development or production."
    if settings.digital_card_country not in {"refund", "record"}:
        yield "digital_card_country must be refund or record."
    if "@" not in settings.support_email:
        yield "support_email must be an e-mail address: readers are told to write to it."


def _unsafe_numbers(settings: Settings) -> Iterator[str]:
    if not is_currency(settings.currency):
        yield "currency must be a code of ISO 4217, in capitals, such as GBP."
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(settings, name) <= most:
            yield f"{name} must be between {least} and {most}."


def _unsafe_in_production(settings: Settings) -> Iterator[str]:
    if settings.debug:
        yield "debug is on in production: it shows secrets to anybody."
    if not settings.is_secure:
        yield "public_base_url must be https in production."
    if settings.stripe_api_base:
        yield "stripe_api_base must be empty in production."
    if not settings.livemode:
        yield "stripe_secret_key is a test key in production: anybody could have books for nothing."
    if not settings.mail_starttls and settings.mail_host not in LOOPBACK:
        yield "mail_starttls must be on in production: mails carry links to what was bought."


def _is_weak(secret: str) -> bool:
    return len(secret) < SHORTEST_SECRET or _is_guessable(secret)


def _is_guessable(secret: str) -> bool:
    return len(set(secret)) < SHORTEST_SECRET // 4 or any(word in secret.lower() for word in WORN_OUT)


def _address(url: str) -> SplitResult:
    """A parsed address; an empty one where it cannot be parsed, which no rule lets pass."""
    try:
        address = urlsplit(url)
        _ = address.port
    except ValueError:
        return urlsplit("")
    return address


def _is_bare(address: SplitResult) -> bool:
    return address.path in {"", "/"} and not (address.query or address.fragment or "@" in address.netloc)


def _is_https_or_loopback(url: str) -> bool:
    address = _address(url)
    return address.scheme == "https" or address.hostname in LOOPBACK
