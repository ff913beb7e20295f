"""The shape of catchment.yaml: which keys there are, their types and what they are when left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from config.selection import DEFAULT, Choice
from config.values import (
    BaseUrl,
    Choices,
    ClockTime,
    Date,
    Duration,
    Number,
    Secret,
    Settling,
    Share,
    Text,
    Timezone,
    fail,
)


class _Map(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class Schedule(_Map):
    """When a source is synced: ``every`` so many seconds, or at ``times`` of the day in ``timezone``."""

    every: Duration | None = None
    times: tuple[ClockTime, ...] = ()
    timezone: Timezone = "UTC"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.every is None) == (not self.times):
            fail("a schedule has either `every` or `times`", 'write {every: 3h} or {times: ["02:00"]}')
        if self.every is not None and "timezone" in self.model_fields_set:
            fail("`every` needs no time zone", "remove `timezone`, or write `times`", "timezone")
        return self


class RateLimit(_Map):
    """What replaces the connector's own limits as a whole: requests a second, and the part of a daily quota to use.

    With ``per_second`` alone no endpoint has a limit of its own; with ``per_endpoint`` alone the account's stays.
    """

    per_second: Number | None = None
    per_endpoint: Number | None = None
    daily_share: Share | None = None


class Timeouts(_Map):
    """Seconds: to connect, between two bytes of an answer, and without any progress before a run is ended."""

    connect: Duration = 10.0
    read: Duration = 30.0
    stall: Duration = 600.0


class Source(_Map):
    """One configured account. ``credentials`` are judged by its connector."""

    name: str
    connector: Text
    credentials: Mapping[str, Secret] = {}
    base_url: BaseUrl | None = None
    webhook_secrets: tuple[Secret, ...] = ()
    schedule: Schedule = Schedule.model_validate({"every": "3h"})
    collections: Choices = (Choice(DEFAULT),)
    start_date: Date | None = None
    settle: Settling | None = None
    rate_limit: RateLimit = RateLimit()
    timeouts: Timeouts = Timeouts()

    def revealed(self) -> dict[str, str]:
        """The credentials in clear, for the connector that sends them."""
        return {name: secret.get_secret_value() for name, secret in self.credentials.items()}

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not appear in a log: credentials and webhook secrets, in clear."""
        hidden: tuple[SecretStr, ...] = (*self.credentials.values(), *self.webhook_secrets)
        return tuple(secret.get_secret_value() for secret in hidden)


class File(_Map):
    """The whole file; its sources stay plain values until each is read."""

    warehouse: Text = "duckdb:///warehouse.duckdb"
    state: Text = "sqlite:///.catchment/state.db"
    sources: dict[str, Any]


MAPS: dict[str, type[_Map]] = {"schedule": Schedule, "rate_limit": RateLimit, "timeouts": Timeouts}
