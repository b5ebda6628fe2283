# One image for web, workers, dispatcher and beat; docker-compose.yml says what each runs.
FROM python:3.12-slim AS packages
COPY requirements/production.txt /requirements.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement /requirements.txt

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    DATA_DIR=/data
RUN useradd --system --uid 10001 --user-group --no-create-home app \
    && install --directory --owner app --group app --mode 0700 /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY config config
COPY celery_uncovered celery_uncovered
# The settings want a secret; this one exists for this line only.
RUN SECRET_KEY="$(head -c 48 /dev/urandom | base64)" python manage.py collectstatic --no-input
USER app
EXPOSE 8000
CMD ["gunicorn", "--config", "config/gunicorn.py", "--bind", "0.0.0.0:8000", "config.wsgi:application"]
