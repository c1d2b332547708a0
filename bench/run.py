"""Every kind of job and of run, as they pass between processes and into reports."""

from bench.cards import CardsJob, CardsRun
from bench.detection import OutliersJob, OutliersRun
from bench.hot import HotJob, HotRun
from bench.incidents import IncidentsJob, IncidentsRun
from bench.latency import LatencyJob, LatencyRun
from bench.memory import MemoryJob, MemoryRun
from bench.pipeline import PipelineJob, PipelineRun
from bench.rules import RulesJob, RulesRun
from bench.scoring import ScoringJob, ScoringRun
from bench.windows import WindowsJob, WindowsRun

DetectionJob = OutliersJob | CardsJob | IncidentsJob
DetectionRun = OutliersRun | CardsRun | IncidentsRun

AnyJob = PipelineJob | LatencyJob | HotJob | MemoryJob | WindowsJob | RulesJob | ScoringJob | DetectionJob
AnyRun = PipelineRun | LatencyRun | HotRun | MemoryRun | WindowsRun | RulesRun | ScoringRun | DetectionRun
