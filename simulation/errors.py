"""What goes wrong when a simulation is asked for."""

from events.errors import FenghuoError


class SimulationError(FenghuoError):
    """Raised when the arguments of a simulation make no stream; the text says which and what fits."""
