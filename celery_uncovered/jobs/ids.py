"""The ids of new jobs: UUIDs of version 7 (RFC 9562), which begin with the time.

Jobs of the same minute lie side by side in every index that holds the id, so that a database writes
few of its pages; those of random ids would be spread over all of them.
"""

import os
import time

#: The two bits of the variant, in front of fourteen random ones.
VARIANT, RANDOM = 0x8000, 0x3FFF


def new_id() -> str:
    """48 bits of milliseconds since 1970, and 74 random ones, as 36 characters."""
    noise = os.urandom(10)
    moment = f"{time.time_ns() // 1_000_000:012x}"
    version = int.from_bytes(noise[:2]) & 0x0FFF
    variant = VARIANT | int.from_bytes(noise[2:4]) & RANDOM
    return f"{moment[:8]}-{moment[8:]}-7{version:03x}-{variant:04x}-{noise[4:].hex()}"
