"""Faults on demand: which is due, how often each still applies, and what each does to a request."""

import dataclasses
import json
import threading
from typing import Any, get_type_hints

#: What may go wrong; those of AFTER do when the charge is made, the others instead of it.
BEFORE = ("500", "503", "429", "timeout", "killed", "not-json", "401", "redirect")
AFTER = (
    "500-after-charging",
    "timeout-after-charging",
    "cut-after-charging",
    "killed-after-charging",
    "other-amount",
    "slow",
)
KINDS = (*BEFORE, *AFTER, "declined")


class BadRuleError(ValueError):
    """A rule that cannot be read; the message is one sentence."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """``times`` None means for ever, ``method`` "" both; ``seconds`` is for "timeout" and "slow"."""

    kind: str
    times: int | None = None
    method: str = "POST"
    seconds: float = 30.0


def parse_rules(body: bytes) -> list[Rule]:
    """Rules of a JSON list; raises BadRuleError."""
    try:
        return [_rule(value) for value in json.loads(body)]
    except BadRuleError:
        raise
    except (ValueError, TypeError) as error:
        message = f"The faults are no JSON list of rules: {error}"
        raise BadRuleError(message) from error


class FaultBook:
    """The rules in force; the first that fits a method is applied and used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rules: list[Rule]) -> None:
        with self._lock:
            self._rules += rules

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dataclasses.asdict(rule) for rule in self._rules]

    def take(self, method: str) -> Rule | None:
        with self._lock:
            for index, rule in enumerate(self._rules):
                if rule.method in {"", method}:
                    self._use(index, rule)
                    return rule
        return None

    def _use(self, index: int, rule: Rule) -> None:
        if rule.times is None:
            return
        if rule.times <= 1:
            del self._rules[index]
        else:
            self._rules[index] = dataclasses.replace(rule, times=rule.times - 1)


def _rule(value: dict[str, Any]) -> Rule:
    rule = Rule(**value)
    for name, kind in get_type_hints(Rule).items():
        wanted = (int | float) if kind is float else kind
        if not isinstance(getattr(rule, name), wanted):
            message = f'"{name}" of a rule may not be {getattr(rule, name)!r}.'
            raise BadRuleError(message)
    if rule.kind not in KINDS:
        message = f'Fault "{rule.kind}" is not known; choose one of: {", ".join(KINDS)}.'
        raise BadRuleError(message)
    return rule
