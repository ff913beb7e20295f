"""Query parameters of a request: split, checked as the vendor checks them, and turned into a selection."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from catchment.imitations.stripe import errors

MOST_ROWS = 100
MOST_TYPES = 20
MOST_LEVELS = 4
_STATUSES = ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")
_OPERATORS = ("gt", "gte", "lt", "lte")
_INDEX = re.compile(r"\[\d*\]$")

Params = list[tuple[str, str]]
Test = Callable[[Mapping[str, Any]], bool]


@dataclass
class Selection:
    """What a list request asks for. `low` is inclusive and `high` exclusive, in seconds of the list's stamp."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    low: int | None = None
    high: int | None = None
    expand: list[tuple[str, ...]] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=dict)

    def matches(self, facts: Mapping[str, Any]) -> bool:
        return all(test(facts) for test in self.tests)


def split(query: str) -> Params:
    """The parameters in order; `name[]` and `name[3]` both become `name[]`."""
    return [(_INDEX.sub("[]", name), value) for name, value in parse_qsl(query, keep_blank_values=True)]


def expansions(params: Params) -> list[tuple[str, ...]]:
    """The paths of `expand[]`; 400 when one has too many levels."""
    paths = [tuple(value.split(".")) for name, value in params if name == "expand[]"]
    for path in paths:
        if len(path) > MOST_LEVELS:
            raise errors.invalid_value(
                "expand", f"You cannot expand more than {MOST_LEVELS} levels of a property. Property: {'.'.join(path)}"
            )
    return paths


def only_expand(params: Params) -> list[tuple[str, ...]]:
    """The parameters of a retrieve: nothing but `expand[]`."""
    for name, _ in params:
        if name != "expand[]":
            raise errors.unknown_parameter(name)
    return expansions(params)


def selection(
    params: Params,
    *,
    created: bool,
    filters: Mapping[str, str],
    ranges: Mapping[str, str],
    required: tuple[str, ...] = (),
) -> Selection:
    """Check the parameters of a list and make its selection; ApiError (400) names the first one refused."""
    chosen = Selection(expand=expansions(params))
    for name, value in params:
        if name == "expand[]":
            continue
        if name == "limit":
            chosen.limit = _limit(value)
        elif name in ("starting_after", "ending_before"):
            setattr(chosen, name, value)
        elif created and _is_range(name, "created"):
            _bound(chosen, name, value)
        elif name in filters or name.removesuffix("[]") in filters:
            chosen.given.setdefault(name.removesuffix("[]"), []).append(value)
        elif any(_is_range(name, known) for known in ranges):
            chosen.tests.append(_range_test(name, value))
        else:
            raise errors.unknown_parameter(name)
    for name in required:
        if name not in chosen.given:
            raise errors.missing_parameter(name)
    if chosen.starting_after is not None and chosen.ending_before is not None:
        raise errors.invalid_value("ending_before", "Only one of starting_after and ending_before can be given.")
    chosen.tests.extend(_equal_test(name, values) for name, values in chosen.given.items())
    return chosen


def event_types(values: list[str]) -> Test:
    """`type=charge.*` or up to twenty `types[]`."""
    if len(values) > MOST_TYPES:
        raise errors.invalid_value("types", f"You may only specify up to {MOST_TYPES} event types.")
    patterns = [re.compile(re.escape(value).replace(r"\*", ".*") + "$") for value in values]
    return lambda facts: any(pattern.match(facts["type"]) for pattern in patterns)


def subscription_status(wanted: list[str]) -> list[Test]:
    """Without a status canceled subscriptions are left out; `all` shows every one, `ended` those that are over."""
    if not wanted:
        return [lambda facts: facts["status"] != "canceled"]
    if wanted[0] == "all":
        return []
    if wanted[0] == "ended":
        return [lambda facts: facts["status"] in ("canceled", "incomplete_expired")]
    if wanted[0] not in _STATUSES:
        raise errors.invalid_value("status", f"Invalid status: must be one of {', '.join(_STATUSES)}, all, or ended")
    return [lambda facts: facts["status"] == wanted[0]]


def _limit(value: str) -> int:
    number = _integer("limit", value)
    if number > MOST_ROWS:
        raise errors.ApiError(
            400,
            f"This value must be less than or equal to {MOST_ROWS} (it currently is '{number}').",
            "parameter_invalid_integer",
            "limit",
        )
    if number < 1:
        raise errors.ApiError(
            400, "This value must be greater than or equal to 1.", "parameter_invalid_integer", "limit"
        )
    return number


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise errors.invalid_integer(name, value) from None


def _is_range(name: str, known: str) -> bool:
    return name == known or (name.startswith(known + "[") and name[len(known) + 1 : -1] in _OPERATORS)


def _bound(chosen: Selection, name: str, value: str) -> None:
    second = _integer(name, value)
    operator = name[8:-1]
    if operator in ("gt", "gte", ""):
        low = second + (operator == "gt")
        chosen.low = low if chosen.low is None else max(chosen.low, low)
    if operator in ("lt", "lte", ""):
        high = second + (operator != "lt")
        chosen.high = high if chosen.high is None else min(chosen.high, high)


def _range_test(name: str, value: str) -> Test:
    field_name, _, operator = name.rstrip("]").partition("[")
    bound = _integer(name, value)

    def holds(found: Any) -> bool:
        if isinstance(found, list):
            return any(holds(member) for member in found)
        if found is None:
            return False
        return bool(
            {
                "gt": found > bound,
                "gte": found >= bound,
                "lt": found < bound,
                "lte": found <= bound,
                "": found == bound,
            }[operator]
        )

    return lambda facts: holds(facts.get(field_name))


def _equal_test(name: str, values: list[str]) -> Test:
    def same(found: Any, value: str) -> bool:
        if isinstance(found, list):
            return any(same(member, value) for member in found)
        if isinstance(found, bool):
            return value == ("true" if found else "false")
        return found is not None and str(found) == value

    return lambda facts: any(same(facts.get(name), value) for value in values)
