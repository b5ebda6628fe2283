"""Bytes for people: sixteen a line, in hexadecimal and as text."""

WIDTH = 16
#: The bytes that ASCII shows as one character each.
PRINTABLE = range(0x20, 0x7F)


def hexdump(data: bytes) -> str:
    """``00000000  7b 22 …  |{"…|``, as hexdump -C writes it."""
    return "\n".join(_line(at, data[at : at + WIDTH]) for at in range(0, len(data), WIDTH))


def _line(at: int, part: bytes) -> str:
    left, right = part[:8].hex(" "), part[8:].hex(" ")
    text = "".join(chr(byte) if byte in PRINTABLE else "." for byte in part)
    return f"{at:08x}  {left:<23}  {right:<23}  |{text}|"
