"""What the operator sees: a table of the parts, and what to do next."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.stack.plans import password_file, traces_file
from ops.stack.stack import Stack


def show(stack: Stack, out: Console) -> None:
    """The table of addresses, what is missing, and the next steps."""
    table = Table(
        "part", "address", "what it is for", title=f"emini-rag, {stack.site.environment}", title_justify="left"
    )
    for part in stack.parts.values():
        table.add_row(part.name, part.url, part.plan.what)
    # Nobody has looked whether one that is named answers.
    how = "named in RAG_OLLAMA__URL" if stack.site.named_model_server else "already running"
    for name, url in stack.external.items():
        table.add_row(name, url, f"{how}, not ended with this stack")
    for name, effect in stack.absent.items():
        table.add_row(name, "-", f"missing: {effect}", style="yellow")
    out.print(table)
    for name in stack.absent:
        out.print(f"{name}: {stack.remedies[name]}", style="yellow", soft_wrap=True, highlight=False, markup=False)
    for line in next_steps(stack):
        out.print(line, soft_wrap=True, highlight=False, markup=False)


def next_steps(stack: Stack) -> Iterator[str]:
    """Lines under the table."""
    url = stack.parts["service"].url
    yield f"Ask:    .venv/bin/emini-rag ask 'What is momentum trading?' --url {url} --explain"
    if "ollama" in stack.parts or "ollama" in stack.external:
        yield f"Models: RAG_OLLAMA__URL={_model_server(stack)} .venv/bin/emini-rag models list"
    if "grafana" in stack.parts:
        yield f"Grafana: user admin, first password in {_short(password_file(stack.site))}"
    if "otelcol" in stack.parts and "tempo" not in stack.parts:
        yield f"Traces: {_short(traces_file(stack.site))}, a line of JSON for each batch"
    yield f"Logs:   {_short(stack.folder)}/*/*.log"
    yield "End:    Ctrl-C"


def _model_server(stack: Stack) -> str:
    return stack.external.get("ollama") or stack.parts["ollama"].url


def _short(path: Path) -> str:
    """As a person would write it from where they are."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
