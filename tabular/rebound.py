"""Functions of a library, bound a second time to other objects under names that they use.

The library stays as it is.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any


def rebound(function: Any, **names: Any) -> Any:
    """The function with other objects under some of the global names that it uses."""
    made = FunctionType(
        function.__code__, function.__globals__ | names, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made
