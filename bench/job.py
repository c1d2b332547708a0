"""A job: what one process of a bench has to do; each subject has its own kind."""

from msgspec import Struct

from bench.load import Customers


class Job(Struct, frozen=True, kw_only=True, tag=True):
    """What every kind of job has.

    Args:
        folder: for everything that the job writes; exists.
        seconds: the measured part ends after that, however far it is.
    """

    folder: str
    seconds: float

    @property
    def what(self) -> str:
        """The job in a few words, for people."""
        raise NotImplementedError


class LoadJob(Job, frozen=True, kw_only=True):
    """A job over one load.

    Args:
        customers: how the events are spread.
        events: file of the events.
        size: how many there are.
        warm_up: file of events that are judged before the clock starts.
    """

    customers: Customers
    events: str
    size: int
    warm_up: str
