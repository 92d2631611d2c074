"""The marks of deploys on the dashboards: points of the series `emini_rag_deploy`, written into Prometheus.

The label `checkpoint` names where to go back to.
"""

from ops.checkpoint.mark import point

NAME = "emini_rag_deploy"


def mark(prometheus: str, environment: str, version: str, event: str, checkpoint: str, at_s: float) -> bool:
    """`event` is up, kept, rolled_back or rollback. Whether Prometheus took it."""
    return point(prometheus, NAME, environment, at_s, version=version, event=event, checkpoint=checkpoint)
