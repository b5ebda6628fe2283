"""The hot-repositories report as pure functions: period, ranking, CSV, summary."""

from celery_uncovered.toyex.report.csv_export import HEADER, undo_prefix, write_csv
from celery_uncovered.toyex.report.periods import (
    GROUPINGS,
    PERIODS,
    BadInput,
    parse_grouping,
    parse_period,
    parse_ref_date,
    since,
)
from celery_uncovered.toyex.report.ranking import Group, Ranked, group, top
from celery_uncovered.toyex.report.summary import summarise

__all__ = [
    "GROUPINGS",
    "HEADER",
    "PERIODS",
    "BadInput",
    "Group",
    "Ranked",
    "group",
    "parse_grouping",
    "parse_period",
    "parse_ref_date",
    "since",
    "summarise",
    "top",
    "undo_prefix",
    "write_csv",
]
