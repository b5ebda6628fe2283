"""Where a step runs: at once in the thread of its run, or in a thread of its own.

At once costs least, and holds up all other runs of the process. So a step runs in a thread of its
own until it has shown to be quick, and does so again after it was slow.
"""

#: What is quick, in seconds: so long may one step hold up the others.
QUICK = 0.002
#: So many quick times in a row are believed.
CONVINCING = 3


class Pace:
    """How long a step has taken in this process. Threads race for it, and no harm is done."""

    __slots__ = ("_quick",)

    def __init__(self) -> None:
        self._quick = 0

    @property
    def is_quick(self) -> bool:
        return self._quick >= CONVINCING

    def learn(self, seconds: float) -> None:
        if seconds > QUICK:
            # Longer to be believed again, the more it was off.
            self._quick = -min(1000, int(seconds / QUICK))
        elif self._quick < CONVINCING:
            self._quick += 1
