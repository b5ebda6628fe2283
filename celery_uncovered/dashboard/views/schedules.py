"""The pages of schedules, for operators: create, change, pause, resume, submit now, delete."""

from zoneinfo import available_timezones

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_celery_beat.models import PeriodicTask

from celery_uncovered.dashboard import timetable
from celery_uncovered.dashboard.bounds import address_with
from celery_uncovered.dashboard.schedule_form import ScheduleForm
from celery_uncovered.jobs import api as jobs


@require_safe
@jobs.operators_only
def schedule_list(request: HttpRequest) -> HttpResponseBase:
    after = request.GET.get("after", "")
    page = timetable.entry_page(after=after)
    context = {
        "entries": page.entries,
        "is_later_page": bool(after),
        "next_page": page.after and address_with({}, after=page.after),
        "tasks": jobs.schedulable_tasks(),
        "may_change": jobs.viewer_of(request).operates,
        "beating": jobs.beating(),
    }
    return render(request, "dashboard/schedules.html", context)


@require_safe
@jobs.operators_only
def schedule(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    """One schedule: what comes next, and each of the last occurrences with what is said of it."""
    context = {
        "entry": timetable.entry_of(_row_or_404(entry_id)),
        "may_change": jobs.viewer_of(request).operates,
        "beating": jobs.beating(),
    }
    return render(request, "dashboard/schedule.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.operators_only
def new_schedule(request: HttpRequest) -> HttpResponseBase:
    """The form for the task in ``?task=``, or the choice of one; POST creates, or says what is wrong."""
    if request.method != "POST" and "task" not in request.GET:
        context = {"tasks": jobs.schedulable_tasks()}
        return render(request, "dashboard/choose_task.html", context)
    task = _task_of(request)
    form = ScheduleForm(task, request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = timetable.create_entry(task, form.settings())
        messages.success(request, f"“{row.name}” is scheduled.")
        return _to_list()
    return _form_page(request, form, {"title": task.label, "act": "Create schedule"})


@require_http_methods(["GET", "HEAD", "POST"])
@jobs.operators_only
def edit_schedule(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    """The same form for a schedule that exists, also one that the form could not make."""
    row = _row_or_404(entry_id)
    task = next((one for one in jobs.schedulable_tasks() if one.task == row.task), None)
    form = ScheduleForm(task, request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        timetable.change_entry(row, form.settings())
        messages.success(request, f"“{row.name}” is changed.")
        return _to_list()
    return _form_page(request, form, {"title": row.name, "act": "Change schedule"})


def _form_page(request: HttpRequest, form: ScheduleForm, words: dict[str, str]) -> HttpResponseBase:
    context = {"form": form, "zones": sorted(available_timezones()), **words}
    status = 400 if request.method == "POST" else 200
    return render(request, "dashboard/schedule_form.html", context, status=status)


@require_POST
@jobs.operators_only
def submit_now(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    row = _row_or_404(entry_id)
    try:
        task_id = jobs.submit_schedule(row)
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
    row = timetable.find_row(entry_id)
    if row is None:
        raise Http404
    return row


def _to_list() -> HttpResponseBase:
    response = redirect("dashboard:schedules")
    response.status_code = 303
    return response
