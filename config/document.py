"""A YAML file as plain values that remember where they stand: line and column of every key and value.

Scalars are read by the rules of YAML 1.2, without the traps of 1.1: ``no`` and ``on`` are texts, so are
``012``, ``02:30`` and ``2024-01-01``. Duplicate keys, tags and merge keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import yaml

from config.errors import ConfigError

Path = tuple[str | int, ...]
At = Literal["key", "value"]

# The C parser when PyYAML has it; the base loader because we resolve scalars ourselves.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)?\.[0-9]+|0|[1-9][0-9]*)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Document:
    """One parsed file. ``file`` is its name as errors show it."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._text = text
        if bad := _UNPRINTABLE.search(text):
            raise self._error_at(bad.start(), f"U+{ord(bad[0]):04X} cannot stand in YAML", "remove this character")
        try:
            self._root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            raise self._not_yaml(error) from None
        except RecursionError:
            raise ConfigError("this is nested too deeply", file, 1, 1) from None

    def value(self, expand: Callable[[str], str]) -> object:
        """Maps as dict, lists as tuple, scalars as str, int, float, bool; every text goes through ``expand``.

        A key without a value is an error: no setting means anything by being empty.
        """
        if self._root is None:
            raise ConfigError("the file is empty", self.file, 1, 1, "`catchment init` writes one")
        return self._value(self._root, (), expand, [])

    def error(self, path: Path, message: str, hint: str = "", at: At = "value", find: str = "") -> ConfigError:
        """An error at the value (or the key) at ``path``; if there is none, at the nearest parent's key.

        ``find``: the exact text inside the value to point at.
        """
        node, key = self._root, None
        for step in path:
            child = _child(node, step)
            if child is None:
                at = "key"
                break
            key, node = child
        pointed = key if at == "key" else node
        pointed = pointed or (node if key is None and path else None)
        if pointed is None:
            return ConfigError(message, self.file, 1, 1, hint)
        start = pointed.start_mark
        if find and (index := self._text.find(find, start.index, pointed.end_mark.index)) >= 0:
            return self._error_at(index, message, hint)
        return ConfigError(message, self.file, start.line + 1, start.column + 1, hint)

    def _value(self, node: yaml.Node, path: Path, expand: Callable[[str], str], above: list[yaml.Node]) -> object:
        if node.tag not in _TAGS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise self.error(path, f"{tag} is read as a YAML tag, which has no meaning here", _quote(tag))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, expand)
        if node in above:
            raise self.error(path, "this alias stands inside its own anchor", "repeat the values instead")
        above = [*above, node]
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._value(item, (*path, index), expand, above) for index, item in enumerate(node.value))
        assert isinstance(node, yaml.MappingNode)
        result: dict[str, object] = {}
        seen: dict[str, int] = {}
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _TAGS:
                raise ConfigError("a key is a plain text", self.file, line, column, _quote(key.tag))
            if key.value == "<<" and not key.style:
                raise ConfigError("merge keys are not supported", self.file, line, column, "repeat the values")
            if key.value in seen:
                message = f"the key {key.value!r} stands twice in this map, first in line {seen[key.value]}"
                raise ConfigError(message, self.file, line, column, "keep one of the two")
            seen[key.value] = line
            result[key.value] = self._value(value, (*path, key.value), expand, above)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path, expand: Callable[[str], str]) -> object:
        text: str = node.value
        if not node.style:
            if text in _CONSTANTS:
                if (constant := _CONSTANTS[text]) is None:
                    name = f"the key {path[-1]!r}" if path and isinstance(path[-1], str) else "this"
                    raise self.error(path, f"{name} has no value", "write one, or remove it", at="key")
                return constant
            if _INTEGER.fullmatch(text):
                return int(text)
            if _FLOAT.fullmatch(text):
                return float(text)
        try:
            return expand(text)
        except ValueError as error:
            hint = "write ${NAME} or ${NAME:-default}, and $${ for a literal ${"
            raise self.error(path, str(error), hint, find="${") from None

    def _error_at(self, index: int, message: str, hint: str) -> ConfigError:
        line = self._text.count("\n", 0, index) + 1
        column = index - self._text.rfind("\n", 0, index)
        return ConfigError(message, self.file, line, column, hint)

    def _not_yaml(self, error: yaml.MarkedYAMLError) -> ConfigError:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        lines = self._text.splitlines()
        # An unclosed bracket or quote is only noticed later: show both places.
        opened = error.context_mark.line if error.context_mark else line
        suspects = "\n".join(lines[index] for index in sorted({line, opened}) if index < len(lines))
        if error.problem and "another document" in error.problem:
            hint = "keep one document: remove the line of dashes"
        elif re.search(r"^ *\t", suspects, re.MULTILINE):
            hint = "indent with spaces, not tabs"
        elif re.search(r"[\[\s,]!\w", suspects):
            hint = 'put a pattern that starts with ! in quotes: "!events"'
        elif re.search(r"[^\"']\$\{", suspects):
            hint = 'put ${NAME} in quotes: "${NAME}"'
        elif opened != line:
            hint = f"look from line {opened + 1} on for what was not closed"
        else:
            hint = "check quotes, colons and indentation"
        problem = ": ".join(part for part in (error.context, error.problem) if part)
        return ConfigError(f"this is not YAML: {problem}", self.file, line + 1, column + 1, hint)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    """The key node (None in a list) and value node at ``step``."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    return None


def _quote(tag: str) -> str:
    return f'put it in quotes if you mean text: "{tag}"' if tag.startswith("!") else "put it in quotes"
