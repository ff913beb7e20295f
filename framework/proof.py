"""Whether a row that a walk of all ids did not show is gone: read by its id, for a change also hides it for a while."""

from __future__ import annotations

from framework.errors import Kind, Refused
from framework.feed import Request, Slice, Step
from framework.sight import Gone

MANY = 100  # ids of one call
# Many ids in one call; one by one where that is not to be had; where neither is, what changed lately must show it.
_NEXT = {"many": "one", "one": "news"}
_LACKING = (Kind.GONE, Kind.UNAVAILABLE, Kind.BUG, Kind.PERMISSION)


def way(slice_: Slice) -> str:
    """How a slice asks for its ids."""
    return str(slice_.get("way", "many"))


def keys(slice_: Slice) -> list[str]:
    """The ids that a slice asks for."""
    return list(slice_.get("keys", [slice_["key"]]))


def request(slice_: Slice, path: str, bucket: str) -> Request:
    """The call that reads rows by id, for ``path``, the address of the whole collection."""
    if way(slice_) == "one":
        return Request(f"{path}/{slice_['key']}", (), path, bucket=bucket)
    return Request(f"{path}/show_many", [("ids", ",".join(keys(slice_)))], f"{path}/show_many", bucket=bucket)


def judge(slice_: Slice, name: str, shown: set[str], *, sure: bool = True) -> Step:
    """What an answer that shows these ids proves; unless ``sure``, nothing of those that it does not show."""
    step = Step(seen=[key for key in keys(slice_) if key in shown or not sure])
    if sure:
        step.gone = [Gone(name, key, slice_["v"]) for key in keys(slice_) if key not in shown]
    return step


def gone(slice_: Slice, name: str) -> list[Gone]:
    """What it means that the vendor does not know the address asked for: only that of one row tells of that row."""
    return [Gone(name, slice_["key"], slice_["v"])] if way(slice_) == "one" else []


def refused(slice_: Slice, refusal: Refused) -> list[Slice] | None:
    """What to ask instead; None when the refusal stands."""
    asked = keys(slice_)
    if refusal.kind is Kind.SHRINK and len(asked) > 1:
        half = len(asked) // 2
        return [
            {**slice_, "id": f"get/{part[0]}", "key": part[0], "keys": part} for part in (asked[:half], asked[half:])
        ]
    if way(slice_) == "one" and refusal.kind is Kind.GONE:
        return []
    if way(slice_) == "one" and refusal.kind is Kind.PERMISSION:
        return []  # it is there, for others
    if refusal.kind not in _LACKING or way(slice_) not in _NEXT:
        return None
    kept = {name: value for name, value in slice_.items() if name != "keys"}
    return [{**kept, "id": f"get/{key}", "key": key, "way": _NEXT[way(slice_)]} for key in asked]
