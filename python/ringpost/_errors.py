"""Exceptions that the standard library has only in newer versions."""

from __future__ import annotations

try:
    from queue import ShutDown  # type: ignore[attr-defined, unused-ignore]
except ImportError:

    class ShutDown(Exception):  # type: ignore[no-redef, unused-ignore]
        """The queue was shut down."""


__all__ = ["ShutDown"]
