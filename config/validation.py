"""From a pydantic refusal to one error that points into the file and says what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.document import Document
from config.document import Path as KeyPath
from config.errors import ConfigError
from config.models import MAPS, File, Source
from config.variables import Missing

_Model = TypeVar("_Model", bound=BaseModel)


class OnlyMissing(Exception):
    """All that is wrong with a value hangs on variables that are not set."""

    def __init__(self, keys: set[str | int]) -> None:
        self.keys = keys


def validated(model: type[_Model], value: object, document: Document, at: KeyPath) -> _Model:
    """``value`` as a ``model``; ``at`` is where it stands in ``document``.

    Raises the ConfigError that comes first in the file, or OnlyMissing.
    """
    try:
        return model.model_validate(value)
    except ValidationError as refused:
        details = refused.errors(include_url=False)
    errors = [_error(document, at, detail) for detail in details if not isinstance(detail["input"], Missing)]
    if not errors:
        raise OnlyMissing({detail["loc"][0] for detail in details})
    raise min(errors, key=lambda error: (error.line or 0, error.column or 0))


def _error(document: Document, at: KeyPath, detail: ErrorDetails) -> ConfigError:
    kind, within = detail["type"], detail["loc"]
    path = (*at, *within)
    if kind == "catchment":
        context: dict[str, Any] = detail["ctx"]
        within = (*within, *context["within"])
        message = f"{_dotted(within)}: {context['message']}"
        return document.error((*at, *within), message, context["hint"], context["at"])
    if kind == "extra_forbidden":
        model = (Source if at else File) if len(within) == 1 else MAPS[str(within[0])]
        known = [key for key in model.model_fields if key != "name"]
        return document.error(path, f"unknown key {within[-1]!r}", nearest(str(within[-1]), known), at="key")
    if kind == "missing":
        where = f"the source {at[-1]!r}" if at else "the file"
        return document.error(path, f"{where} has no `{within[-1]}`", f"add `{within[-1]}: …`", at="key")
    due = "a list" if kind == "tuple_type" else "a map"
    hint = "write it as [first, second]" if kind == "tuple_type" else "write it as `key: value` lines"
    return document.error(path, f"{_dotted(within) or 'the file'}: {due} is due here", hint)


def _dotted(path: KeyPath) -> str:
    """``schedule.times[0]``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def nearest(word: str, known: Iterable[str], introduction: str = "the keys are") -> str:
    """A hint that names the known word most like ``word``, or all of them."""
    known = list(known)
    near = get_close_matches(word.lower(), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"{introduction} {', '.join(known)}"
