"""Parts of both boards: panels of one size, for the reader's data source and environment."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh, VariableSort

SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
HEIGHT, WIDE, NARROW, LOW = 8, 12, 4, 4
"""In units of Grafana's grid, which is 24 wide."""
HERE = 'environment="$environment"'
EDGE = f'{HERE}, service="web"'
"""The service that users reach first."""


def lines(title: str, unit: str, queries: dict[str, str], *, about: str = "") -> timeseries.Panel:
    """Each query by the legend of its lines."""
    panel = timeseries.Panel().title(title).description(about).unit(unit).min(0).datasource(SOURCE)
    panel = (
        panel.height(HEIGHT)
        .span(WIDE)
        .legend(VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM))
    )
    panel = panel.tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    for letter, (legend, query) in zip("ABCDEFGH", queries.items(), strict=False):
        panel = panel.with_target(_target(query, legend).ref_id(letter))
    return panel


def figure(title: str, unit: str, query: str, *, legend: str = "", about: str = "", named: bool = False) -> stat.Panel:
    """The newest value; *named*: its labels instead."""
    newest = ReduceDataOptions().calcs(["lastNotNull"])
    mode = common.BigValueTextMode.NAME if named else common.BigValueTextMode.VALUE
    panel = stat.Panel().title(title).description(about).unit(unit).datasource(SOURCE).reduce_options(newest)
    panel = panel.height(LOW).span(2 * NARROW if named else NARROW).text_mode(mode).no_value("–")
    return panel.graph_mode(common.BigValueGraphMode.NONE).with_target(_target(query, legend).instant().ref_id("A"))


def board(uid: str, title: str, about: str, *, hours: int) -> dashboard.Dashboard:
    """An empty one: its reader chooses the data source and, from what the exporter tells, the environment."""
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    environment = (
        dashboard.QueryVariable("environment")
        .label("environment")
        .datasource(SOURCE)
        .query("label_values(azora_environment_up, environment)")
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
    made = dashboard.Dashboard(title).uid(uid).description(about).tags(["azora"]).timezone("browser").readonly()
    made = made.time(f"now-{hours}h", "now").refresh("30s").tooltip(DashboardCursorSync.CROSSHAIR)
    return made.with_variable(source).with_variable(environment).annotation(_switches())


def _switches() -> dashboard.AnnotationQuery:
    """A mark at each move of the users."""
    query = f"changes(azora_switches_total{{{HERE}}}[1m]) > 0"
    return dashboard.AnnotationQuery().name("switches").datasource(SOURCE).enable(True).icon_color("purple").expr(query)


def _target(query: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query).legend_format(legend).datasource(SOURCE)
