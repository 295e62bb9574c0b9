"""Values of a query, bound and never part of its text."""

from typing import Any


class Parameters:
    """Collects values and hands out the placeholder of each: `{p0:String}`."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, type_name: str, value: Any) -> str:
        """Bind a value of a ClickHouse type; returns what stands for it in the SQL."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{type_name}}}"
