"""One masker for all that is stored or sent to be read: secrets in texts and values become MASK.

What it takes for a secret: values under names like ``password`` or ``api_key`` (``is_secret_name``;
JOBS_SECRET_NAMES adds names), the values of the settings that have such names, and what looks like
one: tokens of well-known makers, JWTs, private keys, credentials in addresses and headers, card
numbers. A text without any costs about a microsecond for each hundred characters; one with some
takes time in proportion to its length, whatever it says.
"""

from celery_uncovered.jobs.masking.hints import MASK
from celery_uncovered.jobs.masking.names import is_secret_name
from celery_uncovered.jobs.masking.text import mask_text
from celery_uncovered.jobs.masking.values import mask_value

__all__ = ["MASK", "is_secret_name", "mask_text", "mask_value"]
