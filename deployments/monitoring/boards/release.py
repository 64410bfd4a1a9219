"""Board of a release: requests of users around each switch, by color."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployments.monitoring.boards.words import EDGE, HERE, board, figure, lines

BY_COLOR = "{{color}} {{release}}"


def build() -> Dashboard:
    made = board("azora-release", "Azora: a release", "Requests of users around each switch, by color.", hours=1)
    return _behind(_users(_switch(made)))


def _switch(made: Dashboard) -> Dashboard:
    who = "{{color}}: {{release}} ({{commit}})"
    panels = (
        figure("active color", "none", f"azora_live_info{{{HERE}}}", legend=who, named=True),
        figure("releases of both colors", "none", f"azora_stack_info{{{HERE}}}", legend=who, named=True),
        figure(
            "newest migration in each release",
            "none",
            f"azora_migration_head_info{{{HERE}}}",
            legend="{{color}}: {{head}}",
            named=True,
        ),
        figure("last switch", "dateTimeFromNow", f"azora_last_switch_timestamp_seconds{{{HERE}}} * 1000"),
        figure("last watched switch was good", "bool_yes_no", f"azora_watched_switch_good{{{HERE}}}"),
        figure("requests around that switch", "short", f"azora_watched_switch_requests{{{HERE}}}"),
        figure("failed requests", "short", f"azora_watched_switch_failed_requests{{{HERE}}}"),
        figure("p99", "s", f"azora_watched_switch_p99_seconds{{{HERE}}}"),
        figure(
            "approval request open for", "s", f"azora_approval_waiting_seconds{{{HERE}}}", about="0: no request is open"
        ),
        figure("frozen", "bool_yes_no", f"azora_frozen{{{HERE}}}"),
        figure("overrides in force", "short", f"azora_overrides_in_force{{{HERE}}}"),
    )
    made = made.with_row(Row("The switch"))
    for panel in panels:
        made = made.with_panel(panel)
    return made


def _users(made: Dashboard) -> Dashboard:
    requests = f"sum by (color, release) (rate(http_requests_total{{{EDGE}}}[$__rate_interval]))"
    errors = f'sum by (color, release) (rate(http_requests_total{{{EDGE}, status=~"5.."}}[$__rate_interval]))'
    buckets = f"sum by (le, color, release) (rate(http_request_duration_seconds_bucket{{{EDGE}}}[$__rate_interval]))"
    return (
        made.with_row(Row("Requests of users, by color"))
        .with_panel(lines("requests", "reqps", {BY_COLOR: requests}, about="Probes and health checks included."))
        .with_panel(lines("failed requests", "percentunit", {BY_COLOR: f"({errors} or 0 * {requests}) / {requests}"}))
        .with_panel(
            lines(
                "response time",
                "s",
                {
                    f"p50, {BY_COLOR}": f"histogram_quantile(0.5, {buckets})",
                    f"p95, {BY_COLOR}": f"histogram_quantile(0.95, {buckets})",
                    f"p99, {BY_COLOR}": f"histogram_quantile(0.99, {buckets})",
                },
            )
        )
        .with_panel(
            lines(
                "pods",
                "short",
                {
                    "{{color}} ready": f"sum by (color) (azora_pods_ready{{{HERE}}})",
                    "{{color}} desired": f"sum by (color) (azora_pods_wanted{{{HERE}}})",
                },
            )
        )
    )


def _behind(made: Dashboard) -> Dashboard:
    by = "service, color"
    buckets = f"sum by (le, {by}) (rate(http_request_duration_seconds_bucket{{{HERE}}}[$__rate_interval]))"
    errors = f'sum by ({by}) (rate(http_requests_total{{{HERE}, status=~"5.."}}[$__rate_interval]))'
    every = f"sum by ({by}) (rate(http_requests_total{{{HERE}}}[$__rate_interval]))"
    full = f"max by ({by}, pool) (service_pool_in_use{{{HERE}}} / service_pool_limit{{{HERE}}})"
    waiting = f"sum by ({by}, pool) (service_pool_waiting{{{HERE}}})"
    legend = "{{service}} {{color}}"
    return (
        made.with_row(Row("Behind the edge"))
        .with_panel(lines("responses with status 5xx", "reqps", {legend: f"{errors} or 0 * {every}"}))
        .with_panel(lines("p95 of response times", "s", {legend: f"histogram_quantile(0.95, {buckets})"}))
        .with_panel(lines("fullest connection pool", "percentunit", {f"{legend} {{{{pool}}}}": full}))
        .with_panel(lines("requests that wait for a connection", "short", {f"{legend} {{{{pool}}}}": waiting}))
    )
