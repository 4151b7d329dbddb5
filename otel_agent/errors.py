"""Every error this package raises on purpose.

::

    OtelAgentError
    ├── ConfigurationError          a setting that cannot be honoured
    ├── RecordError                 something is wrong with a trace; names the span
    │   ├── SourceNotFound          no such file, address or backend
    │   ├── RunNotFound             the source holds no such run
    │   ├── AmbiguousRun            the id given fits several runs
    │   ├── UnreadableSource        the bytes are in no format we know
    │   ├── UnknownClass            a value's class is not in the registry
    │   ├── NewerFormat             written by a later recording format
    │   ├── IncompleteRecord        a part never came
    │   │   ├── MissingSpan         a span of the run is not there
    │   │   ├── MissingReference    a value is referred to and nowhere written
    │   │   ├── CutAttribute        an attribute or a piece of a payload is gone
    │   │   └── WrongByteCount      a payload is shorter or longer than it says
    │   └── AlteredRecord           what is there is not what was written
    └── ReplayError
        ├── NotReplayable           the record says so itself, and why
        └── DivergenceError         replay asked for what the record does not hold

The write side never lets one of these reach the application; the read side never hides one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from otel_agent.model.divergence import Divergence


class OtelAgentError(Exception):
    """The root of all errors raised on purpose; ``code`` is stable and documented."""

    code: ClassVar[str] = "error"


class ConfigurationError(OtelAgentError):
    """A setting cannot be honoured; the message says which, and what would do."""

    code = "configuration"


class RecordError(OtelAgentError):
    """Something is wrong with a trace; ``span_id`` is the span it was noticed at, if one."""

    code = "record"

    def __init__(self, message: str, *, span_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span_id = span_id

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.span_id)


def _rebuild(cls: type[RecordError], message: str, span_id: str | None) -> RecordError:
    return cls(message, span_id=span_id)


class SourceNotFound(RecordError):
    """There is no such file, address or backend."""

    code = "source-not-found"


class RunNotFound(RecordError):
    """The source was read and holds no such run."""

    code = "run-not-found"


class AmbiguousRun(RecordError):
    """The id or prefix given fits several runs; the message lists them."""

    code = "ambiguous-run"


class UnreadableSource(RecordError):
    """The bytes are in no trace format we know; the message says where reading stopped."""

    code = "unreadable-source"


class UnknownClass(RecordError):
    """A value's class is not in the registry; the message gives the line that adds it."""

    code = "unknown-class"


class NewerFormat(RecordError):
    """The trace was written by a later recording format than this version reads."""

    code = "newer-format"


class IncompleteRecord(RecordError):
    """A part of the record never came."""

    code = "incomplete"


class MissingSpan(IncompleteRecord):
    """A span that the run counted is not in the trace."""

    code = "missing-span"


class MissingReference(IncompleteRecord):
    """A payload refers to a value that no span of the run holds."""

    code = "missing-reference"


class CutAttribute(IncompleteRecord):
    """An attribute or a piece of a payload is gone, or was cut by a backend."""

    code = "cut-attribute"


class WrongByteCount(IncompleteRecord):
    """A payload's length is not the byte count written beside it."""

    code = "wrong-byte-count"


class AlteredRecord(RecordError):
    """A digest or seal does not fit: what is there is not what was written."""

    code = "altered"


class ReplayError(OtelAgentError):
    """Replay could not be done or did not hold."""

    code = "replay"


class NotReplayable(ReplayError):
    """The record itself says that it cannot be replayed, and why."""

    code = "not-replayable"


class DivergenceError(ReplayError):
    """Replay asked for what the record does not hold; ``divergence`` says where and what."""

    code = "divergence"

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(str(divergence))
        self.divergence = divergence

    def __reduce__(self) -> tuple[object, ...]:
        return DivergenceError, (self.divergence,)
