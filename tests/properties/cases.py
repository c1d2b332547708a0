"""Cases: a random stream with a random pack that suits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.properties.packs import DrawnPack, packs
from tests.properties.streams import SOME_TYPES, Stream, shapes, streams


@dataclass(frozen=True)
class Case:
    """A stream and the pack that judges it."""

    stream: Stream
    pack: DrawnPack


@st.composite
def cases(
    draw: st.DrawFn,
    entities: Sequence[str],
    *,
    forgetful: bool = False,
    types: st.SearchStrategy[Sequence[str]] = SOME_TYPES,
) -> Case:
    """A stream and a pack.

    Args:
        draw: by Hypothesis.
        entities: what windows are by.
        forgetful: True where windows and lateness may be shorter than the stream.
        types: of events.
    """
    shape = draw(shapes(types))
    stream = draw(streams(shape))
    span = None if forgetful else stream.span
    return Case(stream, draw(packs(shape.unit, shape.types, entities, span)))
