"""One run of `fenghuo bench`, in a process of its own: `python -m fenghuo.commands.bench_run JOB RESULT`.

Neither memory nor threads nor caches of one run reach the next. Servers are started for the run; those that
settings name are left alone. Kernels are loaded and connections made before the clock starts.
"""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event, Timer
from typing import Any

import msgspec
from bytewax.inputs import Source
from bytewax.outputs import Sink
from confluent_kafka import Consumer, TopicPartition
from prometheus_client import CollectorRegistry

from bench.naive import Naive
from bench.run import BenchError, Job, Pipeline, Run
from events.clock import wall_clock
from events.errors import FenghuoError
from fenghuo.commands.replay import REPLAY_PATIENCE, SNAPSHOT_SECONDS
from fenghuo.embedded import Services, start_services
from fenghuo.settings import Settings, load_settings
from fenghuo.wiring import Risk, build_flow, build_risk, run_flow
from store.redis.journal import connect
from telemetry.metrics import FlowMetrics
from wire.feed import Feed, Pace
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.kafka_sink import KafkaSink
from wire.kafka_source import KafkaSource
from wire.kafka_topics import DECISIONS as DECISIONS_TOPIC
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics
from wire.messages import RawBatch
from wire.output import Output
from wire.replay_sink import DECISIONS, ReplaySink, Totals
from wire.tables import read_tables

PACK = Path(__file__).parents[2] / "bench" / "packs" / "bench.yaml"
ALONE: dict[str, None] = {name: None for name in ("redis_url", "kafka", "database_url", "mappings", "rates")}


def bench_settings(**options: Any) -> Settings:
    """The settings of a run: shards, workers and partitions as set, servers and tables of its own."""
    return load_settings(pack=PACK, speed="max", **options).model_copy(update=ALONE)
