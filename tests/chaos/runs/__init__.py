"""Durable runs under fire: everything is killed while they go on, and then they are audited."""
