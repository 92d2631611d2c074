"""The rules that a Docker engine adds to this machine's packet filter, and taking them out again."""

import subprocess

_TABLES = ("filter", "nat")


class PacketFilter:
    """As it was when this was made. Other programs' rules stay, those of later too."""

    def __init__(self) -> None:
        self._policies = {table: _policies(_saved(table)) for table in _TABLES}
        self._had_docker = any("DOCKER" in _saved(table) for table in _TABLES)

    def restore(self) -> None:
        """Take out what Docker added, and give each built-in chain the policy that it had."""
        if self._had_docker:
            return
        for table in _TABLES:
            kept = [self._line(table, line) for line in _saved(table).splitlines() if "DOCKER" not in line]
            text = "\n".join(kept) + "\n"
            subprocess.run(["iptables-restore"], input=text, text=True, timeout=30, check=False, capture_output=True)

    def _line(self, table: str, line: str) -> str:
        chain, _, rest = line.partition(" ")
        policy = self._policies[table].get(chain)
        return f"{chain} {policy} {rest.partition(' ')[2]}" if policy else line


def _saved(table: str) -> str:
    done = subprocess.run(
        ["iptables-save", "-t", table], capture_output=True, text=True, timeout=30, check=False
    )  # fmt: skip
    return done.stdout


def _policies(saved: str) -> dict[str, str]:
    lines = (line.split() for line in saved.splitlines() if line.startswith(":"))
    return {words[0]: words[1] for words in lines if words[1] != "-"}
