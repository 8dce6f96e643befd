"""Stories about the mailbox, told to the real process over real SMTP and HTTP."""

import signal
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mailbox:
    """A client of both doors."""

    def __init__(self, port: int, smtp_port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.smtp_port = smtp_port

    def send(self, letter: EmailMessage, *, to: str | list[str] = "ada@example.org") -> dict[str, Any]:
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=PATIENCE_SECONDS) as door:
            return door.send_message(letter, from_addr="shop@example.org", to_addrs=to)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.address}{path}", timeout=PATIENCE_SECONDS)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.address}/_sandbox/{path}", json=body, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def messages(self, to: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"messages?to={to}")
        return found

    def newest(self) -> str:
        return f"/messages/{self.messages()[0]['id']}"


@contextmanager
def running(db: Path) -> Iterator[Mailbox]:
    """Run the mailbox until the block ends."""
    mailbox = Mailbox(free_port(), free_port())
    port = mailbox.address.rpartition(":")[2]
    command = [sys.executable, "-m", "integrations.sandbox.mailbox", "--quiet", "--db", str(db)]
    command += ["--port", port, "--smtp-port", str(mailbox.smtp_port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        try:
            ready = f"Mailbox on {mailbox.address} (SMTP 127.0.0.1:{mailbox.smtp_port})\n"
            assert program.stdout.readline() == ready
            yield mailbox
        finally:
            program.send_signal(signal.SIGTERM)
            assert program.wait(PATIENCE_SECONDS) == 0
            assert program.stderr.read() == ""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running(tmp_path_factory.mktemp("mailbox") / "mail.db") as found:
        yield found


@pytest.fixture
def mailbox(process: Mailbox) -> Mailbox:
    """An empty mailbox in which nothing bounces."""
    for what in ("messages", "bounces", "faults"):
        process.control("DELETE", what)
    return process


def letter(**headers: str) -> EmailMessage:
    """Return an order mail: text, HTML and one attachment."""
    written = EmailMessage()
    for name, value in {
        "From": "Frontlist <shop@example.org>",
        "To": "Ada <ada@example.org>",
        "Subject": "Your books: “Exit Stalin” & more",
        "Message-ID": "<order-1@example.org>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }.items():
        written[name] = value
    written.set_content("Dear Ada,\nread it at http://127.0.0.1:5000/library/abc?x=1&y=2.\n<3\n")
    written.add_alternative("<h1>Dear Ada</h1><script>alert(1)</script>", subtype="html")
    written.add_attachment(b"%PDF-1.7 receipt", maintype="application", subtype="pdf", filename="Rechnung für Ada.pdf")
    return written


def test_a_letter_arrives_with_envelope_text_html_and_attachment(mailbox: Mailbox) -> None:
    mailbox.send(letter(), to=["ada@example.org", "archive@example.org"])
    (found,) = mailbox.messages()
    assert found["envelope_from"] == "shop@example.org"
    assert found["envelope_to"] == ["ada@example.org", "archive@example.org"]
    assert found["subject"] == "Your books: “Exit Stalin” & more"
    assert found["message_id"] == "<order-1@example.org>"
    assert found["text"].startswith("Dear Ada,\nread it at http://")
    assert found["html"].startswith("<h1>Dear Ada</h1>")
    assert found["attachments"] == ["Rechnung für Ada.pdf"]
    assert found["headers"]["To"] == "Ada <ada@example.org>"


def test_letters_are_found_by_any_spelling_of_an_envelope_address(mailbox: Mailbox) -> None:
    mailbox.send(letter(), to="Ada@Example.org")
    mailbox.send(letter(), to="bob@example.org")
    assert [found["envelope_to"] for found in mailbox.messages("ada@example.ORG")] == [["Ada@Example.org"]]


def test_the_newest_letter_stands_first(mailbox: Mailbox) -> None:
    for subject in ("first", "second"):
        mailbox.send(letter(Subject=subject))
    assert [found["subject"] for found in mailbox.messages()] == ["second", "first"]
    page = mailbox.get("/").text
    assert page.index("second") < page.index("first")
    assert "Rechnung für Ada.pdf" in page


def test_the_page_of_a_letter_shows_it_whole_and_links_its_addresses(mailbox: Mailbox) -> None:
    mailbox.send(letter())
    page = mailbox.get(mailbox.newest()).text
    assert "Your books: “Exit Stalin” &amp; more" in page
    assert '<a href="http://127.0.0.1:5000/library/abc?x=1&amp;y=2" rel="noreferrer">' in page
    assert "&lt;3" in page
    assert "&lt;order-1@example.org&gt;" in page
    assert "<script>" not in page


def test_the_html_of_a_letter_is_shut_in(mailbox: Mailbox) -> None:
    mailbox.send(letter())
    shown = mailbox.get(f"{mailbox.newest()}/html")
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "<h1>Dear Ada</h1>" in shown.text
    assert f'<iframe src="{mailbox.newest()}/html"' in mailbox.get(mailbox.newest()).text


def test_an_attachment_downloads_byte_for_byte(mailbox: Mailbox) -> None:
    mailbox.send(letter())
    file = mailbox.get(f"{mailbox.newest()}/attachments/1")
    assert (file.content, file.headers["Content-Type"]) == (b"%PDF-1.7 receipt", "application/pdf")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert mailbox.get(f"{mailbox.newest()}/attachments/2").status_code == 404


def test_a_letter_that_is_not_there_is_404(mailbox: Mailbox) -> None:
    assert mailbox.get("/messages/999999").status_code == 404


def test_a_plain_letter_needs_neither_html_nor_subject(mailbox: Mailbox) -> None:
    plain = EmailMessage()
    plain.set_content("only this\n")
    mailbox.send(plain)
    (found,) = mailbox.messages()
    assert (found["text"], found["html"], found["subject"], found["message_id"]) == (
        "only this\n",
        "",
        "",
        "",
    )
    assert mailbox.get(mailbox.newest()).status_code == 200


def test_letters_without_a_message_id_are_no_copies_of_each_other(mailbox: Mailbox) -> None:
    for _ in range(2):
        plain = EmailMessage()
        plain.set_content("only this\n")
        mailbox.send(plain)
    assert [found["copies"] for found in mailbox.messages()] == [1, 1]


def test_a_bouncing_address_is_refused_and_the_others_are_not(mailbox: Mailbox) -> None:
    mailbox.control("POST", "bounces", {"address": "Gone@example.org", "code": 550})
    refused = mailbox.send(letter(), to=["gone@example.org", "ada@example.org"])
    assert refused["gone@example.org"][0] == 550
    assert mailbox.messages()[0]["envelope_to"] == ["ada@example.org"]
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mailbox.send(letter(), to="gone@example.org")
    mailbox.control("DELETE", "bounces")
    assert mailbox.send(letter(), to="gone@example.org") == {}


@pytest.mark.parametrize(("fault", "code"), [("refuse", 554), ("tempfail", 451)])
def test_a_letter_is_refused_for_good_or_for_now_and_then_taken(mailbox: Mailbox, fault: str, code: int) -> None:
    mailbox.control("POST", "faults", {"fault": fault, "messages": 2})
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            mailbox.send(letter())
        assert refusal.value.smtp_code == code
    assert mailbox.messages() == []
    mailbox.send(letter())
    assert len(mailbox.messages()) == 1


def test_a_letter_may_be_kept_though_its_sender_was_cut_off(mailbox: Mailbox) -> None:
    mailbox.control("POST", "faults", {"fault": "drop_after_data", "messages": 1})
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        mailbox.send(letter())
    assert [found["copies"] for found in mailbox.messages()] == [1]
    mailbox.send(letter())
    assert [found["copies"] for found in mailbox.messages()] == [2, 2]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"fault": "flood"}),
        ("bounces", {"address": "ada@example.org", "code": 250}),
        ("bounces", {"code": 550}),
    ],
)
def test_a_wish_the_mailbox_does_not_know_is_refused(mailbox: Mailbox, path: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"{mailbox.address}/_sandbox/{path}", json=body, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_letters_outlive_the_process(tmp_path: Path) -> None:
    with running(tmp_path / "mail.db") as before:
        before.send(letter())
    with running(tmp_path / "mail.db") as after:
        assert len(after.messages()) == 1
