"""What can go wrong, named by who must act: the closed kinds of an answer, and the errors a run ends with."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an answer means for whoever asked. Closed: a connector's table maps onto these and adds none."""

    OK = "ok"
    RETRY = "retry"  # passing trouble on the way or at the vendor: ask again after a growing pause
    WAIT = "wait"  # too fast: ask again when told, and hold the bucket for everybody until then
    SESSION = "session"  # the session ended: renew it once, then replay
    AUTH = "auth"  # the credential is refused: stop the whole source at once
    PERMISSION = "permission"  # this credential may not read this: that collection says so, the others go on
    UNAVAILABLE = "unavailable"  # the account, plan or version does not have it
    CURSOR = "cursor"  # the page token died: the slice starts again without it
    GONE = "gone"  # the one object asked for does not exist (any more)
    SHRINK = "shrink"  # too much in one answer: ask for less
    QUOTA = "quota"  # the allowance is spent: end cleanly, go on in a later run
    BUG = "bug"  # we asked wrongly


# An answer's kind -> the kind that a report carries (CONTRACT.md, "kind").
REPORTED = {
    Kind.RETRY: "upstream",
    Kind.WAIT: "upstream",
    Kind.SESSION: "auth",
    Kind.AUTH: "auth",
    Kind.PERMISSION: "permission",
    Kind.UNAVAILABLE: "config",
    Kind.CURSOR: "upstream",
    Kind.GONE: "upstream",
    Kind.SHRINK: "upstream",
    Kind.QUOTA: "quota",
    Kind.BUG: "internal",
}


class SourceError(Exception):
    """Ends a whole source's run. ``kind`` is one of the report's kinds; ``hint`` says what to do next."""

    def __init__(self, kind: str, message: str, hint: str = "", http_status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.http_status = http_status


class Refused(Exception):
    """An answer (or the lack of one) that retrying did not mend: it concerns one slice of one feed.

    ``report`` is the kind that reports carry, ``code`` the vendor's own word for it.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        report: str = "",
        http_status: int | None = None,
        code: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.report = report or REPORTED.get(kind, "upstream")
        self.http_status = http_status
        self.code = code
        self.hint = hint


class Stopped(Exception):
    """The run was asked to stop (a signal, the watchdog, another feed's fatal error) while this call waited."""
