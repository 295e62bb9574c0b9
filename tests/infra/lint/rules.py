"""Every rule by its name. A rule is given a rendering and yields a sentence for each fault."""

from collections.abc import Callable, Iterator

from tests.infra.lint import eventing, pods, serving, wiring
from tests.infra.lint.world import World

Rule = Callable[[World], Iterator[str]]
RULES: dict[str, Rule] = {rule.__name__: rule for module in (pods, serving, eventing, wiring) for rule in module.RULES}
