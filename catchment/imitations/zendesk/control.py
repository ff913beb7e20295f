"""The control port of this imitation: what it tells and what it can be ordered to do, beside what all can."""

from collections.abc import Iterator
from typing import Any

from catchment.imitations import control
from catchment.imitations.zendesk.auth import Grant
from catchment.imitations.zendesk.bulk import Bulk
from catchment.imitations.zendesk.life import live
from catchment.imitations.zendesk.server import Server
from catchment.imitations.zendesk.shelf import Payload, encode


class Control(control.Control):
    """Adds GET /count /limits and POST /live /age /limit /plan /gate /token /revoke /role /reveal.

    /limit {account, per_second, minute, generation or a bucket: number}; /plan {plan}; /gate {path, gate: missing,
    page, title, forbidden or null}; /token {token, role, scopes, expires_in}; /revoke {token}; /role {role} of the
    API token; /reveal {object_type, field, among: all, some, new or few}: objects show a field more from now on.
    """

    def __init__(self, server: Server) -> None:
        self.zendesk = server.zendesk
        self.account = server.account
        super().__init__(
            server,
            self.objects,
            {"/count": lambda: {"objects": self.account.count()}, "/limits": self._limits},
            {
                "/live": self._live,
                "/age": self._age,
                "/limit": self._limit,
                "/plan": self._plan,
                "/gate": self._gate,
                "/token": self._token,
                "/revoke": self._revoke,
                "/role": self._role,
                "/reveal": self._reveal,
            },
        )

    def objects(self) -> Iterator[bytes]:
        """One JSON line per object there ever was, members of lists after the object that holds them.

        `object_type`, `parent` (null, or `object_type`, `id` and `field` of the holder), `deleted_at` (Unix seconds,
        null while live), `permanently` (no endpoint shows it any more), `object` as the API shows or showed it last.
        """
        for kind, payload, deleted_at, permanently in self.account.truth():
            yield _truth(kind, payload, None, deleted_at, permanently)
            for member, parent in _members(kind, payload):
                yield _truth(member[0], member[1], parent, deleted_at, permanently)

    def _limits(self) -> Any:
        limits = self.zendesk.limits
        return {"account": limits.account, "minute": limits.minute, "generation": limits.generation, **limits.buckets}

    def _live(self, given: dict[str, Any]) -> Any:
        if isinstance(self.account, Bulk):
            raise ValueError("a bulk account does not live: POST /age changes all its tickets")
        steps, pace = int(given.get("steps", 100)), float(given.get("pace", 1.0))
        return dict(live(self.account, int(given.get("seed", 0)), steps, pace=pace))

    def _age(self, _: dict[str, Any]) -> Any:
        if not isinstance(self.account, Bulk):
            raise ValueError("only a bulk account ages: POST /live changes some rows of this one")
        return {"generation": self.account.age()}

    def _limit(self, given: dict[str, Any]) -> Any:
        self.zendesk.limits.change(given)
        return self._limits()

    def _plan(self, given: dict[str, Any]) -> Any:
        self.account.plan = str(given["plan"])
        return {}

    def _gate(self, given: dict[str, Any]) -> Any:
        self.zendesk.api.gates.pop(str(given["path"]), None)
        if given.get("gate") is not None:
            self.zendesk.api.gates[str(given["path"])] = str(given["gate"])
        return {}

    def _token(self, given: dict[str, Any]) -> Any:
        life = given.get("expires_in")
        self.zendesk.credentials.access[str(given["token"])] = Grant(
            int(given.get("user_id", self.account.owner_id)),
            given.get("role", "admin"),
            frozenset(given.get("scopes", ("read",))),
            None if life is None else self.account.clock.now() + float(life),
        )
        return {}

    def _revoke(self, given: dict[str, Any]) -> Any:
        return {"revoked": self.zendesk.credentials.revoke(str(given["token"]))}

    def _reveal(self, given: dict[str, Any]) -> Any:
        self.account.reveal(str(given["object_type"]), str(given["field"]), given.get("among", "all"))
        return {}

    def _role(self, given: dict[str, Any]) -> Any:
        for grant in self.zendesk.credentials.tokens.values():
            grant.role = given["role"]
        return {}


def _members(kind: str, payload: Payload) -> Iterator[tuple[tuple[str, Payload], Payload]]:
    if kind == "ticket_field":
        home = {"object_type": kind, "id": payload["id"], "field": "custom_field_options"}
        for option in payload.get("custom_field_options", ()):
            yield ("ticket_field_option", option), home
    if kind == "ticket_event":
        home = {"object_type": kind, "id": payload["id"], "field": "child_events"}
        for child in payload["child_events"]:
            if child["event_type"] == "Comment":
                yield ("ticket_comment", child), home
                place = {"object_type": "ticket_comment", "id": child["id"], "field": "attachments"}
                for attachment in child["attachments"]:
                    yield ("attachment", attachment), place


def _truth(kind: str, payload: Payload, parent: Payload | None, deleted_at: int | None, permanently: bool) -> bytes:
    line = {
        "object_type": kind,
        "parent": parent,
        "deleted_at": deleted_at,
        "permanently": permanently,
        "object": payload,
    }
    return encode(line) + b"\n"
