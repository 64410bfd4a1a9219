"""Board of the platform and the pipeline over days: health, runs, certificates, disks."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployments.monitoring.boards.words import HERE, board, figure, lines


def build() -> Dashboard:
    made = board(
        "azora-platform",
        "Azora: the platform",
        "Health of the environment, runs of the pipeline, certificates and disks.",
        hours=24,
    )
    return _limits(_pipeline(_services(_state(made))))


def _state(made: Dashboard) -> Dashboard:
    failed_looks = f"sum(increase(azora_environment_errors_total{{{HERE}}}[1h]))"
    panels = (
        figure("cluster is reachable", "bool_yes_no", f"azora_environment_up{{{HERE}}}"),
        figure(
            "failed reads, last hour",
            "short",
            failed_looks,
            about="Reads of the namespace by the exporter that failed.",
        ),
        figure("ready colors", "short", f"sum(azora_stack_ready{{{HERE}}})"),
        figure("proved colors", "short", f"sum(azora_stack_proved{{{HERE}}})"),
        figure("drift", "short", f"sum(azora_color_drift{{{HERE}}})"),
        figure("migrations in doubt", "short", f"azora_migrations_in_doubt{{{HERE}}}"),
        figure("open approval requests", "short", f"azora_approvals_waiting{{{HERE}}}"),
        figure("switches", "short", f"azora_switches_total{{{HERE}}}"),
    )
    made = made.with_row(Row("The environment"))
    for panel in panels:
        made = made.with_panel(panel)
    return made


def _services(made: Dashboard) -> Dashboard:
    rate = "[$__rate_interval]"
    legend = "{{service}} {{color}}"
    return (
        made.with_row(Row("Services"))
        .with_panel(
            lines("requests", "reqps", {legend: f"sum by (service, color) (rate(http_requests_total{{{HERE}}}{rate}))"})
        )
        .with_panel(
            lines(
                "requests in flight",
                "short",
                {legend: f"sum by (service, color) (http_requests_in_flight{{{HERE}}})"},
            )
        )
        .with_panel(
            lines(
                "CPU",
                "short",
                {legend: f"sum by (service, color) (rate(process_cpu_seconds_total{{{HERE}}}{rate}))"},
                about="CPU seconds per second, all pods of a service together.",
            )
        )
        .with_panel(
            lines(
                "memory of the largest pod",
                "bytes",
                {legend: f"max by (service, color) (process_resident_memory_bytes{{{HERE}}})"},
            )
        )
        .with_panel(
            lines(
                "open files of the busiest pod, share of the limit",
                "percentunit",
                {legend: f"max by (service, color) (process_open_fds{{{HERE}}} / process_max_fds{{{HERE}}})"},
            )
        )
        .with_panel(
            lines(
                "idle connections",
                "short",
                {f"{legend} {{{{pool}}}}": f"sum by (service, color, pool) (service_pool_idle{{{HERE}}})"},
            )
        )
    )


def _pipeline(made: Dashboard) -> Dashboard:
    within = f'sum by (stage) (azora_stage_duration_seconds_bucket{{{HERE}, le="60.0"}})'
    took = "sum by (stage) (azora_stage_duration_seconds_{}{{{}}})"
    return (
        made.with_row(Row("The pipeline"))
        .with_panel(
            lines(
                "finished runs",
                "short",
                {"{{flow}}: {{result}}": f"sum by (flow, result) (azora_runs_total{{{HERE}}})"},
            )
        )
        .with_panel(lines("last run succeeded", "bool_yes_no", {"{{flow}}": f"azora_last_run_ok{{{HERE}}}"}))
        .with_panel(
            lines(
                "duration of a stage, average",
                "s",
                {"{{stage}}": f"{took.format('sum', HERE)} / {took.format('count', HERE)}"},
            )
        )
        .with_panel(
            lines(
                "stages within a minute",
                "percentunit",
                {"{{stage}}": f"{within} / {took.format('count', HERE)}"},
            )
        )
        .with_panel(
            figure("last rollback", "dateTimeFromNow", f"azora_last_rollback_timestamp_seconds{{{HERE}}} * 1000")
        )
        .with_panel(figure("duration of the last rollback", "s", f"azora_last_rollback_duration_seconds{{{HERE}}}"))
        .with_panel(figure("last proof", "dateTimeFromNow", f"azora_last_proof_timestamp_seconds{{{HERE}}} * 1000"))
        .with_panel(
            figure(
                "last nightly run",
                "dateTimeFromNow",
                'max(azora_last_run_timestamp_seconds{flow="nightly"}) * 1000',
            )
        )
    )


def _limits(made: Dashboard) -> Dashboard:
    return (
        made.with_row(Row("Certificates and disks"))
        .with_panel(
            lines(
                "certificates expire in",
                "s",
                {"{{certificate}}": "azora_certificate_expiry_timestamp_seconds - time()"},
            )
        )
        .with_panel(
            lines("free disk space", "percentunit", {"{{folder}}": "azora_disk_free_bytes / azora_disk_size_bytes"})
        )
    )
