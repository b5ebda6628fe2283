"""What a run does: how many payments, and which of them meets whose death at which boundary."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

#: The boundaries of a payment, in their order, and what dies there.
WEB = ("row committed", "message sent")
WORKER = (
    "claimed",
    "CHARGING written",
    "request sent",
    "answer received",
    "SETTLED written",
    "result recorded",
)
#: The gateway dies by a fault of its own, at whatever payment comes next.
GATEWAY = {
    "gateway before the charge": "killed",
    "gateway after the charge": "killed-after-charging",
}
BOUNDARIES = (*WEB, *WORKER, *GATEWAY)
#: Below DATA_DIR: what is to die, a file for each; and who died, a line for each.
GATES, DEATHS = "gates", "deaths"
#: How far a payment had come when its job was lost.
ORPHANS = (FORGOTTEN_KIND, NOTED_KIND, ASKED_KIND) = ("forgotten", "noted", "asked")
#: What dies: the process at the boundary, or all of its service.
CHILD, ALL = "child", "all"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``kills`` processes die at each boundary; of them one in ``all_of`` takes its whole service along.

    ``orphans`` payments are left without a job, in each of three stages in turns. ``spare`` more deaths are prepared at each boundary,
    since another process may bring a payment past it.
    """

    stack: str
    payments: int
    kills: int
    seed: int
    all_of: int = 5
    orphans: int = 60
    spare: int = 4
    clients: int = 6
    patience: float = 120.0
    gates: Mapping[str, tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gates", self._gates())

    def _gates(self) -> dict[str, tuple[str, str]]:
        """By the payment's reference: the boundary, and what dies."""
        dice = self.random("gates")
        references = self.references()[: self.payments - self.orphans]
        wanted = [
            (boundary, ALL if number % self.all_of == 0 else CHILD)
            for boundary in (*WEB, *WORKER)
            for number in range(1, self.kills + self.spare + 1)
        ]
        return dict(zip(dice.sample(references, len(wanted)), wanted, strict=True))

    def references(self) -> list[str]:
        """One for each payment; the last ones are the orphans'."""
        return [f"payment {number:04}" for number in range(1, self.payments + 1)]

    def orphans_by_reference(self) -> dict[str, str]:
        lost = self.references()[self.payments - self.orphans :]
        return {one: ORPHANS[number % len(ORPHANS)] for number, one in enumerate(lost)}

    def amount_of(self, reference: str) -> int:
        """In cents; none that the stand-in declines."""
        amount = self.random(f"amount of {reference}").randint(100, 99_999)
        return amount + 1 if amount % 100 == 13 else amount

    def random(self, purpose: object) -> random.Random:
        """Randomness that is the same in every run with this seed."""
        return random.Random(f"{self.seed} {purpose}")  # noqa: S311  # no secret hangs on it

    def prepared(self) -> Counter[str]:
        return Counter(boundary for boundary, _ in self.gates.values())
