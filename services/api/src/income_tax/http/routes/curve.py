"""`GET /curve`, which calculates the tax of a household as a function of its salary."""

from flask import Blueprint, Response, request

from income_tax.households.curve_points import SCHEMA, build_curve, describe_request, list_salaries
from income_tax.households.parameters_and_decoders import YEAR
from income_tax.households.validation import ParameterError
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.http.requests.query_string import parse_query
from income_tax.http.responses import build_bad_request, build_response, set_schedules_version
from income_tax.metrics.worker_counters import WorkerCounters
from income_tax.storage.schedule_snapshot import CurrentSchedules


def build_blueprint(schedules: CurrentSchedules, login_required: LoginRequired, counters: WorkerCounters) -> Blueprint:
    """Build the blueprint of the tax curve."""
    routes = Blueprint("curve", __name__)

    @routes.get("/curve", provide_automatic_options=False)
    @login_required
    def curve() -> Response:
        current = schedules.get()
        try:
            pairs = parse_query(request.environ.get("QUERY_STRING", ""))
            values = SCHEMA.parse(pairs, current.years)
            salaries = list_salaries(values, SCHEMA.find_spellings(pairs))
        except ParameterError as error:
            return build_bad_request(error)
        counters.count_calculations("curve", values.get(YEAR))
        content = describe_request(values) | build_curve(values, salaries, current)
        return set_schedules_version(build_response({"curve": content}), current)

    return routes
