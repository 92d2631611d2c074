"""What a plain FastAPI service costs: `python -m tests.bench.bare_app PORT ANSWER.json [OTLP ADDRESS]`.

The same route, the same body, the same server and settings of it as ours; the answer is a ready object, so that nothing
but the framework's own work is measured: no guard, no keys, no routing, no cache. With an address it is instrumented as
the documentation of OpenTelemetry shows: defaults, and spans in batches to that address.
"""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from service.api.answers import AnswerShape
from service.api.bodies import AskBody


def make_app(answer: AnswerShape) -> FastAPI:
    app = FastAPI()

    @app.post("/ask")
    async def ask(body: AskBody) -> AnswerShape:
        return answer

    return app


def main(port: int, answer: Path, otlp: str = "") -> None:
    app = make_app(AnswerShape.model_validate_json(answer.read_text()))
    if otlp:
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp}/v1/traces")))
        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
