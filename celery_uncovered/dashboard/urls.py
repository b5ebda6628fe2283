"""The addresses of the pages over all jobs."""

from django.urls import path

from celery_uncovered.dashboard.views import home, jobs, schedules, sign_in

app_name = "dashboard"
urlpatterns = [
    path("", home.home, name="home"),
    path("healthz/", home.healthz, name="healthz"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("schedules/", schedules.schedule_list, name="schedules"),
    path("schedules/new/", schedules.new_schedule, name="new-schedule"),
    path("schedules/<int:entry_id>/submit/", schedules.submit_now, name="submit-schedule"),
    path("schedules/<int:entry_id>/pause/", schedules.pause, name="pause-schedule"),
    path("schedules/<int:entry_id>/resume/", schedules.resume, name="resume-schedule"),
    path("schedules/<int:entry_id>/delete/", schedules.delete, name="delete-schedule"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
]
