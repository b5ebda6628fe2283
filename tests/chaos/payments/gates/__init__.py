"""An app that opens gates at the boundaries of a payment; only ``tests.chaos.payments.settings`` installs it."""
