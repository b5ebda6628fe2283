"""Registers the app: the hot-repositories report, and what the pages should show of it."""

from django.apps import AppConfig


class ToyexConfig(AppConfig):
    name = "celery_uncovered.toyex"
    label = "toyex"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery_uncovered.jobs import api as jobs
        from celery_uncovered.toyex import checks
        from celery_uncovered.toyex.report import GROUPINGS, PERIODS
        from celery_uncovered.toyex.reports import BUILD, FETCH, PRODUCE
        from celery_uncovered.toyex.web.panel import report_panel_context

        checks.register_checks()
        jobs.register_link(
            jobs.NavigationLink(
                label="Reports",
                url_name="toyex:reports",
                order=10,
                summary="The five hundred hottest GitHub repositories of a day, week or month: "
                "five pages fetched at once, one CSV to download, or to get by mail.",
            )
        )
        jobs.register_open_tasks(PRODUCE, FETCH, BUILD)
        jobs.register_example(
            jobs.Example(
                label="Hot repositories",
                summary="Five pages of GitHub's search at once, one chord, one CSV.",
                url_name="toyex:hot-repos",
                run_url_name="toyex:hot-repos",
                fields={"period": "week", "group_by": "topic"},
                order=10,
            )
        )
        jobs.register_panel(
            jobs.ResultPanel(
                tasks=frozenset({PRODUCE, BUILD}),
                template="toyex/report_panel.html",
                context=report_panel_context,
            )
        )
        jobs.register_schedulable(
            jobs.SchedulableTask(
                task=PRODUCE,
                label="Hot repositories report, by mail",
                choices={"period": PERIODS, "group_by": GROUPINGS},
                fixed={"mail": True},
            )
        )
