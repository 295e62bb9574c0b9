"""Paths with named segments, such as `/api/v1/receipts/{id}`: the one way the host and the functions read them."""

NAMED_FIRST, NAMED_LAST = "{", "}"


def is_template(path: str) -> bool:
    """Whether a path of the wiring table has a named segment."""
    return NAMED_FIRST in path


def match(template: str, path: str) -> dict[str, str] | None:
    """The segments of a decoded path by their names in the template; None where the path is another one.

    A named segment is one segment that is not empty; all others must be the same, letter by letter.
    """
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found: dict[str, str] = {}
    for name, value in zip(wanted, given, strict=True):
        if name.startswith(NAMED_FIRST) and name.endswith(NAMED_LAST):
            if not value:
                return None
            found[name[1:-1]] = value
        elif name != value:
            return None
    return found
