"""The storages an instance knows by name: its own, and those the operator named for exports."""

import msgspec

from shared.config import ConfigError, ObjectsSettings
from shared.objects import Objects, open_objects
from shared.refusals import Refusal, Rejected

DESTINATIONS = 'Further storages an export may go to, by name: {"lake": "s3://…"}.'


class Destinations:
    """The instance's own storage and the named ones, each opened when it is needed."""

    def __init__(self, settings: ObjectsSettings, destinations: str) -> None:
        """`destinations` is a JSON object of URLs; raises ConfigError for what is none."""
        self._public_url = settings.public_url
        try:
            named = msgspec.json.decode(destinations, type=dict[str, str])
        except msgspec.MsgspecError as error:
            raise ConfigError(["SLUICE_EXPORT_DESTINATIONS is no JSON object of texts"]) from error
        self._urls = {**named, "": settings.objects}
        self._opened: dict[str, Objects] = {}

    def __call__(self, name: str) -> Objects:
        """The storage of that name, '' for the own one; refuses names nobody gave (`bad_destination`)."""
        if name not in self._urls:
            known = ", ".join(sorted(filter(None, self._urls))) or "none"
            raise Rejected(Refusal.BAD_DESTINATION, f"{name[:80]!r} is not known; the operator named {known}")
        if name not in self._opened:
            self._opened[name] = open_objects(self._urls[name], public_url=self._public_url)
        return self._opened[name]

    def close(self) -> None:
        """Let go of connections."""
        for objects in self._opened.values():
            objects.close()


def remove_all(objects: Objects, prefix: str, manifest: str) -> int:
    """Remove every object of a prefix, the manifest first: what has none is not complete. How many there were.

    Blocks; harmless to repeat. Raises as the storage does.
    """
    objects.delete(prefix + manifest)
    objects.sweep(prefix)
    removed = 0
    for found in list(objects.list(prefix)):
        objects.delete(found.key)
        removed += 1
    return removed
