"""Names that other programs expose and rules or dashboards use. The Collector's are as otel/collector.yml has them written."""

# Every name there is: for how many series each has, never for a value.
ANY = ""

# Prometheus knows these of everything that it scrapes.
UP = "up"
SCRAPE_SECONDS = "scrape_duration_seconds"
SCRAPE_SAMPLES = "scrape_samples_post_metric_relabeling"
ALERTS = "ALERTS"
ALERTS_SINCE = "ALERTS_FOR_STATE"

# Of every program that has the usual client library.
MEMORY = "process_resident_memory_bytes"
CPU = "process_cpu_seconds_total"

COLLECTOR_QUEUE = "otelcol_exporter_queue_size"
COLLECTOR_CAPACITY = "otelcol_exporter_queue_capacity"
COLLECTOR_ACCEPTED = "otelcol_receiver_accepted_spans"
COLLECTOR_REFUSED = "otelcol_receiver_refused_spans"
COLLECTOR_SENT = "otelcol_exporter_sent_spans"
COLLECTOR_FAILED = "otelcol_exporter_send_failed_spans"
COLLECTOR_DROPPED = "otelcol_exporter_enqueue_failed_spans"
COLLECTOR_MEMORY = "otelcol_process_memory_rss"
# The usual client library is not in it.
COLLECTOR_CPU = "otelcol_process_cpu_seconds"

# OpenTelemetry's own metrics of the queue between the service and the Collector, on the service's page.
SDK_QUEUE = "otel_sdk_processor_span_queue_size"
SDK_CAPACITY = "otel_sdk_processor_span_queue_capacity"
SDK_PROCESSED = "otel_sdk_processor_span_processed_total"

# What Tempo took and then threw away, for example beyond a limit of its configuration.
TEMPO_DISCARDED = "tempo_discarded_spans_total"

PROMETHEUS_SERIES = "prometheus_tsdb_head_series"
PROMETHEUS_RULE_FAILURES = "prometheus_rule_evaluation_failures_total"
PROMETHEUS_EXEMPLARS = "prometheus_tsdb_exemplar_exemplars_in_storage"
ALERTMANAGER_SENT = "alertmanager_notifications_total"
ALERTMANAGER_FAILED = "alertmanager_notifications_failed_total"

GPU_USE = "DCGM_FI_DEV_GPU_UTIL"
GPU_MEMORY_USED = "DCGM_FI_DEV_FB_USED"
GPU_MEMORY_FREE = "DCGM_FI_DEV_FB_FREE"
GPU_TEMPERATURE = "DCGM_FI_DEV_GPU_TEMP"
GPU_POWER = "DCGM_FI_DEV_POWER_USAGE"
GPU_XID = "DCGM_FI_DEV_XID_ERRORS"
GPU_ECC = "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"

PROMETHEUS_MISSED = "prometheus_rule_group_iterations_missed_total"
PROMETHEUS_DROPPED = "prometheus_notifications_dropped_total"

# What `emini-rag drill` writes while it breaks something on purpose (service/cli/drill/mark.py).
DRILL = "emini_rag_drill"
# What `emini-rag checkpoint restore` writes when it is done (ops/checkpoint/mark.py).
RESTORE = "emini_rag_restore"
# What `emini-rag deploy` and `rollback` write (ops/rollout/mark.py).
DEPLOY = "emini_rag_deploy"
