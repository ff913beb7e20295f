"""The control port of this imitation: what it tells and what it can be ordered to do, beside what all can."""

from collections.abc import Iterator
from typing import Any

import msgspec

from catchment.imitations import control
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.bulk import Bulk
from catchment.imitations.stripe.life import live
from catchment.imitations.stripe.server import Server
from catchment.imitations.stripe.shelf import encode


class Control(control.Control):
    """Adds GET /count and POST /live /limit /age /reveal.

    /reveal {object_type, field, among: all, some, new or few}: objects show a field more from now on.
    """

    def __init__(self, server: Server, account: Account | Bulk) -> None:
        self.account = account
        self.limits = server.throttle
        super().__init__(
            server,
            self.objects,
            {"/count": lambda: {"objects": account.count()}},
            {"/live": self._live, "/limit": self._limit, "/age": self._age, "/reveal": self._reveal},
        )

    def objects(self) -> Iterator[bytes]:
        """One JSON line per object: `object_type`, `parent`, `deleted_at` (null while live) and the object itself."""
        if isinstance(self.account, Bulk):
            for object_type, table in self.account.tables.items():
                for number in range(table.rows):
                    yield _truth(object_type, None, None, msgspec.Raw(self.account.render(object_type, number)))
            return
        for object_type, payload, parent in self.account.walk():
            yield _truth(object_type, parent, None, payload)
        for (object_type, _), gone in list(self.account.deleted.items()):
            yield _truth(object_type, gone.parent, gone.deleted_at, gone.object)

    def _live(self, given: dict[str, Any]) -> Any:
        if isinstance(self.account, Bulk):
            raise ValueError("a bulk account does not live: POST /age changes all its rows")
        return dict(
            live(
                self.account,
                int(given.get("seed", 0)),
                int(given.get("steps", 100)),
                pace=float(given.get("pace", 1.0)),
            )
        )

    def _limit(self, given: dict[str, Any]) -> Any:
        self.limits.per_second = given.get("per_second")
        self.limits.per_endpoint = given.get("per_endpoint")
        return {}

    def _reveal(self, given: dict[str, Any]) -> Any:
        if isinstance(self.account, Bulk):
            raise ValueError("the rows of a bulk account have the fields they have")
        self.account.reveal(str(given["object_type"]), str(given["field"]), given.get("among", "all"))
        return {}

    def _age(self, _: dict[str, Any]) -> Any:
        if isinstance(self.account, Account):
            raise ValueError("only a bulk account ages: POST /live changes some rows of this one")
        return {"generation": self.account.age()}


def _truth(object_type: str, parent: tuple[str, str, str] | None, deleted_at: int | None, payload: Any) -> bytes:
    home = None if parent is None else {"object_type": parent[0], "id": parent[1], "field": parent[2]}
    return encode({"object_type": object_type, "parent": home, "deleted_at": deleted_at, "object": payload}) + b"\n"
