"""`expand[]`: ids replaced by objects, and lists that an object does not show by itself added to it."""

from collections.abc import Sequence
from typing import Any

from catchment.imitations.stripe import errors
from catchment.imitations.stripe.account import Account
from catchment.imitations.stripe.resources import BY_OBJECT, Child, Derived, Resource
from catchment.imitations.stripe.shelf import encode

Payload = dict[str, Any]
Path = tuple[str, ...]

# Where a field's name says the kind that its id leaves open (a plan and its price share one id).
_NAMED = {"plan": "plan", "price": "price"}


class Expansion:
    """One request's expansions over one account; `refuse` is asked for every resource that is about to be shown."""

    def __init__(self, account: Account, refuse: Any) -> None:
        self.account = account
        self.refuse = refuse

    def page(self, object_type: str, object_id: str, paths: Sequence[Path]) -> bytes:
        """The rendered object with all paths expanded; cached until anything in the account changes."""
        row = self.account.shelves[object_type].rows[object_id]
        name = tuple(".".join(path) for path in paths)
        known = row.expanded.get(name)
        if known is not None and known[0] == self.account.revision:
            return known[1]
        payload = self.account.get(object_type, object_id)
        for path in paths:
            self.into(payload, path, path)
        body = encode(payload)
        row.expanded[name] = (self.account.revision, body)
        return body

    def into(self, payload: Payload, path: Path, whole: Path) -> None:
        """Expand one path inside an object, in place; 400 when the object has no such expandable property."""
        if not path or payload.get("deleted"):
            return
        resource = BY_OBJECT[payload["object"]]
        listed = self._listed(resource, path[0])
        if listed is not None:
            self._through_list(payload, listed, path, whole)
            return
        for declared in resource.expandable:
            steps = tuple(declared.split("."))
            if path[: len(steps)] == steps:
                self._replace(payload, steps, path[len(steps) :], whole)
                return
            if steps[: len(path)] == path:
                return
        if isinstance(payload.get(path[0]), (dict, list)):
            return
        raise errors.invalid_value("expand", f"This property cannot be expanded ({path[0]}).")

    def _listed(self, resource: Resource, name: str) -> Child | Derived | None:
        for child in resource.children:
            if child.field == name and (child.expandable or child.embedded):
                return child
        return next((derived for derived in resource.derived if derived.field == name), None)

    def _through_list(self, payload: Payload, listed: Child | Derived, path: Path, whole: Path) -> None:
        shown = payload.get(listed.field)
        if not (isinstance(shown, dict) and shown.get("object") == "list"):
            if isinstance(listed, Derived):
                self.refuse(BY_OBJECT[listed.object])
            shown = self.account.embedded(payload["id"], listed)
            payload[listed.field] = shown
        rest = path[2:] if path[1:2] == ("data",) else path[1:]
        for row in shown["data"]:
            self.into(row, rest, whole)

    def _replace(self, holder: Any, steps: Path, rest: Path, whole: Path) -> None:
        if isinstance(holder, list):
            for member in holder:
                self._replace(member, steps, rest, whole)
        elif isinstance(holder, dict) and len(steps) > 1:
            self._replace(holder.get(steps[0]), steps[1:], rest, whole)
        elif isinstance(holder, dict):
            name = steps[0]
            value = holder.get(name)
            if isinstance(value, list):
                holder[name] = [self._object(name, member, rest, whole) for member in value]
            else:
                holder[name] = self._object(name, value, rest, whole)

    def _object(self, name: str, value: Any, rest: Path, whole: Path) -> Any:
        found = self._find(name, value) if isinstance(value, str) else value
        if isinstance(found, dict) and "object" in found and rest:
            self.into(found, rest, whole)
        return found

    def _find(self, name: str, object_id: str) -> Any:
        kinds = [_NAMED[name]] if name in _NAMED else list(self.account.shelves)
        for kind in kinds:
            if object_id in self.account.shelves[kind].rows:
                self.refuse(BY_OBJECT[kind])
                return self.account.get(kind, object_id)
        for kind in kinds:
            if (kind, object_id) in self.account.deleted:
                return {"id": object_id, "object": kind, "deleted": True}
        return object_id
