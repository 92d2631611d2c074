"""Where the parts of a development installation listen, and the ports of production, which no drill touches.

The same numbers as ops/stack/ports.py, which commands do not import; a test holds both together.
"""

DEVELOPMENT = "development"
SERVICE = "http://127.0.0.1:8002"
PROMETHEUS = "http://127.0.0.1:9092"
ALERTMANAGER = "http://127.0.0.1:9095"
OLLAMA = "http://127.0.0.1:11435"

PRODUCTION_OLLAMA = 11434
PRODUCTION = frozenset(
    {8001, 3001, 9090, 9093, 3200, 4317, 4318, PRODUCTION_OLLAMA, 9464, 8888, 13133, 9096, 4418, 7946, 3000, 8000}
)
