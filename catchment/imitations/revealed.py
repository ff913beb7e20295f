"""Fields that a vendor adds to its objects one day: no stamp moves, and no event tells."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

Among = Literal["all", "some", "new", "few"]


@dataclass(frozen=True)
class Revealed:
    """One such field, in `all` objects, in `some` (old ones or not), in `new` ones or in a `few` of the new.

    `known`: the ids there were before.
    """

    name: str
    among: Among
    known: Collection[Any] = ()

    def shown(self, object_id: Any) -> dict[str, Any]:
        """The field as an object shows it, null in a third of them; nothing where it does not have it."""
        number = crc32(f"{self.name}/{object_id}".encode())
        if self.among in ("new", "few") and object_id in self.known:
            return {}
        if self.among in ("some", "few") and number % 4:
            return {}
        return {self.name: None if number % 3 == 0 else f"{self.name} {number % 1_000}"}
