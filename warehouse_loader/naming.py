"""How a vendor's name becomes the name of a column: the framework's rule, under its old address."""

from framework.naming import LONGEST, RESERVED, SYSTEM, column_name, identifier, original, parts, snake

__all__ = ["LONGEST", "RESERVED", "SYSTEM", "column_name", "identifier", "original", "parts", "snake"]
