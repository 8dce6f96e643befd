"""Stripe's own command line rehearses its fixtures at the sandbox: what it asks for, and what it expects to follow."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests import npm
from tests.contract.exchanges import errors_of
from tests.integrations.stripe_sandbox import KEY, Letterbox, Sandbox, until

PACKAGE = "@stripe/cli@1.52.0"
TRIGGERS = [
    ("checkout.session.completed", ("charge.succeeded", "payment_intent.succeeded", "checkout.session.completed")),
    ("checkout.session.expired", ("checkout.session.expired",)),
    (
        "checkout.session.async_payment_succeeded",
        ("payment_intent.succeeded", "checkout.session.async_payment_succeeded"),
    ),
    (
        "checkout.session.async_payment_failed",
        ("payment_intent.payment_failed", "checkout.session.async_payment_failed"),
    ),
    ("payment_intent.created", ("payment_intent.created",)),
    ("payment_intent.succeeded", ("charge.succeeded", "payment_intent.succeeded")),
    ("payment_intent.payment_failed", ("charge.failed", "payment_intent.payment_failed")),
    ("payment_intent.canceled", ("payment_intent.canceled",)),
    ("payment_intent.amount_capturable_updated", ("payment_intent.amount_capturable_updated",)),
    ("payment_intent.requires_action", ("payment_intent.requires_action",)),
    ("payment_intent.processing", ("payment_intent.processing",)),
    ("charge.succeeded", ("charge.succeeded",)),
    ("charge.failed", ("charge.failed",)),
    ("charge.captured", ("charge.captured", "payment_intent.succeeded")),
    ("charge.refunded", ("charge.refunded", "refund.created")),
    ("charge.refund.updated", ("charge.refund.updated",)),
    ("charge.dispute.created", ("charge.dispute.created",)),
    ("charge.dispute.updated", ("charge.dispute.updated",)),
    ("charge.dispute.closed", ("charge.dispute.closed",)),
    ("payout.created", ("payout.created",)),
    ("payout.updated", ("payout.updated",)),
    ("setup_intent.created", ("setup_intent.created",)),
    ("setup_intent.succeeded", ("setup_intent.succeeded",)),
    ("setup_intent.canceled", ("setup_intent.canceled",)),
    ("setup_intent.setup_failed", ("setup_intent.setup_failed",)),
    ("setup_intent.requires_action", ("setup_intent.requires_action",)),
    ("payment_method.attached", ("payment_method.attached",)),
    ("payment_method.detached", ("payment_method.detached",)),
    ("customer.updated", ("customer.created", "customer.updated")),
    ("reporting.report_run.succeeded", ("reporting.report_run.succeeded",)),
]
"""What the command can be asked to bring about, and the events that must follow."""


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stripe's program, from npm; its install scripts are not needed."""
    modules = npm.bring(tmp_path_factory.mktemp("npm"), PACKAGE)
    return next((modules / "@stripe").glob("cli-*/bin/stripe"))


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory, box: Letterbox) -> Iterator[Sandbox]:
    """A sandbox for the command line alone."""
    sandbox = Sandbox(tmp_path_factory.mktemp("stripe") / "stripe.db", box)
    yield sandbox
    errors = errors_of(sandbox.url)
    sandbox.stop()
    assert errors == []


def trigger(command_line: Path, sandbox: Sandbox, name: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [str(command_line), "trigger", name, "--api-base", sandbox.url, "--api-key", KEY]
    environment = {**os.environ, "STRIPE_CLI_TELEMETRY_OPTOUT": "1", "XDG_CONFIG_HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)


@pytest.mark.parametrize(("name", "expected"), TRIGGERS, ids=[name for name, _ in TRIGGERS])
def test_the_official_command_line_brings_an_event_about(
    command_line: Path, rehearsal: Sandbox, tmp_path: Path, name: str, expected: tuple[str, ...]
) -> None:
    known = {event["id"] for event in events(rehearsal)}

    told = trigger(command_line, rehearsal, name, tmp_path)

    assert "Trigger succeeded!" in told.stdout + told.stderr, told.stdout + told.stderr
    until(lambda: set(expected) <= {event["type"] for event in events(rehearsal) if event["id"] not in known})


def events(sandbox: Sandbox) -> list[Any]:
    told: list[Any] = requests.get(f"{sandbox.url}/_sandbox/objects/event", timeout=5).json()["data"]
    return told


def test_what_is_not_simulated_is_refused_by_name(command_line: Path, rehearsal: Sandbox, tmp_path: Path) -> None:
    told = trigger(command_line, rehearsal, "payment_intent.partially_funded", tmp_path)

    assert "The sandbox does not simulate payment_method_" in told.stdout + told.stderr
