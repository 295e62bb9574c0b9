"""Regular expressions that are kept for later: whether the warehouse can read them, found out now."""

from collections.abc import Sequence

from shared.query.ask import Asker, Warehouse
from shared.query.filters import Filter, pattern_of
from shared.query.parameters import Parameters
from shared.refusals import UnavailableError


async def check_patterns(filters: Sequence[Filter], warehouse: Warehouse, function: str) -> None:
    """Refuse filters whose regular expression is not RE2 (`bad_filter`); while the warehouse is away none is."""
    parameters = Parameters()
    bound = [parameters.bind("String", pattern_of(one)) for one in filters if one.op == "regex"]
    if not bound:
        return
    tried = ", ".join(f"match('', {one})" for one in bound)
    try:
        await Asker(warehouse, function=function).ask(f"SELECT {tried}", parameters.values)
    except UnavailableError:
        return
