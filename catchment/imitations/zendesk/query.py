"""The parameters of a request, and the refusals of those that are wrong."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

from catchment.imitations.zendesk import errors
from catchment.imitations.zendesk.stamps import unix

MANY = 100


class Query:
    """Parameters in the order they were sent; a name may come several times."""

    def __init__(self, search: str) -> None:
        self.pairs = parse_qsl(search, keep_blank_values=True)

    def text(self, name: str) -> str | None:
        """The last value of a name."""
        return next((value for key, value in reversed(self.pairs) if key == name), None)

    def texts(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def number(self, name: str) -> int | None:
        """A whole number, or None when it was not given. 400 for anything else."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise errors.invalid(name, "must be an integer") from None

    def size(self, name: str, most: int, default: int) -> int:
        """How many rows a page may have. 400 beyond `most`."""
        value = self.number(name)
        if value is None:
            return default
        if not 1 <= value <= most:
            raise errors.invalid(name, f"must be between 1 and {most}") if name == "per_page" else errors.page_size()
        return value

    def moment(self, name: str) -> int | None:
        """Unix seconds or a time, as Unix seconds."""
        value = self.text(name)
        if value is None or value == "":
            return None
        return _moment(name, value)

    def span(self, name: str) -> Sequence[int]:
        """The bounds in `name[]=from&name[]=to`, as Unix seconds; none when not given."""
        return [_moment(name, value) for value in self.texts(f"{name}[]")]

    def include(self) -> frozenset[str]:
        """What was asked for beside the rows."""
        return frozenset(part.strip() for part in (self.text("include") or "").split(",") if part.strip())

    def ids(self) -> list[int]:
        """The ids of a `show_many`. 400 when there are none or more than 100."""
        found = [part for part in (self.text("ids") or "").split(",") if part.strip()]
        if len(found) > MANY:
            raise errors.too_many()
        if not found or not all(part.strip().isdigit() for part in found):
            raise errors.invalid("ids", "must be a list of ids")
        return [int(part) for part in found]


def _moment(name: str, value: str) -> int:
    try:
        return int(value) if value.isdigit() else unix(value)
    except ValueError:
        raise errors.invalid(name, "must be a time") from None
