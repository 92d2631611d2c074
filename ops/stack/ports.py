"""Which port each part of an installation listens on, natively and, for those people use, in Compose too."""

from dataclasses import dataclass, fields
from typing import Self

from ops.stack.process import free_port


@dataclass(frozen=True)
class Ports:
    """Ports on the loopback address. The first block is for people and clients; the second is between the parts."""

    service: int
    grafana: int
    prometheus: int
    alertmanager: int
    tempo: int
    otlp_grpc: int
    otlp_http: int
    ollama: int

    service_metrics: int
    collector_metrics: int
    collector_health: int
    tempo_grpc: int
    tempo_otlp_http: int
    tempo_memberlist: int

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody used a moment ago, all different."""
        taken: set[int] = set()
        while len(taken) < len(fields(cls)):
            taken.add(free_port())
        return cls(*taken)


PRODUCTION = Ports(
    service=8001,
    grafana=3001,
    prometheus=9090,
    alertmanager=9093,
    tempo=3200,
    otlp_grpc=4317,
    otlp_http=4318,
    ollama=11434,
    service_metrics=9464,
    collector_metrics=8888,
    collector_health=13133,
    tempo_grpc=9096,
    tempo_otlp_http=4418,
    tempo_memberlist=7946,
)
DEVELOPMENT = Ports(
    service=8002,
    grafana=3003,
    prometheus=9092,
    alertmanager=9095,
    tempo=3202,
    otlp_grpc=4327,
    otlp_http=4328,
    ollama=11435,
    service_metrics=9474,
    collector_metrics=8898,
    collector_health=13143,
    tempo_grpc=9106,
    tempo_otlp_http=4428,
    tempo_memberlist=7956,
)
