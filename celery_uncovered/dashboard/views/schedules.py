"""The page of schedules, for operators: create, pause, resume, submit now, delete."""

from zoneinfo import available_timezones

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_celery_beat.models import PeriodicTask

from celery_uncovered.dashboard import timetable
from celery_uncovered.dashboard.schedule_form import ScheduleForm
from celery_uncovered.jobs import api as jobs


@require_safe
@jobs.operators_only
def schedule_list(request: HttpRequest) -> HttpResponseBase:
    context = {
        "entries": timetable.entries(),
        "tasks": jobs.schedulable_tasks(),
        "may_change": jobs.viewer_of(request).operates,
    }
    return render(request, "dashboard/schedules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.operators_only
def new_schedule(request: HttpRequest) -> HttpResponseBase:
    """The form for the task in ``?task=``; POST creates, or says what is wrong."""
    form = ScheduleForm(_task_of(request), request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.free_name()
        timetable.create_entry(name=name, task=form.task, chosen=form.chosen(), times=form.times())
        messages.success(request, f"“{name}” is scheduled.")
        return _to_list()
    context = {"form": form, "task": form.task, "zones": sorted(available_timezones())}
    status = 400 if request.method == "POST" else 200
    return render(request, "dashboard/new_schedule.html", context, status=status)


@require_POST
@jobs.operators_only
def submit_now(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    row = _row_or_404(entry_id)
    try:
        task_id = timetable.submit_entry(row)
    except jobs.JobError as error:
        messages.error(request, str(error))
        return _to_list()
    jobs.remember_reader(request, task_id)
    return HttpResponseRedirect(reverse("jobs:page", args=[task_id]), status=303)


@require_POST
@jobs.operators_only
def pause(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    row = _row_or_404(entry_id)
    timetable.set_active(row, active=False)
    messages.success(request, f"“{row.name}” is paused.")
    return _to_list()


@require_POST
@jobs.operators_only
def resume(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    row = _row_or_404(entry_id)
    timetable.set_active(row, active=True)
    messages.success(request, f"“{row.name}” is active again.")
    return _to_list()


@require_POST
@jobs.operators_only
def delete(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    row = _row_or_404(entry_id)
    row.delete()
    messages.success(request, f"“{row.name}” is deleted.")
    return _to_list()


def _task_of(request: HttpRequest) -> jobs.SchedulableTask:
    tasks = {task.task: task for task in jobs.schedulable_tasks()}
    wanted = request.POST.get("task") or request.GET.get("task", "")
    if wanted not in tasks:
        raise Http404
    return tasks[wanted]


def _row_or_404(entry_id: int) -> PeriodicTask:
    return get_object_or_404(PeriodicTask, pk=entry_id)


def _to_list() -> HttpResponseBase:
    response = redirect("dashboard:schedules")
    response.status_code = 303
    return response
