"""Mail over SMTP: one connection a letter, so that what the server said is known of each."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING

from shop.services import RefusedError, UnavailableError, UnknownOutcomeError

if TYPE_CHECKING:
    from shop.mail import Letter

PERMANENT = 500


class SmtpMailer:
    """Hands letters to an SMTP server."""

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        password: str,
        sender: str,
        reply_to: str,
        *,
        starttls: bool,
    ) -> None:
        """Send as `sender`; answers go to a person at `reply_to`."""
        self._host, self._port, self._starttls = host, port, starttls
        self._login = (username, password) if username else None
        self._sender, self._reply_to = sender, reply_to

    def send(self, letter: Letter) -> None:
        """Hand one letter over; see the port for what may go wrong."""
        message = self._message(letter)
        try:
            connection = smtplib.SMTP(self._host, self._port, timeout=20)
        except (OSError, smtplib.SMTPException) as error:
            raise UnavailableError(f"the mail server cannot be reached: {type(error).__name__}") from error
        try:
            self._greet(connection)
            connection.send_message(message)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused, smtplib.SMTPHeloError) as error:
            # Our own trouble, not the reader's address: the letter waits until somebody has mended it.
            raise UnavailableError(f"the mail server does not take us: {error.smtp_code}") from error
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise (RefusedError if code >= PERMANENT else UnavailableError)(
                f"the address was not accepted ({code})"
            ) from error
        except smtplib.SMTPResponseException as error:
            raise (RefusedError if error.smtp_code >= PERMANENT else UnavailableError)(
                f"the mail server answered {error.smtp_code}"
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            raise RefusedError("the mail server takes no address with letters beyond ASCII") from error
        except (OSError, smtplib.SMTPException) as error:
            raise UnknownOutcomeError(f"the mail server went silent: {type(error).__name__}") from error
        finally:
            connection.close()

    def _greet(self, connection: smtplib.SMTP) -> None:
        connection.ehlo()
        try:
            if self._starttls:
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
            if self._login:
                connection.login(*self._login)
        except smtplib.SMTPNotSupportedError as error:
            raise UnavailableError(f"the mail server cannot do what the settings ask of it: {error}") from error

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, letter.to, letter.subject
        message["Reply-To"], message["Date"] = self._reply_to, formatdate()
        message["Message-ID"] = f"<{letter.message_id}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        for name, kind, content in letter.attachments:
            main, _, sub = kind.partition("/")
            message.add_attachment(content, maintype=main, subtype=sub, filename=name)
        return message
