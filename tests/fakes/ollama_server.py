"""A fake Ollama that speaks real HTTP: NDJSON streams, nanosecond durations, and every failure a test can ask for.

Sleeps, slots and loads are real, so the durations in the final message are true. It behaves as Ollama 0.24.0 was seen
to: fields that are zero are left out, a warm `load_duration` is small but never zero, errors after the first byte come
as an `error` line under status 200, and a client that leaves stops the work at once.
"""

import asyncio
import contextlib
import json
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from tests.fakes import ollama_wire as wire
from tests.fakes.ollama_models import (
    FOR_EVER,
    KEEP_ALIVE_S,
    FakeModel,
    Fault,
    Json,
    complaint,
    default_models,
    details,
    full_name,
    now,
    parts,
    ps,
    tag,
    tokens_of,
    vector_of,
)

__all__ = ["FakeModel", "FakeOllama", "Fault"]


@dataclass
class _Call:
    """What is known of one request while it is answered."""

    method: str
    path: str
    body: Json
    writer: asyncio.StreamWriter
    fault: Fault = field(default_factory=Fault)
    started: float = field(default_factory=time.perf_counter)


class _Dropped(Exception):
    """The connection is to be closed now, after what has been sent."""


class FakeOllama:
    """The server. `async with FakeOllama() as ollama:` in the test's loop, `with FakeOllama().in_thread() as ollama:`
    beside it. `kill` closes the port and every connection as a crash would; `start` brings it back at the same address.

    Knobs: `models` by full name (or `model(name)`), `faults` (each for one call of chat, generate or embed, in order),
    `fault` (for every such call while set), `poll_fault` (for tags, ps and show while set), `slots` parallel calls per
    model, `pull_steps` as /api/pull sends them, with `pull_pause_s` after each.
    Counters: `calls` by path, `requests` (path and body), `connections`, `running` and `most_running` calls per model
    and in all (key ""), `disconnects` (clients that left before the end), `loads` per model.
    """

    def __init__(self, models: Iterable[FakeModel] | None = None, *, slots: int = 1) -> None:
        installed = default_models() if models is None else models
        self.models = {model.name: model for model in installed}
        self.slots = slots
        self.faults: deque[Fault] = deque()
        self.fault: Fault | None = None
        self.poll_fault: Fault | None = None
        self.pull_steps: list[Json] = [
            {"status": "pulling manifest"},
            {"status": "pulling abc", "digest": "sha256:abc", "total": 100, "completed": 40},
            {"status": "pulling abc", "digest": "sha256:abc", "total": 100, "completed": 100},
            {"status": "success"},
        ]
        self.pull_pause_s = 0.0
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, Json]] = []
        self.connections = 0
        self.running: Counter[str] = Counter()
        self.most_running: Counter[str] = Counter()
        self.disconnects = 0
        self.loads: Counter[str] = Counter()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._loading: dict[str, asyncio.Lock] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def model(self, name: str) -> FakeModel:
        return self.models[full_name(name)]

    def bodies(self, path: str) -> list[Json]:
        """What was sent to `path`, oldest first."""
        return [body for called, body in self.requests if called == path]

    async def start(self) -> None:
        self._gates, self._loading = {}, {}
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Gone, with whatever was running; no model is in memory any more."""
        if self._server is None:
            return
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        for model in self.models.values():
            model.resident = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.kill()

    @contextlib.contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Serve from a thread with a loop of its own, for tests and benchmarks that are not asynchronous. Then `crash`
        and `come_back` stand for `kill` and `start`."""
        loop = self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="fake ollama", daemon=True)
        thread.start()
        try:
            self.come_back()
            yield self
        finally:
            self.crash()
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    def crash(self) -> None:
        """`kill`, from another thread."""
        self._from_outside(self.kill())

    def come_back(self) -> None:
        """`start`, from another thread."""
        self._from_outside(self.start())

    def _from_outside(self, step: Coroutine[None, None, None]) -> None:
        assert self._loop is not None, "not in a thread"
        asyncio.run_coroutine_threadsafe(step, self._loop).result(10)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except _Dropped:
            pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = b""
        while request := await wire.read_request(reader, first):
            method, path, content = request
            call = _Call(method, path, json.loads(content) if content else {}, writer)
            self.calls[path] += 1
            self.requests.append((path, call.body))
            work = asyncio.ensure_future(self._answer(call))
            heard = asyncio.ensure_future(reader.read(1))
            try:
                await asyncio.wait({work, heard}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done() and (heard.exception() is not None or not heard.result()):
                    self.disconnects += 1
                    return
                await work
                # What came early is the first byte of the next request.
                first = heard.result() if heard.done() else b""
            finally:
                await _end(work, heard)

    async def _answer(self, call: _Call) -> None:
        if call.path in {"/api/tags", "/api/ps", "/api/show"}:
            call.fault = self.poll_fault or Fault()
            await self._tell(call)
        elif call.path in {"/api/chat", "/api/generate", "/api/embed"}:
            call.fault = self.faults.popleft() if self.faults else self.fault or Fault()
            await self._infer(call)
        elif call.path == "/api/pull":
            await self._pull(call)
        elif call.path == "/api/version":
            await wire.reply(call.writer, 200, {"version": "0.24.0"})
        elif call.path == "/":
            await wire.reply(call.writer, 200, "Ollama is running")
        else:
            await wire.reply(call.writer, 404, "404 page not found")

    async def _tell(self, call: _Call) -> None:
        """What is installed, what is in memory, and what a model is."""
        if await _refused(call):
            return
        if call.fault.hang_before:
            await asyncio.Event().wait()
        models = self.models.values()
        if call.path == "/api/tags":
            await wire.reply(call.writer, 200, {"models": [tag(model) for model in models]})
        elif call.path == "/api/ps":
            await wire.reply(call.writer, 200, {"models": [ps(model) for model in models if model.resident]})
        elif model := await self._find(call):
            info = {"llama.context_length": model.context_length}
            shown = {"details": details(model), "model_info": info, "capabilities": list(model.capabilities)}
            await wire.reply(call.writer, 200, shown)

    async def _pull(self, call: _Call) -> None:
        await wire.begin(call.writer)
        for step in self.pull_steps:
            await wire.line(call.writer, step)
            await asyncio.sleep(self.pull_pause_s)
            if step.get("status") == "success":
                model = FakeModel(call.body["model"])
                self.models.setdefault(model.name, model)
        await wire.finish(call.writer)

    async def _find(self, call: _Call) -> FakeModel | None:
        name = str(call.body.get("model", ""))
        model = self.models.get(full_name(name))
        if model is None:
            await wire.reply(call.writer, 404, {"error": f"model '{name}' not found"})
        return model

    async def _infer(self, call: _Call) -> None:
        if await _refused(call):
            return
        model = await self._find(call)
        if model is None:
            return
        if wrong := complaint(call.body, model, call.path):
            await wire.reply(call.writer, 400, {"error": wrong})
            return
        load_s = await self._load(model, call.body)
        if call.path == "/api/embed":
            await self._embed(call, model, load_s)
        elif call.path == "/api/generate" or not call.body.get("messages"):
            done = {"model": call.body["model"], "created_at": now(), "done": True, "done_reason": "load"}
            await wire.reply(call.writer, 200, done | {"message": {"role": "assistant", "content": ""}, "response": ""})
        else:
            async with self._gates.setdefault(model.name, asyncio.Semaphore(self.slots)):
                with self._counted(model):
                    await self._chat(call, model, load_s)

    async def _load(self, model: FakeModel, body: Json) -> float:
        """Seconds until the model is there, as Ollama counts them: never zero. A client that leaves stops the load."""
        begun = time.perf_counter()
        num_ctx = body.get("options", {}).get("num_ctx")
        async with self._loading.setdefault(model.name, asyncio.Lock()):
            # Other options than the loaded ones mean another load.
            if not model.resident or model.num_ctx not in {None, num_ctx}:
                self.loads[model.name] += 1
                await asyncio.sleep(model.load_s)
            model.num_ctx = num_ctx
        keep_alive = body.get("keep_alive", KEEP_ALIVE_S)
        model.resident = keep_alive != 0
        model.stuck = model.stuck and model.resident
        for_ever = not isinstance(keep_alive, str) and keep_alive < 0
        model.expires_at = FOR_EVER if for_ever else now(KEEP_ALIVE_S)
        return max(time.perf_counter() - begun, 0.001)

    @contextlib.contextmanager
    def _counted(self, model: FakeModel) -> Iterator[None]:
        for name in (model.name, ""):
            self.running[name] += 1
            self.most_running[name] = max(self.most_running[name], self.running[name])
        try:
            yield
        finally:
            for name in (model.name, ""):
                self.running[name] -= 1

    async def _chat(self, call: _Call, model: FakeModel, load_s: float) -> None:
        if call.fault.hang_before or model.stuck:
            await asyncio.Event().wait()
        options = call.body.get("options", {})
        begun = time.perf_counter()
        await asyncio.sleep(model.prompt_eval_s)
        prompted = time.perf_counter()
        await wire.begin(call.writer)
        whole = parts(model, call.body.get("think"))
        limit = options.get("num_predict", -1)
        spoken = whole if limit < 0 else whole[:limit]
        async for part in self._at_pace(call, model, spoken):
            await _send(call, {"message": {"role": "assistant", "content": ""} | part, "done": False})
        if not call.fault.no_done:
            phases = {
                "total_duration": time.perf_counter() - call.started,
                "load_duration": load_s,
                "prompt_eval_duration": prompted - begun,
                "eval_duration": time.perf_counter() - prompted,
            }
            seen = min(tokens_of(call.body["messages"]), options.get("num_ctx", model.context_length))
            numbers = {name: round(seconds * 1e9) for name, seconds in phases.items()}
            numbers |= {"prompt_eval_count": seen, "eval_count": len(spoken)}
            final: Json = {"done": True, "done_reason": "length" if 0 <= limit <= len(whole) else "stop"}
            final |= {name: number for name, number in numbers.items() if number}
            await _send(call, {"message": {"role": "assistant", "content": ""}, **final})
        await wire.finish(call.writer)

    async def _at_pace(self, call: _Call, model: FakeModel, spoken: list[Json]) -> AsyncIterator[Json]:
        """The parts at the model's pace, until the fault's moment comes."""
        fault = call.fault
        for position in range(len(spoken) + 1):
            if fault.hang_after == position:
                await asyncio.Event().wait()
            if fault.cut_after == position:
                raise _Dropped
            if fault.error_after == position:
                await wire.line(call.writer, {"error": fault.message})
                await wire.finish(call.writer)
                raise _Dropped
            if fault.invalid_after == position:
                await wire.chunk(call.writer, b'{"message": nonsense\n')
            if position < len(spoken):
                await asyncio.sleep(model.token_s)
                yield spoken[position]

    async def _embed(self, call: _Call, model: FakeModel, load_s: float) -> None:
        given = call.body["input"]
        texts = [given] if isinstance(given, str) else given
        with self._counted(model):
            if call.fault.hang_before:
                await asyncio.Event().wait()
            await asyncio.sleep(model.prompt_eval_s * len(texts))
        answer: Json = {"model": call.body["model"]}
        answer["embeddings"] = [
            vector_of(text, model.dimensions) if model.vector is None else model.vector for text in texts
        ]
        if texts:
            answer["total_duration"] = round((time.perf_counter() - call.started) * 1e9)
            answer["load_duration"] = round(load_s * 1e9)
            answer["prompt_eval_count"] = sum(len(text.split()) + 2 for text in texts)
        await wire.reply(call.writer, 200, answer)


async def _refused(call: _Call) -> bool:
    """Play the faults that come before any work."""
    if call.fault.drop:
        raise _Dropped
    if call.fault.status:
        await wire.reply(call.writer, call.fault.status, {"error": call.fault.message})
        return True
    return False


async def _send(call: _Call, message: Json) -> None:
    content = json.dumps({"model": call.body["model"], "created_at": now(), **message}).encode() + b"\n"
    if not call.fault.drip_s:
        await wire.chunk(call.writer, content)
        return
    for byte in content:
        await wire.chunk(call.writer, bytes([byte]))
        await asyncio.sleep(call.fault.drip_s)


async def _end(*tasks: "asyncio.Future[None] | asyncio.Future[bytes]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
