# The worker and the dashboard of HashLens; docker-compose.yml says which of them a container runs.
FROM python:3.11-slim

ENV PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HASHLENS_HOME=/data

# Wheels of torch for the CPU: 0.2 GB instead of several. Empty for the ones with CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN useradd --create-home --uid 1000 hashlens \
    && mkdir /data \
    && chown hashlens: /data
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt
COPY models models
COPY pipeline pipeline
COPY dashboard dashboard

USER hashlens
VOLUME /data
EXPOSE 8501
CMD ["python", "-m", "pipeline", "worker"]
