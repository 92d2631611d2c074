"""The adapters of caches, models and documents, each with its wrapper, made from settings. For `bootstrap.py` alone.

What has to end registers its end on the stack as it is made.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from service.cache.memory import MemoryCache
from service.cache.port import Cache, CacheName
from service.cache.sqlite import SqliteCache
from service.cache.tiered import TieredCache
from service.cache.valkey import ValkeyCache
from service.clock import Clock
from service.corpus.corpus_file import CorpusFile
from service.corpus.document_writer import IngestLimits
from service.corpus.ingest import DocumentCorpus
from service.corpus.loaders.sandbox import SandboxedLoader
from service.corpus.upkeep import CorpusUpkeep
from service.embedding.cached import CachedEmbedder
from service.embedding.null import NullEmbedder
from service.embedding.ollama import OllamaEmbedder
from service.embedding.port import Embedder
from service.errors import ErrorKind, ServiceError
from service.generation.breaker import Breakers
from service.generation.ollama import OllamaGenerator
from service.generation.port import Generator
from service.generation.scripted import ScriptedGenerator
from service.ollama.client import make_client
from service.retrieval.chroma import ChromaIndex
from service.retrieval.chroma_store import EmbeddedChroma, RemoteChroma
from service.retrieval.fts import FtsIndex
from service.retrieval.hybrid import HybridRetriever
from service.retrieval.port import KeywordIndex, Retriever, VectorIndex
from service.retrieval.threads import WorkerThreads
from service.routing.digests import KnownDigests
from service.routing.fixed import FixedModelDirectory
from service.routing.ollama import OllamaModelDirectory
from service.routing.polling import ModelPolling
from service.routing.port import ModelDirectory, ModelSnapshot, Tier
from service.settings import Settings
from service.telemetry.instrumented.cache import InstrumentedCache
from service.telemetry.instrumented.embedder import InstrumentedEmbedder
from service.telemetry.instrumented.keyword_index import InstrumentedKeywordIndex
from service.telemetry.instrumented.peer import Peer
from service.telemetry.instrumented.retriever import InstrumentedRetriever
from service.telemetry.instrumented.vector_index import InstrumentedVectorIndex
from service.telemetry.setup import Telemetry
from service.telemetry.tracing import trace_headers

# An address that is no address: a model that answers by rule, for development and measurements without Ollama.
SCRIPTED_URL = "scripted:"
_DEFAULT_CORPUS = "default"
_EMBEDDINGS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that comes from the model server."""

    directory: ModelDirectory
    breakers: Breakers
    embedder: Embedder
    generator: Generator
    peer: Peer


@dataclass(frozen=True, slots=True)
class Documents:
    """Everything that comes from the documents. `plain_vectors` and `plain_keywords` are those that probes ask."""

    corpus: DocumentCorpus
    retriever: Retriever
    upkeep: CorpusUpkeep
    plain_vectors: VectorIndex
    plain_keywords: KeywordIndex


def make_cache(name: CacheName, settings: Settings, clock: Clock, stack: AsyncExitStack) -> Cache:
    """Memory in front of what lasts; vectors of questions in memory alone, since they are made in milliseconds."""
    bounds = settings.cache
    if name is CacheName.EMBEDDING:
        return MemoryCache(name, _EMBEDDINGS_KEPT if bounds.max_entries else 0, bounds.max_bytes, clock)
    memory = MemoryCache(name, bounds.max_entries, bounds.max_bytes, clock)
    lasting = (
        ValkeyCache(name, bounds.url, bounds.max_entries, clock)
        if bounds.url
        else SqliteCache(name, settings.data_dir / f"cache-{name}.sqlite3", bounds.max_entries, bounds.max_bytes, clock)
    )
    cache = TieredCache(memory, lasting, clock)
    stack.push_async_callback(cache.close)
    return cache


def make_models(
    settings: Settings, vectors_kept: Cache, telemetry: Telemetry, clock: Clock, stack: AsyncExitStack
) -> Models:
    breakers = Breakers(clock, models=settings.chat_models)
    if settings.ollama.url == SCRIPTED_URL:
        _refuse_in_production(settings)
        directory = FixedModelDirectory(settings.chat_models, clock)
        scripted = ScriptedGenerator(clock, models=settings.chat_models)
        return Models(directory, breakers, NullEmbedder(), scripted, Peer("scripted", "localhost", 0))
    client = make_client(settings.ollama.url, connect_timeout_s=settings.ollama.connect_timeout_s)
    stack.push_async_callback(client.close)
    embedding = settings.embedding.model
    names = (*settings.chat_models, *([embedding] if embedding else ()))
    digests = KnownDigests(settings.data_dir / "models.json")
    found = OllamaModelDirectory(
        client,
        names,
        clock,
        num_ctx=settings.ollama.num_ctx,
        keep_alive=settings.ollama.keep_alive,
        digests=digests.by_model,
    )

    def heard(snapshot: ModelSnapshot) -> None:
        if snapshot.reachable:
            breakers.server_answered()

    polling = ModelPolling(found, settings.ollama.poll_s, [heard, digests.note])
    polling.start()
    stack.push_async_callback(polling.close)
    generator = OllamaGenerator(
        client,
        breakers=breakers,
        snapshot=found.snapshot,
        clock=clock,
        first_token_s=settings.deadlines.first_token_s,
        between_tokens_s=settings.deadlines.between_tokens_s,
        num_ctx=settings.ollama.num_ctx,
        keep_alive=settings.ollama.keep_alive,
        thinking_tiers=frozenset({Tier.RESEARCH}) if settings.ollama.think else frozenset(),
    )
    peer = Peer.of("ollama", settings.ollama.url)
    if not embedding:
        return Models(found, breakers, NullEmbedder(), generator, peer)
    plain = OllamaEmbedder(
        client,
        embedding,
        snapshot=found.snapshot,
        clock=clock,
        query_timeout_s=settings.embedding.timeout_s,
        keep_alive=settings.ollama.keep_alive,
    )
    stack.push_async_callback(plain.close)
    timed = InstrumentedEmbedder(
        plain, telemetry.stages, telemetry.meters, peer, deadline_s=settings.embedding.timeout_s, clock=clock
    )
    counted = InstrumentedCache(vectors_kept, telemetry.stages, telemetry.meters)
    return Models(found, breakers, CachedEmbedder(timed, counted, clock), generator, peer)


def _refuse_in_production(settings: Settings) -> None:
    if settings.environment == "production":
        detail = (
            f"RAG_OLLAMA__URL={SCRIPTED_URL} gives made-up answers under the names of real models: set "
            "ENVIRONMENT=development to try it, or name an Ollama"
        )
        raise ServiceError(ErrorKind.OTHER, detail)


async def open_documents(
    settings: Settings, models: Models, telemetry: Telemetry, clock: Clock, stack: AsyncExitStack
) -> Documents:
    url, limits = settings.chroma.url, settings.ingestion
    store = RemoteChroma(url) if url else EmbeddedChroma(settings.data_dir / "chroma")
    chroma = ChromaIndex(
        store,
        corpus=_DEFAULT_CORPUS,
        timeout_s=settings.chroma.timeout_s,
        threads=settings.retrieval.threads,
        headers=trace_headers if url else None,
        clock=clock,
    )
    stack.push_async_callback(chroma.close)
    vectors = InstrumentedVectorIndex(chroma, telemetry.stages, Peer.of("chroma", url) if url else None)

    path = settings.data_dir / "corpus.sqlite3"
    loader = SandboxedLoader(limits.max_file_bytes, limits.max_pages, limits.parse_timeout_s, limits.parse_memory_bytes)
    corpus = DocumentCorpus(
        CorpusFile(path, clock),
        loader,
        models.embedder,
        vectors,
        clock,
        IngestLimits(limits.chunk_chars, limits.max_chunks, limits.max_file_bytes, settings.embedding.batch),
    )
    stack.push_async_callback(corpus.close)
    await corpus.repair()

    threads = WorkerThreads(settings.retrieval.threads, clock=clock)
    stack.callback(threads.close)
    fts = FtsIndex(path, threads)
    stack.push_async_callback(fts.close)
    hybrid = HybridRetriever(
        InstrumentedKeywordIndex(fts, telemetry.stages),
        vectors,
        lambda: corpus.active_embedder,
        clock,
        floor=settings.retrieval.floor,
        # Half of the time for the whole search, so that words alone can still answer within it.
        patience_s=settings.chroma.timeout_s / 2,
    )
    retriever = InstrumentedRetriever(
        hybrid, telemetry.stages, telemetry.meters, settings.embedding.model, deadline_s=settings.chroma.timeout_s
    )
    upkeep = CorpusUpkeep(
        corpus, str(settings.documents_dir), settings.ollama.poll_s, lambda: models.directory.snapshot().reachable
    )
    upkeep.start()
    stack.push_async_callback(upkeep.close)
    return Documents(corpus, retriever, upkeep, chroma, fts)
