"""The root of the errors of backtests."""

from events.errors import FenghuoError


class BacktestError(FenghuoError):
    """Raised when a backtest can't use what it is given."""
