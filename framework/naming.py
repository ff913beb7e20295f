"""How a vendor's name becomes the name of a column, the same one in every warehouse."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence

LONGEST = 63  # bytes: what PostgreSQL allows, the shortest of the warehouses
SYSTEM = ("_version", "_synced_at", "_deleted_at", "_overflow")

# Words that PostgreSQL or DuckDB do not take as a column without quotes, `open` (Redshift), and what tables have of
# their own: PostgreSQL refuses a column of that name, in DuckDB it would stand before the row's place.
RESERVED = frozenset(
    re.findall(
        "[a-z_]+",
        """
        all analyse analyze and anti any array as asc asof asymmetric at authorization between both by case cast
        check collate collation column concurrently constraint create cross current_catalog current_date
        current_role current_schema current_time current_timestamp current_user default deferrable desc describe
        distinct do else end except false fetch for foreign freeze from full generated glob grant group having ilike
        in initially inner intersect into is isnull join lambda lateral leading left like limit localtime
        localtimestamp map natural not notnull null offset on only open or order outer overlaps pivot pivot_longer
        pivot_wider placing positional primary qualify references returning right select semi session_user show
        similar some struct summarize symmetric table tablesample then to trailing true try_cast tuple union unique
        unpack unpivot user using variadic verbose when where window with
        cmax cmin ctid rowid tableoid xmax xmin
        """,
    )
)


def _lower(char: str) -> bool:
    """Letters without case and combining marks count as lower-case: they never start a word by themselves."""
    return (char.isalnum() or unicodedata.category(char)[0] == "M") and not char.isupper()


def _upper(char: str) -> bool:
    return char.isupper() or char.isdigit()


def _word(char: str) -> bool:
    return _lower(char) or char.isupper()


def _run(name: str, at: int) -> int:
    """The end of the run that starts here: capitals and digits, then small letters and digits."""
    while at < len(name) and _upper(name[at]):
        at += 1
    while at < len(name) and _lower(name[at]):
        at += 1
    return at


def _prefix(name: str) -> int:
    """How much of the name is snake case already."""
    at, last = 0, len(name) - 1
    while at <= last:
        inner = name[at] == "_" and 0 < at < last and _lower(name[at + 1])
        if not (_lower(name[at]) or inner):
            break
        at += 1
    return at


def snake(name: str) -> str:
    """``name`` in snake case; letters of any script are kept, everything else separates words."""
    name = unicodedata.normalize("NFC", name)
    at = _prefix(name)
    if at == len(name):
        return name
    out = name[:at]
    letters = out.rpartition("_")[2]
    if at < len(name) and name[at].isupper() and not any(_lower(c) and not c.isdigit() for c in letters):
        end = _run(name, at)
        out, at = out + name[at:end].lower(), end
    while at < len(name):
        while at < len(name) and not _word(name[at]):
            at += 1
        end = _run(name, at)
        if end > at:
            out += ("_" if out else "") + name[at:end].lower()
        at = end
    return out


def identifier(name: str) -> str:
    """``name`` as a column or table: snake case, never empty, reserved, numeric at its start or too long."""
    name = snake(name)
    if not name or name[0].isdigit() or name in RESERVED:
        name = "_" + name
    return _cut(name, LONGEST)


def original(path: Sequence[str | int]) -> str:
    """A vendor's path as one text: names joined by dots, a dot inside a name escaped."""
    return ".".join(str(part).replace("\\", "\\\\").replace(".", "\\.") for part in path)


def parts(text: str) -> tuple[str, ...]:
    """The path that ``original`` wrote."""
    found, part, escaped = [], "", False
    for char in text:
        if escaped or char not in "\\.":
            part, escaped = part + char, False
        elif char == "\\":
            escaped = True
        else:
            found.append(part)
            part = ""
    return (*found, part)


def column_name(path: Sequence[str], taken: Collection[str]) -> str:
    """The name of a column that no declaration names: unique among ``taken``, and the same whenever it is asked."""
    name = identifier("_".join(filter(None, (snake(part) for part in path))) if len(path) > 1 else path[0])
    if name not in taken and name not in SYSTEM:
        return name
    digest = hashlib.sha256(original(path).encode("utf-8", "surrogatepass")).hexdigest()
    for size in range(6, len(digest)):
        longer = f"{_cut(name, LONGEST - size - 1)}_{digest[:size]}"
        if longer not in taken:
            return longer
    raise ValueError(f"no free name for {original(path)!r}")


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore")
