"""catchment.yaml, read: where it is, its sources, and errors that point into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from config import variables
from config.document import At, Document
from config.document import Path as KeyPath
from config.errors import ConfigError
from config.models import File, Source
from config.urls import BadUrlError, database_file, database_url, duckdb_name
from config.validation import OnlyMissing, nearest, validated
from config.variables import Missing

RESERVED = frozenset({"catchment", "catchment_state", "main", "public", "temp", "system", "information_schema"})

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """What catchment.yaml says. ``warehouse`` and ``state`` are addresses with absolute paths.

    ``sources`` holds all sources for looking at; a source that will be *used* comes from ``source`` or
    ``use``, which refuse one whose variables are not set.
    """

    file: str
    warehouse: str = field(repr=False)
    state: str = field(repr=False)
    sources: Mapping[str, Source]
    _document: Document = field(repr=False)
    _missing: Mapping[str, ConfigError] = field(repr=False)

    def source(self, name: str) -> Source:
        """The source ``name``, complete. Raises ConfigError: no such source, or a variable is not set."""
        if name not in self.sources:
            hint = nearest(name, self.sources, "the sources are") if self.sources else "add one"
            raise self.error(("sources",), f"there is no source {name!r}", hint, at="key")
        if name in self._missing:
            raise self._missing[name]
        return self.sources[name]

    def use(self, names: Iterable[str]) -> dict[str, Source]:
        """The sources ``names``, complete; raises as ``source`` does."""
        return {name: self.source(name) for name in names}

    def error(self, path: KeyPath, message: str, hint: str = "", at: At = "value") -> ConfigError:
        """An error at the value (or the key) at ``path``, such as ``("sources", "crm", "base_url")``.

        Of a path that does not exist, at the last key that does.
        """
        return self._document.error(path, message, hint, at)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Reads ``path``, else what CATCHMENT_CONFIG names, else ./catchment.yaml. Raises ConfigError."""
    file = path or Path(environ.get("CATCHMENT_CONFIG") or "catchment.yaml")
    document = Document(_read(file), str(file))
    value = document.value(partial(variables.expand, environ=environ))
    for keys, text in variables.missing_in(value):
        if len(keys) < 2:  # every command uses what is outside the sources
            raise _not_set(document, keys, text)
    top = validated(File, value, document, ())
    folder = Path(os.path.abspath(file)).parent  # noqa: PTH100 - a link stays a link: paths are relative to it
    warehouse = _database(document, "warehouse", top.warehouse, folder, ("duckdb", "postgresql"))
    state = _database(document, "state", top.state, folder, ("sqlite", "postgresql"))
    _check_names(document, top.sources, warehouse)
    sources: dict[str, Source] = {}
    missing: dict[str, ConfigError] = {}
    for name, fields in top.sources.items():
        at = ("sources", name)
        sources[name] = _source(document, name, fields)
        for inner, text in variables.missing_in(fields, at):
            missing.setdefault(name, _not_set(document, inner, text))
    return Settings(str(file), warehouse, state, sources, document, missing)


def _read(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        hint = "`catchment init` writes one; --config or CATCHMENT_CONFIG names another"
        raise ConfigError("there is no such file", str(file), hint=hint) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", str(file), hint="check its rights") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigError("this is not UTF-8", str(file), line, column, "save the file as UTF-8") from None


def _database(document: Document, key: str, value: str, folder: Path, schemes: tuple[str, ...]) -> str:
    try:
        return database_url(value, folder, schemes)
    except BadUrlError as error:
        raise document.error((key,), str(error), error.hint) from None


def _check_names(document: Document, names: Iterable[str], warehouse: str) -> None:
    file = database_file(warehouse)
    taken = duckdb_name(file) if file else ""
    if file and taken == "catchment":
        message = f"DuckDB would call {file.name} `catchment`, as the schema that holds the runs"
        raise document.error(("warehouse",), message, "give the file another name, such as warehouse.duckdb")
    for name in names:
        fault = hint = ""
        if not _NAME.fullmatch(name):
            fault = f"{name!r} cannot name a source"
            hint = "a small letter, then small letters, digits and _, at most 40 in all"
        elif name in RESERVED or name.startswith("pg_"):
            fault, hint = f"{name!r} is a name that warehouses keep for themselves", f"write {name}_data"
        elif file and name == taken:
            fault = f"{name!r} is also what DuckDB calls {file.name}: it could not tell them apart"
            hint = "rename the source, or the file"
        if fault:
            raise document.error(("sources", name), fault, hint, at="key")


def _source(document: Document, name: str, fields: object) -> Source:
    """The source as far as it is known: what hangs on a variable that is not set stays at its default."""
    at = ("sources", name)
    if not isinstance(fields, dict):
        raise document.error(at, f"the source {name!r} is not a map", "write `connector: …` below it")
    if "name" in fields:
        raise document.error((*at, "name"), "unknown key 'name'", "the key above is the name", at="key")
    try:
        return validated(Source, {**fields, "name": name}, document, at)
    except OnlyMissing as unknown:
        known = {key: value for key, value in fields.items() if key not in unknown.keys}
        return validated(Source, {**known, "name": name}, document, at)


def _not_set(document: Document, path: KeyPath, text: Missing) -> ConfigError:
    name = text.variable
    message = f"the variable {name} is {'empty' if text.set_but_empty else 'not set'}"
    hint = f"set {name} in the environment, or write a default: ${{{name}:-…}}"
    return document.error(path, message, hint, find=f"${{{name}}}")
