"""An app with tasks for tests; only ``tests.support.settings`` installs it."""
