"""Chaos: kills everything on a seeded schedule while jobs are submitted, then audits what is left."""
