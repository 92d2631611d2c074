"""TraceQL that an alert brings along: the spans to look at, of the service and environment that the alert is about."""

from prometheus.rule import ENVIRONMENT, label
from service.telemetry.catalogue import Attribute, SpanName

# As the resource of every span says.
SERVICE = "emini-rag"


def of_environment(environment: str) -> str:
    """The condition that every search begins with; `environment` may be a variable or a template."""
    return f'resource.service.name = "{SERVICE}" && resource.deployment.environment.name = "{environment}"'


def questions(condition: str) -> str:
    """Spans of whole questions."""
    return spans(f'name = "{SpanName.ASK}" && {condition}')


def spans(condition: str) -> str:
    """Spans of any kind."""
    return f"{{ {of_environment(label(ENVIRONMENT))} && {condition} }}"


def of_model(model_label: str) -> str:
    """Of the model that the alert names."""
    return f'span.{Attribute.REQUEST_MODEL} = "{label(model_label)}"'
