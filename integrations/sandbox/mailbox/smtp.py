"""The way in: an SMTP server that keeps messages, unless it was told to fail."""

import asyncio
from email import message_from_bytes
from email.policy import default as modern
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

from integrations.sandbox.mailbox.store import FaultKind, Store

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MESSAGE = 32 * 1024 * 1024
ACCEPTED = "250 OK: message kept"


class Postmaster:
    """Decides on recipients and messages; the hooks' names are aiosmtpd's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: "SMTP", session: "Session", envelope: "Envelope", address: str, rcpt_options: list[str]
    ) -> str:
        """Accept a recipient, unless the address bounces."""
        del server, session, rcpt_options
        code = self._store.find_bounce(address)
        if code is not None:
            return f"{code} {enhanced(code)} <{address}>: recipient address refused"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: "SMTP", session: "Session", envelope: "Envelope"
    ) -> str:
        """Keep the message, or let it meet the fault that waits for it."""
        del session
        fault = await asyncio.to_thread(self._store.find_next_fault)
        if fault == FaultKind.REFUSE:
            return "554 5.7.1 Message refused"
        if fault == FaultKind.TEMPFAIL:
            return "451 4.3.0 Temporary failure, please try again later"
        await asyncio.to_thread(self._keep, envelope)
        if fault == FaultKind.DROP_AFTER_DATA:
            hang_up(server)
        return ACCEPTED

    def _keep(self, envelope: "Envelope") -> None:
        raw = envelope.original_content or b""
        found = message_from_bytes(raw, policy=modern).get("Message-ID", "")
        self._store.keep(str(found).strip(), envelope.mail_from or "", list(envelope.rcpt_tos), raw)


def enhanced(code: int) -> str:
    """Return the enhanced status that fits a reply code (RFC 3463): mailbox trouble, lasting or not."""
    return f"{code // 100}.1.1"


def hang_up(server: "SMTP") -> None:
    """Cut the connection before the sender is told that its message was taken.

    Raises:
        ConnectionResetError: always; it is how the server learns that nobody is there to be answered.
    """
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    raise ConnectionResetError("hung up, as asked")


def make_smtp_server(store: Store, port: int) -> Controller:
    """Return the server, bound to loopback, with a thread of its own once started."""
    return Controller(
        Postmaster(store),
        hostname="127.0.0.1",
        port=port,
        server_hostname="mailbox.localhost",
        data_size_limit=LARGEST_MESSAGE,
        enable_SMTPUTF8=True,
    )
