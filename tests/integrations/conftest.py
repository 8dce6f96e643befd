"""What the tests of the integrations share."""

from collections.abc import Iterator

import pytest

from tests.contract.exchanges import errors_of
from tests.integrations.stripe_sandbox import Letterbox, Sandbox


@pytest.fixture(scope="module")
def box() -> Iterator[Letterbox]:
    box = Letterbox()
    yield box
    box.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, box: Letterbox) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("stripe") / "stripe.db", box)
    yield sandbox
    errors = errors_of(sandbox.url)
    sandbox.stop()
    assert errors == []
