"""What a container may do to its host and to itself, were somebody to get in."""

from collections.abc import Iterator

from ops.compose.container import Container

_OF_THE_HOST = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
_SHOWS_A_SECRET = ("PASSWORD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY")


def read_only_root(container: Container) -> Iterator[str]:
    """Nothing can be put among its programs."""
    if container.body.get("read_only") is not True:
        yield "its root file system can be written to: read_only: true, and tmpfs or a volume for what it writes"


def no_capabilities(container: Container) -> Iterator[str]:
    """Root's single powers, which a process that is not root may still have."""
    if container.body.get("cap_drop") != ["ALL"]:
        yield "it keeps capabilities: cap_drop: [ALL]"


def no_added_capabilities(container: Container) -> Iterator[str]:
    """Each one given back needs a reason."""
    for name in container.body.get("cap_add") or ():
        yield f"it is given a capability: {name}"


def no_new_privileges(container: Container) -> Iterator[str]:
    """A program with the set-user-id bit gains nothing."""
    if "no-new-privileges:true" not in (container.body.get("security_opt") or ()):
        yield "a program in it could gain privileges: security_opt: [no-new-privileges:true]"


def not_root(container: Container) -> Iterator[str]:
    """By number, since a name is looked up in the image, and root could be behind it."""
    user, _, group = str(container.body.get("user", "")).partition(":")
    if not user.isdecimal() or not group.isdecimal():
        yield 'it does not say by number who it runs as: user: "UID:GID"'
    elif int(user) == 0:
        yield "it runs as root"


def not_the_host(container: Container) -> Iterator[str]:
    """Its own namespaces, no device, no privileged mode."""
    if container.body.get("privileged"):
        yield "it is privileged"
    if container.body.get("devices"):
        yield "it is given devices of the host"
    for key in _OF_THE_HOST:
        if str(container.body.get(key, "")).startswith(("host", "container:")):
            yield f"it shares the host's: {key}"


def own_paths_only(container: Container) -> Iterator[str]:
    """Of the host it sees parts of this repository, never the engine's socket."""
    for bind in container.binds:
        if "docker.sock" in bind.source or not bind.source.startswith("./") or ".." in bind.source.split("/"):
            yield f"it sees {bind.source} of the host"


def binds_read_only(container: Container) -> Iterator[str]:
    """What it writes goes to a volume."""
    for bind in container.binds:
        if not bind.read_only:
            yield f"it can write to {bind.source} of the host"


def binds_not_made(container: Container) -> Iterator[str]:
    """A missing file is an error at `up`, and no empty folder of root's."""
    for bind in container.binds:
        if bind.made_by_docker:
            yield f"Docker would make {bind.source} as a folder of root's where it is missing: create_host_path: false"


def no_shown_secrets(container: Container) -> Iterator[str]:
    """`docker inspect` and every child process show the environment. A variable that names a file is fine."""
    for name, value in container.environment.items():
        if any(word in name.upper() for word in _SHOWS_A_SECRET) and not name.upper().endswith("_FILE") and value:
            yield f"a secret is in its environment: {name}"
