"""Whether the tests of a behaviour notice when its mechanism is broken."""
