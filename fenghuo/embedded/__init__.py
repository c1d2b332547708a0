"""Real servers from wheels (Valkey, PostgreSQL, a Kafka-protocol broker) for what no setting names.

`start_services` is the door; `start_valkey`, `start_postgres` and `start_broker` start one alone.
"""

from fenghuo.embedded.broker import start_broker
from fenghuo.embedded.errors import EmbeddedError, ServiceDied
from fenghuo.embedded.postgres import start_postgres
from fenghuo.embedded.service import Service
from fenghuo.embedded.services import Need, Services, start_services
from fenghuo.embedded.valkey import start_valkey

__all__ = [
    "EmbeddedError",
    "Need",
    "Service",
    "ServiceDied",
    "Services",
    "start_broker",
    "start_postgres",
    "start_services",
    "start_valkey",
]
