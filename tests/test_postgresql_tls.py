"""PostgreSQL by TLS: the certificate is verified as the address asks, for the warehouse and for the state database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.collection import Collection, Column
from framework.warehouse import Commit, WarehouseError
from state import State
from state.errors import StateError
from tests import postgres, tls
from warehouse_loader import open_warehouse

THINGS = Collection("things", columns=(Column("id", "text"),))
OTHERS = ("another's root", "another host's certificate")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of one server: as it should be, with a root that did not sign, with a certificate of another host."""
    folder, server = tmp_path_factory.mktemp("tls"), postgres.server(16)
    root, served = tls.authority(folder, "ours", "127.0.0.1")
    foreign, elsewhere = tls.authority(folder, "foreign", "db.example")
    with tls.gate(served, server.port) as port, tls.gate(elsewhere, server.port) as other:
        plain = postgres.new_database(16)
        yield {
            name: plain.replace(f":{server.port}/", f":{at}/") + f"?sslmode=verify-full&sslrootcert={roots}"
            for name, at, roots in (("ours", port, root), (OTHERS[0], port, foreign), (OTHERS[1], other, foreign))
        }


def test_a_warehouse_whose_certificate_is_right_is_written_and_read(addresses: dict[str, str], tmp_path: Path) -> None:
    house = open_warehouse(addresses["ours"], "shop", [THINGS], scratch=tmp_path)
    assert house.commit(Commit(tables=(THINGS,))).tables.keys() == {"things"}
    assert house.load().tables.keys() == {"things"}
    safe = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'catchment'"
    assert postgres.ask(addresses["ours"], safe) == [(1,)]


@pytest.mark.parametrize("name", OTHERS)
def test_a_warehouse_whose_certificate_is_wrong_is_not_opened(
    addresses: dict[str, str], tmp_path: Path, name: str
) -> None:
    with pytest.raises(WarehouseError, match=r"certificate|does not match") as caught:
        open_warehouse(addresses[name], "shop", [THINGS], scratch=tmp_path).load()
    assert caught.value.kind == "config"
    assert "sslrootcert" in caught.value.hint
    assert "secret" not in str(caught.value)


def test_so_it_is_with_the_state_database(addresses: dict[str, str], tmp_path: Path) -> None:
    with State.open(addresses["ours"], tmp_path) as state:
        state.documents.put("here", b"kept")
        assert state.documents.get("here") == b"kept"
    for name in OTHERS:
        with pytest.raises(StateError, match=r"certificate|does not match") as caught:
            State.open(addresses[name], tmp_path)
        assert "sslrootcert" in caught.value.hint
