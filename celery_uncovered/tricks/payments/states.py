"""The lifecycle of a payment: its statuses, and the one table of moves between them.

```
ACCEPTED ──► CHARGING ──► SETTLED
    │            └──────► DECLINED, by the gateway
    └───────────────────► DECLINED, because its job was cancelled before anything was sent
```
"""

from django.db.models import TextChoices


class Status(TextChoices):
    ACCEPTED = "ACCEPTED", "Accepted"
    #: From here on the gateway may have been asked, and may have charged.
    CHARGING = "CHARGING", "Being charged"
    SETTLED = "SETTLED", "Settled"
    DECLINED = "DECLINED", "Declined"


OPEN = (Status.ACCEPTED, Status.CHARGING)
FINAL = (Status.SETTLED, Status.DECLINED)

#: For each status, the statuses that a payment may have before it; none comes before ACCEPTED.
SOURCES: dict[Status, tuple[Status, ...]] = {
    Status.ACCEPTED: (),
    Status.CHARGING: (Status.ACCEPTED,),
    Status.SETTLED: (Status.CHARGING,),
    Status.DECLINED: (Status.ACCEPTED, Status.CHARGING),
}
