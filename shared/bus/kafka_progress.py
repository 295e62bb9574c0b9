"""What a consumer group has done in one partition, beyond Kafka's single number.

Kafka commits one offset: all before it is done. Records finish in any order, so the rest travels in the commit's
metadata: `log` names the topic's incarnation (the beginning of its id), `next` is the first offset never handed out,
`open` are those below it that are not done. A reader that knows nothing of it (Knative's KafkaSource) starts at the
committed offset and sees some records again.
"""

from collections import deque
from collections.abc import Iterable

_FORMAT = "sluice1"
_WORDS = 4
_NO_LOG = "-"
_METADATA_CHARACTERS = 3_500  # a broker takes 4,096 bytes


class Progress:
    """The state of one partition for one member: everything below `next` is done unless it is in `open`.

    `held` are the offsets this member handed out and that are not done; they are among the open ones.
    """

    def __init__(self, following: int = 0, still_open: Iterable[int] = (), held: Iterable[int] = ()) -> None:
        self.next = following
        self.open = {offset for offset in still_open if offset < following}
        self.held = self.open.intersection(held)
        self._again = deque(sorted(self.open - self.held))
        self._expected = self.start

    @property
    def base(self) -> int:
        """The offset to commit: all below it is done."""
        return min(self.open, default=self.next)

    @property
    def start(self) -> int:
        """Where the log is to be read from: the first record that this member has not been given."""
        return self._again[0] if self._again else self.next

    def meet(self, offset: int) -> int:
        """The attempt with which a record read from the log is to be handed out; 0 if it is not to be.

        Records come in rising order. A record below the one before it means that the log was deleted and starts
        anew: then nothing of what was known holds.
        """
        if offset < self._expected:
            self._start_anew(offset)
        self._expected = offset + 1
        while self._again and self._again[0] < offset:
            self.open.discard(self._again.popleft())  # retention has taken it
        if offset >= self.next:
            self.next = offset + 1
            self.open.add(offset)
            self.held.add(offset)
            return 1
        if self._again and self._again[0] == offset:
            self._again.popleft()
            self.held.add(offset)
            return 2
        return 0

    def _start_anew(self, offset: int) -> None:
        self.next = offset
        self.open.clear()
        self.held.clear()
        self._again.clear()

    def done(self, offset: int) -> None:
        """A record was handled; a repeat is harmless."""
        self.open.discard(offset)
        self.held.discard(offset)

    def metadata(self, log: str) -> str:
        """What goes with the commit of `base`; where too much is open, the upper part counts as not done."""
        base, following, texts, length = self.base, self.next, list[str](), 0
        for offset in sorted(self.open):
            text = str(offset - base)
            length += len(text) + 1
            if length > _METADATA_CHARACTERS:
                following = offset
                break
            texts.append(text)
        return f"{_FORMAT} {log or _NO_LOG} {following - base} {','.join(texts)}"

    def merged(self, committed: "Progress") -> "Progress":
        """This progress together with what the group has committed meanwhile; the log is read from `start` on.

        Done is what either of them has done. What this member still holds is not handed out again.
        """
        still_open = {offset for offset in self.open | committed.open if self.lacks(offset) and committed.lacks(offset)}
        return Progress(max(self.next, committed.next), still_open, self.held)

    def lacks(self, offset: int) -> bool:
        """Whether a record is not done."""
        return offset >= self.next or offset in self.open


def log_name(topic_id: object) -> str:
    """How metadata names a topic's incarnation; '' where the broker has no ids for topics."""
    return str(topic_id)[:8] if topic_id else ""


def read_progress(offset: int, metadata: str, log: str) -> Progress | None:
    """The progress behind a committed offset; metadata of any other kind means just the offset.

    None where it is about an earlier topic of the same name: nothing of this one is done.
    """
    words = metadata.split(" ")
    if len(words) != _WORDS or words[0] != _FORMAT:
        return Progress(offset)
    try:
        ahead, opened = int(words[2]), [int(text) for text in words[3].split(",") if text]
    except ValueError:
        return Progress(offset)
    if words[1] not in {log, _NO_LOG} and log:
        return None
    if ahead < 0:
        return Progress(offset)
    return Progress(offset + ahead, (offset + number for number in opened if number >= 0))
