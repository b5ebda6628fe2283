"""The addresses of the pages over all jobs."""

from django.urls import path

from celery_uncovered.dashboard.views import (
    dead_letters,
    home,
    jobs,
    queues,
    run_acts,
    runs,
    schedules,
    set_aside,
    sign_in,
)

app_name = "dashboard"
urlpatterns = [
    path("", home.home, name="home"),
    path("healthz/", home.healthz, name="healthz"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("workflows/", runs.run_list, name="runs"),
    path("workflows/<str:run_id>/", runs.page, name="run"),
    path("workflows/<str:run_id>/card/", runs.card, name="run-card"),
    path("workflows/<str:run_id>/event/", run_acts.event, name="send-event"),
    path("workflows/<str:run_id>/cancel/", run_acts.cancel, name="cancel-run"),
    path("workflows/<str:run_id>/resume/", run_acts.resume, name="resume-run"),
    path("workflows/<str:run_id>/fork/", run_acts.fork, name="fork-run"),
    path("dead-letters/", dead_letters.dead_letter_list, name="dead-letters"),
    path("dead-letters/retry/", dead_letters.retry, name="retry-dead-letters"),
    path("dead-letters/discard/", dead_letters.discard, name="discard-dead-letters"),
    path("set-aside/", set_aside.set_aside_list, name="set-aside"),
    path("set-aside/<int:number>/", set_aside.message, name="set-aside-message"),
    path("set-aside/<int:number>/bytes", set_aside.content, name="set-aside-bytes"),
    path("set-aside/<int:number>/send-back/", set_aside.send_back, name="send-back"),
    path("set-aside/<int:number>/discard/", set_aside.discard, name="discard-set-aside"),
    path("queues/", queues.queue_list, name="queues"),
    path("queues/pause/", queues.pause, name="pause-queue"),
    path("queues/resume/", queues.resume, name="resume-queue"),
    path("schedules/", schedules.schedule_list, name="schedules"),
    path("schedules/new/", schedules.new_schedule, name="new-schedule"),
    path("schedules/<int:entry_id>/", schedules.schedule, name="schedule"),
    path("schedules/<int:entry_id>/edit/", schedules.edit_schedule, name="edit-schedule"),
    path("schedules/<int:entry_id>/submit/", schedules.submit_now, name="submit-schedule"),
    path("schedules/<int:entry_id>/pause/", schedules.pause, name="pause-schedule"),
    path("schedules/<int:entry_id>/resume/", schedules.resume, name="resume-schedule"),
    path("schedules/<int:entry_id>/delete/", schedules.delete, name="delete-schedule"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
]
