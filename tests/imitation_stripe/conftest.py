"""Fixtures: an imitated account as it is after a while, for reading, and a small one of a test's own."""

from collections.abc import Iterator

import pytest

from catchment.imitations.stripe import Account, Server, generate, live
from tests.imitation_stripe import NOW, Client, serve


@pytest.fixture(scope="package")
def lived() -> Account:
    """A generated account that has lived for a while; tests only read it."""
    account = generate(5, objects=2_500)
    live(account, 5, 90)
    return account


@pytest.fixture(scope="package")
def shown(lived: Account) -> Iterator[Client]:
    for _, client in serve(lived):
        yield client


@pytest.fixture
def account() -> Account:
    """A small account for one test, at a fixed moment."""
    return Account(seed=1, now=NOW)


@pytest.fixture
def pair(account: Account) -> Iterator[tuple[Server, Client]]:
    yield from serve(account)
