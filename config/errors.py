"""The one error of this package: what is wrong in catchment.yaml, where, and what would be right."""

from __future__ import annotations


class ConfigError(Exception):
    """A configuration that cannot be used.

    ``line`` and ``column`` count from 1; both are None only when there is no file to point into.
    ``hint`` says what would be right ("" when the message already does).
    """

    def __init__(
        self, message: str, file: str, line: int | None = None, column: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, file, line, column, hint)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")

    def as_dict(self) -> dict[str, str | int | None]:
        """The value of ``error`` in the JSON that a command prints with exit code 2."""
        return {
            "kind": "config",
            "message": self.message,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "hint": self.hint,
        }
