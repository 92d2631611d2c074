"""A small application with every kind of reply, measured as the service is."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from opentelemetry.sdk.trace.export import SpanExporter

from service.clock import Clock
from service.settings import prepare_environment
from service.telemetry.setup import Telemetry
from service.telemetry.tracing import current_trace

# Read once per process by the instrumentation, at its first use.
prepare_environment()

CANARY = "canary-4f1c9d"
MODELS = ("small:1b", "large:8b")


def make_telemetry(
    *,
    traces_url: str = "",
    exporter: SpanExporter | None = None,
    clock: Clock | None = None,
    models: Sequence[str] = MODELS,
    export_timeout_s: float | None = None,
) -> Telemetry:
    return Telemetry(
        service="emini-rag-test",
        version="1.2.3",
        environment="testing",
        models=models,
        embedder="embed:1",
        traces_url=traces_url,
        export_timeout_s=export_timeout_s,
        clock=clock,
        exporter=exporter,
    )


class SampleApp:
    """`seen_traces`, `seen_queries` and `seen_agents` hold what handlers saw of their requests."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.seen_traces: list[str] = []
        self.seen_queries: list[str] = []
        self.seen_agents: list[str] = []
        self.app = FastAPI()
        router = APIRouter()
        router.add_api_route("/ask", self._ask, methods=["POST"])
        router.add_api_route("/documents/{document_id}", self._document, methods=["GET", "DELETE"])
        router.add_api_route("/stream", self._stream, methods=["GET"])
        router.add_api_route("/endless", self._endless, methods=["GET"])
        router.add_api_route("/boom", self._boom, methods=["GET"])
        router.add_api_route("/healthz", self._health, methods=["GET"])
        router.add_api_route("/metrics", self._health, methods=["GET"])
        router.add_api_route("/monitoring/live", self._health, methods=["GET"])
        router.add_api_route("/console/{name:path}", self._health, methods=["GET"])
        self.app.include_router(router)
        self.app.include_router(router, prefix="/api")
        telemetry.instrument(self.app)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://service.test")

    async def _ask(self, request: Request) -> JSONResponse:
        self.seen_traces.append(current_trace().trace_id)
        self.seen_queries.append(request.url.query)
        self.seen_agents.append(request.headers.get("user-agent", ""))
        headers = {"x-rag-cache": request.headers.get("x-wanted-cache", "miss"), "x-rag-model": "small:1b"}
        return JSONResponse({"answer": "yes"}, headers=headers)

    async def _document(self, document_id: str) -> dict[str, str]:
        self.seen_traces.append(current_trace().trace_id)
        return {"id": document_id}

    async def _stream(self) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for number in range(3):
                self.seen_traces.append(current_trace().trace_id)
                await asyncio.sleep(0)
                yield f"{number}\n".encode()

        return StreamingResponse(chunks(), media_type="text/plain")

    async def _endless(self) -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                yield b"more\n"
                await asyncio.sleep(0.005)

        return StreamingResponse(chunks(), media_type="text/plain")

    async def _boom(self) -> None:
        raise ValueError(f"cannot read {CANARY}")

    async def _health(self) -> dict[str, str]:
        return {"status": "ok"}
