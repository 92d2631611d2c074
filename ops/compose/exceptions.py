"""What breaks a rule on purpose, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Excuse:
    """`who` is a service by its name, or by its name in production for both; `about` = only faults that name it."""

    who: str
    rule: str
    reason: str
    about: str = ""

    def covers(self, name: str, role: str, rule: str, says: str) -> bool:
        """Whether a fault is meant."""
        return self.who in (name, role) and self.rule == rule and self.about in says


EXCUSES = (
    Excuse(
        "collector",
        "health",
        "its image holds the Collector's binary alone, which has no command that asks another one how it is; "
        "Prometheus scrapes it, and alerts when it is away",
    ),
    Excuse(
        "ollama",
        "processor",
        "models are what the box is for; it yields to the others by cpu_shares, and OLLAMA_CPUS limits it on request",
    ),
    Excuse(
        "prepare", "not_root", "it gives the volumes to those that are not, so that they need not start so", "as root"
    ),
    Excuse(
        "prepare", "no_added_capabilities", "it is what giving takes, without a network and for half a second", "CHOWN"
    ),
    Excuse("prepare", "no_added_capabilities", "it reads secrets that only their owner can read", "DAC_OVERRIDE"),
    Excuse("prepare", "health", "it ends by itself, and the others wait for that"),
    Excuse("prepare", "restarts", "it runs once at every start"),
    Excuse("prepare", "ends_in_time", "it ends by itself"),
    # Development only: production mounts no folder that is written to.
    Excuse("rag-service-dev", "binds_read_only", "where a developer wants to find what was made", "./outputs"),
    Excuse("rag-service-dev", "binds_not_made", "no part of a checkout; `prepare-dev` gives it away", "./outputs"),
    Excuse("prepare-dev", "binds_read_only", "it gives the folder to the service", "./outputs"),
    Excuse("prepare-dev", "binds_not_made", "no part of a checkout", "./outputs"),
)
