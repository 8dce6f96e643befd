"""The outside: the integrations that the settings name. The only module that knows a concrete one.

It stands apart from the pages (`app`) and the worker (`worker`), so that whoever needs neither does not wait for them.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from integrations.covers import CoverHosts
from integrations.files import Folder
from integrations.glassboxx import Glassboxx
from integrations.mail import SmtpMailer
from integrations.stripe_gateway import StripeGateway
from integrations.watermark import Watermark
from shop.db import Database
from shop.library.links import Links
from shop.services import Services, Shop, utc_now

if TYPE_CHECKING:
    from shop.library.fulfilment import Fulfiller
    from shop.settings import Settings


def connect(settings: Settings) -> Shop:
    """Put the shop together from its settings, with the real outside."""
    return Shop(settings, Database(settings.database_url), utc_now, services_of(settings))


def services_of(settings: Settings) -> Services:
    """The outside that the settings name."""
    files = Folder(Path(settings.files_dir))
    fulfillers: dict[str, Fulfiller] = {"watermark": Watermark(files, settings.watermark_secret)}
    if settings.glassboxx_base_url:
        fulfillers["glassboxx"] = Glassboxx(
            settings.glassboxx_base_url,
            settings.glassboxx_username,
            settings.glassboxx_password,
            settings.glassboxx_vendor_id,
            check_path=settings.glassboxx_check_path,
            timeout=settings.glassboxx_timeout_seconds,
        )
    return Services(
        gateway=StripeGateway(settings.stripe_secret_key, settings.stripe_webhook_secrets, settings.stripe_api_base),
        fulfillers=fulfillers,
        files=files,
        pictures=CoverHosts(settings.cover_hosts),
        mailer=SmtpMailer(
            settings.mail_host,
            settings.mail_port,
            settings.mail_username,
            settings.mail_password,
            settings.mail_from,
            settings.support_email,
            starttls=settings.mail_starttls,
        ),
        links=Links(settings.secret_keys, settings.public_base_url, timedelta(days=settings.access_link_days)),
    )
