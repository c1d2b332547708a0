"""Structured logs: for people on a terminal, or one JSON object per line for machines."""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


class _Stderr(logging.Handler):
    """Writes to what `sys.stderr` is at that moment: it is another stream while the dataflow runs."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


def configure(level: str, *, machine: bool, process: str) -> None:
    """Set up structlog and the standard library's logging for this process.

    Args:
        level: least severe event that is written: debug, info, warning or error; of libraries never less
            than warning.
        machine: JSON lines instead of coloured text, of libraries too.
        process: name that every event carries, whichever thread logs it.
    """
    number = logging.getLevelNamesMapping()[level.upper()]

    def named(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"process": process, **event}

    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        named,
    ]
    last: list[Processor]
    if machine:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        # The plain traceback: the default one prints local variables, customers' data among them.
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    handler = _Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=first,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler])
