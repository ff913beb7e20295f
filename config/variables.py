"""``${NAME}`` and ``${NAME:-default}`` in the texts of catchment.yaml; ``$${`` is a literal ``${``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}|\$\{", re.ASCII)


class Expanded(str):
    """A text that held references and had them all replaced; where a number is due it may stand for one."""

    __slots__ = ()


class Missing(str):
    """A text as written, kept because ``variable`` is not set: an error only once its source is used."""

    variable: str
    set_but_empty: bool

    def __new__(cls, text: str, variable: str, set_but_empty: bool) -> Missing:
        self = super().__new__(cls, text)
        self.variable = variable
        self.set_but_empty = set_but_empty
        return self


def expand(text: str, environ: Mapping[str, str]) -> str:
    """``text`` with its references replaced (Expanded), or Missing, or itself when it holds none.

    An empty variable counts as missing; ``${NAME:-}`` asks for the empty text.
    Raises ValueError when a ``${`` opens no reference.
    """
    if "${" not in text:
        return text
    missing = ""

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        name, default = match["name"], match["default"]
        if name is None:
            if match[0] == "$${":
                return "${"
            raise ValueError("this ${ opens no variable")
        value = environ.get(name, "") or default
        if value is None:
            missing = missing or name
            return ""
        return value

    expanded = _REFERENCE.sub(replace, text)
    return Missing(text, missing, missing in environ) if missing else Expanded(expanded)


def missing_in(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Missing]]:
    """Every Missing text inside nested maps and lists, with its key path, in the order of the file."""
    if isinstance(value, Missing):
        yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from missing_in(member, (*path, key))
    elif isinstance(value, tuple):
        for index, member in enumerate(value):
            yield from missing_in(member, (*path, index))
