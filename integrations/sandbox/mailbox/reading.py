"""A message as a reader sees it: its text, its HTML, its attachments, its headers."""

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.sandbox.mailbox.store import StoredMessage


@dataclass(frozen=True)
class Attachment:
    """One file that came with a message."""

    name: str
    content_type: str
    octets: bytes

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self.octets)


class Letter:
    """A stored message, opened."""

    def __init__(self, stored: "StoredMessage") -> None:
        self.stored = stored
        self._message = message_from_bytes(stored.raw, _class=EmailMessage, policy=modern)

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self._message.get("Subject", ""))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Every header, decoded, in order; one may come twice."""
        return [(name, str(value)) for name, value in self._message.items()]

    @cached_property
    def text(self) -> str:
        """The plain text, or nothing."""
        return body(self._message, "plain")

    @cached_property
    def html(self) -> str:
        """The HTML, or nothing."""
        return body(self._message, "html")

    @cached_property
    def attachments(self) -> list[Attachment]:
        """The attached files, in order."""
        return [opened(part, place) for place, part in enumerate(self._message.iter_attachments(), start=1)]

    def described(self) -> dict[str, Any]:
        """Return the whole letter as JSON can hold it; attachments without their bytes."""
        return {
            "id": self.stored.id,
            "received_at": self.stored.received_at,
            "envelope_from": self.stored.sender,
            "envelope_to": list(self.stored.recipients),
            "subject": self.subject,
            "message_id": self.stored.message_id,
            "copies": self.stored.copies,
            "text": self.text,
            "html": self.html,
            "attachments": [attachment.name for attachment in self.attachments],
            "headers": dict(self.headers),
        }


def body(message: EmailMessage, kind: str) -> str:
    """Return the body of one kind with plain line ends, or nothing if there is none."""
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def opened(part: EmailMessage, place: int) -> Attachment:
    """Return one attachment; a nameless one is called by its place."""
    # A name that was folded in the header may still hold a line end, which no header of ours could carry.
    name = " ".join((part.get_filename() or f"attachment-{place}").split())
    return Attachment(name, part.get_content_type(), content(part))


def content(part: EmailMessage) -> bytes:
    """Return the bytes of a part, be it a file or a whole message."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()
