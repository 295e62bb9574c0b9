"""What query_retention works with: the guarded warehouse and the keys."""

from shared.query.ports import Ports, Settings, opens

__all__ = ["Ports", "Settings", "opens"]
