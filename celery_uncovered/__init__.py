"""A background-job platform for Django: Celery moves the messages, the database is the truth."""
