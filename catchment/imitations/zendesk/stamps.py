"""Times as the vendor writes them: RFC 3339 in UTC, to the second."""

from datetime import UTC, datetime


def iso(second: float) -> str:
    """`2026-11-20T10:00:00Z` for Unix seconds."""
    return datetime.fromtimestamp(int(second), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(stamp: str) -> int:
    """Unix seconds of such a text; ValueError when it is none."""
    return int(datetime.fromisoformat(stamp).timestamp())
