"""The control port of this imitation: what it tells and what it can be ordered to do, beside what all can."""

from collections.abc import Iterator
from typing import Any

from catchment.imitations import control
from catchment.imitations.salesforce.fields import Field
from catchment.imitations.salesforce.life import live
from catchment.imitations.salesforce.render import encode, moment
from catchment.imitations.salesforce.server import Server
from catchment.imitations.salesforce.table import Values


class Control(control.Control):
    """Adds GET /count /objects /usage /tokens, and POST orders named after what they change."""

    def __init__(self, server: Server) -> None:
        self.imitation = server
        self.org = server.org
        super().__init__(
            server,
            self.objects,
            {
                "/count": lambda: {"objects": self.org.count()},
                "/objects": lambda: {name: len(table) for name, table in self.org.tables.items()},
                "/usage": lambda: {"used": server.usage.used, "daily": server.usage.daily},
                "/tokens": lambda: {
                    "refresh_tokens": server.sessions.refresh_tokens,
                    "renewed": server.sessions.renewed,
                },
                "/part_fired": lambda: dict(server.parts.fired),
            },
            {
                "/live": self._live,
                "/settle": self._settle,
                "/limit": self._limit,
                "/usage": self._usage,
                "/expire_sessions": lambda _: {"ended": server.sessions.end()},
                "/session_seconds": self._session_seconds,
                "/revoke": self._revoke,
                "/rotate": self._rotate,
                "/lose_cursors": lambda _: {"lost": server.api.cursors.lose()},
                "/part_fault": self._part_fault,
                "/jobs": self._jobs,
                "/replication": self._replication,
                "/hide": self._hide,
                "/field": self._field,
                "/label": self._label,
                "/remove": self._remove,
                "/insert": self._insert,
                "/update": self._update,
                "/delete": self._delete,
                "/undelete": self._undelete,
            },
        )

    def objects(self) -> Iterator[bytes]:
        """One JSON line per record: `object_type`, `deleted_at` (Unix seconds), `gone`, and `object`.

        `object` has every field but compounds, numbers exact, datetimes as REST writes them.
        """
        for kind, deleted_at, gone, values in self.org.walk():
            yield (
                encode(
                    {"object_type": kind, "deleted_at": deleted_at, "gone": gone, "object": self._shown(kind, values)}
                )
                + b"\n"
            )

    def _shown(self, kind: str, values: Values) -> dict[str, Any]:
        declared = self.org.kinds.get(kind)
        if declared is None:
            return values
        shown: dict[str, Any] = {}
        for field in declared.fields:
            value = values.get(field.name)
            if not field.parts_only:
                shown[field.name] = moment(value) if field.type == "datetime" and value is not None else value
        return shown

    def _live(self, given: dict[str, Any]) -> Any:
        return dict(
            live(
                self.org,
                int(given.get("seed", 0)),
                int(given.get("steps", 100)),
                pace=float(given.get("pace", 1.0)),
                without=given.get("without", ()),
            )
        )

    def _settle(self, _: dict[str, Any]) -> Any:
        """Move the clock until every open transaction is committed."""
        with self.org.lock:
            moved = self.org.wait()
        return {"moved": moved}

    def _limit(self, given: dict[str, Any]) -> Any:
        """`uri`, `part_uri` (null: none), `cursors` per user, `ids` of getDeleted, `per_second` (null: none)."""
        api = self.imitation.api
        self.imitation.per_second = given.get("per_second", self.imitation.per_second)
        api.uri_limit = given.get("uri", api.uri_limit)
        api.part_uri_limit = given.get("part_uri", api.part_uri_limit)
        api.cursors.most = given.get("cursors", api.cursors.most)
        api.replication.most = given.get("ids", api.replication.most)
        return {}

    def _usage(self, given: dict[str, Any]) -> Any:
        """`daily`: the allowance; `others`: calls of everybody else; `lag`: calls that the header is behind."""
        usage = self.imitation.usage
        usage.daily = int(given.get("daily", usage.daily))
        usage.others = int(given.get("others", usage.others))
        usage.lag = int(given.get("lag", usage.lag))
        return {"used": usage.used, "daily": usage.daily}

    def _session_seconds(self, given: dict[str, Any]) -> Any:
        self.imitation.sessions.seconds = given["seconds"]
        return {}

    def _revoke(self, _: dict[str, Any]) -> Any:
        self.imitation.sessions.revoke()
        return {}

    def _rotate(self, given: dict[str, Any]) -> Any:
        self.imitation.app.rotates = bool(given.get("on", True))
        return {}

    def _part_fault(self, given: dict[str, Any]) -> Any:
        nth = given.pop("nth", None)
        self.imitation.parts.add(**given, nth=tuple(nth) if isinstance(nth, list) else nth)
        return {}

    def _jobs(self, given: dict[str, Any]) -> Any:
        """`polls` until a job is done; `most` rows a page; `refused` objects; `fail`: [[state, message], ...]."""
        jobs = self.imitation.api.jobs
        jobs.polls = int(given.get("polls", jobs.polls))
        jobs.most_a_page = int(given.get("most", jobs.most_a_page))
        jobs.daily = int(given.get("daily", jobs.daily))
        jobs.refused = set(given.get("refused", jobs.refused))
        jobs.next_fails += [(state, message) for state, message in given.get("fail", ())]
        return {"made": jobs.made()}

    def _replication(self, given: dict[str, Any]) -> Any:
        """`lag` minutes of latestDateCovered; `purged`: seconds ago at which the log of deletions was cut."""
        replication = self.imitation.api.replication
        replication.lag = int(given.get("lag", replication.lag))
        if "purged" in given:
            replication.purged_at = self.org.clock.second() - int(given["purged"])
        return {"earliest": moment(replication.earliest())}

    def _hide(self, given: dict[str, Any]) -> Any:
        """The objects and fields (`Account.Description`) that the user may not see from now on."""
        self.imitation.user.hidden = set(given["names"])
        self.org.touch_metadata()
        return {}

    def _field(self, given: dict[str, Any]) -> Any:
        """A new field: `object`, `name`, `type`, what else a field has; `values`: {id: value} or one for all."""
        kind, values = given.pop("object"), given.pop("values", {})
        if not isinstance(values, dict):
            values = dict.fromkeys(self.org.tables[kind].ids(), values)
        given["to"], given["choices"] = tuple(given.get("to", ())), tuple(given.get("choices", ()))
        self.org.add_field(kind, Field(**given), values)
        return {"filled": len(values)}

    def _label(self, given: dict[str, Any]) -> Any:
        self.org.rename(given["object"], given["name"], given["label"])
        return {}

    def _remove(self, given: dict[str, Any]) -> Any:
        """Take away an object, or (`name`) one of its fields."""
        if "name" in given:
            self.org.remove_field(given["object"], given["name"])
        else:
            self.org.remove_kind(given["object"])
        return {}

    def _insert(self, given: dict[str, Any]) -> Any:
        with self.org.lock:
            return {"id": self.org.insert(given["object"], given.get("values", {}), late=float(given.get("late", 0)))}

    def _update(self, given: dict[str, Any]) -> Any:
        with self.org.lock:
            self.org.update(given["object"], given["id"], given.get("values", {}), late=float(given.get("late", 0)))
        return {}

    def _delete(self, given: dict[str, Any]) -> Any:
        """Delete a record; with `hard` the recycle bin is emptied of it."""
        with self.org.lock:
            self.org.delete(given["object"], given["id"], late=float(given.get("late", 0)))
            if given.get("hard"):
                self.org.purge(given["object"], given["id"])
        return {}

    def _undelete(self, given: dict[str, Any]) -> Any:
        with self.org.lock:
            self.org.undelete(given["object"], given["id"])
        return {}
