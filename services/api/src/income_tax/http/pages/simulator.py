"""`GET /simulator`, a page that calculates the tax of a household and explains the calculation."""

from flask import Blueprint, Response

from income_tax.households.parameters_and_decoders import CALCULATION
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY

from .rendering import TRANSLATIONS, choose_language, render_page, render_rejected_login

ENGLISH_NAMES = {name: parameter.english for parameter in CALCULATION for name in parameter.names}


def build_blueprint(schedules: CurrentSchedules, login_required: LoginRequired, batch_max: int) -> Blueprint:
    """Build the blueprint of the simulator. The page sends up to `batch_max` households per request."""
    routes = Blueprint("simulator", __name__, template_folder="templates")
    routes.after_request(render_rejected_login)

    @routes.get("/simulator", provide_automatic_options=False)
    @login_required
    def simulator() -> Response:
        language = choose_language()
        response = render_page(
            "simulator.html",
            language=language,
            text=TRANSLATIONS[language],
            years=sorted(schedules.get().years),
            names=ENGLISH_NAMES,
            largest=MAX_SALARY,
            most_children=MAX_CHILDREN,
            batch_max=batch_max,
        )
        response.vary.add("Accept-Language")
        return response

    return routes
