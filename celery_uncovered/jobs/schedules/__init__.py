"""Schedules: what is due when, what becomes of each occurrence, and the beat that decides it once.

Each module but ``scheduler`` works without django-celery-beat, whose row of a schedule it is handed.
"""
