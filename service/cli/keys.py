"""`emini-rag keys`: making, listing and revoking API keys, on the key file itself.

A running service sees the change within seconds. The key is printed once and kept nowhere.
"""

import json
from typing import Annotated

import typer
from rich.table import Table

from service.auth.key_file import KeyRecord
from service.auth.keys import KeyStore
from service.auth.principal import Scope
from service.cli import surroundings
from service.cli.surroundings import Surroundings
from service.cli.wording import moment, plain, span_s

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def keys() -> None:
    """API keys. Scopes: ask (questions), ingest (documents), monitor (figures), admin (caches, models)."""


def _lifetime(text: str | None) -> str | None:
    if text is not None:
        try:
            span_s(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return text


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose key it is, such as laptop or ci.")],
    scope: Annotated[list[Scope], typer.Option(help="What it allows; may be given several times.")] = [Scope.ASK],  # noqa: B006
    expires: Annotated[str | None, typer.Option(callback=_lifetime, help="Life time, like 90d; default: none.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose documents and cached answers it sees.")] = "default",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the key alone, for a script.")] = False,
) -> None:
    """Make a key and print it, this once. A name may have two live keys, so that one can be changed without a gap."""
    here = surroundings.of(context)
    token, record = _store(here).create(name, scope, None if expires is None else span_s(expires), tenant)
    if not quiet:
        ends = f", until {moment(record.expires_at)}" if record.expires_at else ""
        here.note(f"Key {record.id} for {plain(name)}: {', '.join(sorted(record.scopes))}{ends}. It is shown only now:")
    typer.echo(token)
    if not quiet:
        here.note("Send it as `Authorization: Bearer <key>`; the commands here read it from RAG_API_KEY.")


@app.command("list")
def listing(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Every key without its secret, revoked and expired ones too."""
    here = surroundings.of(context)
    records = _store(here).list()
    now = here.clock.time()
    if as_json:
        typer.echo(json.dumps([_object(record, now) for record in records], indent=2))
    elif not records:
        here.out.print("There is no key. While there is none, the service answers anyone on this machine.")
    else:
        here.out.print(_table(records, now))


@app.command()
def revoke(context: typer.Context, key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a key for good; a running service refuses it within seconds."""
    here = surroundings.of(context)
    store = _store(here)
    record = store.revoke(key_id)
    here.out.print(f"Key {record.id} ({plain(record.name)}) is revoked.")
    if not store.has_live_keys():
        here.note("No live key is left: a service in mode auto on loopback now answers anyone on this machine.")


def state_of(record: KeyRecord, now: float) -> str:
    """live, expired or revoked."""
    if record.revoked_at is not None:
        return "revoked"
    return "live" if record.is_live(now) else "expired"


def _store(here: Surroundings) -> KeyStore:
    return KeyStore(here.settings.keys_file, here.clock)


def _table(records: tuple[KeyRecord, ...], now: float) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=12)
    for title in ("name", "state", "scopes", "tenant", "made", "expires", "last used"):
        table.add_column(title, overflow="fold")
    for record in records:
        table.add_row(
            record.id,
            plain(record.name),
            state_of(record, now),
            ", ".join(sorted(record.scopes)),
            plain(record.tenant),
            moment(record.created_at),
            moment(record.expires_at),
            moment(record.last_used_at),
        )
    return table


def _object(record: KeyRecord, now: float) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "state": state_of(record, now),
        "scopes": sorted(record.scopes),
        "tenant": record.tenant,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked_at": record.revoked_at,
        "last_used_at": record.last_used_at,
    }
