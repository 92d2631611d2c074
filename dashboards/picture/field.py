"""How one series or one column is to be shown: the panel's defaults, with what its overrides say about this name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """A threshold: from `value` on this colour; the first one has no value."""

    value: float | None
    color: str


@dataclass(frozen=True)
class Field:
    """`settings` are flat: `unit`, `custom.lineWidth`, ... as overrides name them."""

    settings: Mapping[str, Any]

    @property
    def unit(self) -> str:
        return str(self.settings.get("unit", "none"))

    @property
    def decimals(self) -> int | None:
        return self.settings.get("decimals")

    @property
    def empty(self) -> str:
        """What stands where there is nothing; "" says nothing about it."""
        return str(self.settings.get("noValue", ""))

    @property
    def least(self) -> float | None:
        return self.settings.get("min")

    @property
    def most(self) -> float | None:
        return self.settings.get("max")

    @property
    def fixed_color(self) -> str:
        """The one colour that was chosen, or ""."""
        color = self.settings.get("color", {})
        return str(color.get("fixedColor", "")) if color.get("mode") == "fixed" else ""

    @property
    def steps(self) -> list[Step]:
        return [Step(one.get("value"), one["color"]) for one in self.settings.get("thresholds", {}).get("steps", [])]

    @property
    def words(self) -> dict[str, tuple[str, str]]:
        """What values mean: value -> (text, colour), in the order of the mapping."""
        found = {}
        for mapping in self.settings.get("mappings", []):
            if mapping["type"] == "value":
                options = mapping["options"].items()
                found.update({value: (one.get("text", value), one.get("color", "text")) for value, one in options})
        return found

    @property
    def word_for_no_number(self) -> str:
        """What is said of NaN and of nothing."""
        for mapping in self.settings.get("mappings", []):
            if mapping["type"] == "special":
                return str(mapping["options"]["result"]["text"])
        return self.empty

    def custom(self, name: str, default: Any = None) -> Any:
        """A setting of the kind of panel."""
        return self.settings.get(f"custom.{name}", default)


def field_of(config: Mapping[str, Any], name: str = "") -> Field:
    """The field that is called `name`, of a panel's `fieldConfig`."""
    defaults = dict(config.get("defaults", {}))
    custom = defaults.pop("custom", {})
    settings = defaults | {f"custom.{key}": value for key, value in custom.items()}
    for override in config.get("overrides", []):
        if _matches(override["matcher"], name):
            settings |= {one["id"]: one["value"] for one in override["properties"]}
    return Field(settings)


def _matches(matcher: Mapping[str, Any], name: str) -> bool:
    """Raises `ValueError` for a matcher that no dashboard here uses."""
    match matcher["id"]:
        case "byName":
            return bool(matcher["options"] == name)
        case "byRegexp":
            return re.search(matcher["options"].strip("/"), name) is not None
        case other:
            raise ValueError(f"an override by {other!r} cannot be drawn")
