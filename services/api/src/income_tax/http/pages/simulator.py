"""`GET /simulator`: the page on which people see what a household pays, and why."""

from flask import Blueprint, Response

from income_tax.households.parameters import QUESTION
from income_tax.http.auth.basic_auth import LoginRequired
from income_tax.storage.schedule_snapshot import CurrentSchedules
from income_tax.tax.models import MAX_CHILDREN, MAX_SALARY

from .rendering import TEXTS, in_words, page, preferred_language

NAMES = {name: parameter.english for parameter in QUESTION for name in (parameter.english, *parameter.french)}


def blueprint(schedules: CurrentSchedules, login_required: LoginRequired, batch_max: int) -> Blueprint:
    """The route of the simulator: it offers the income years that there are, and asks for `batch_max` at once."""
    routes = Blueprint("simulator", __name__, template_folder="templates")
    routes.after_request(in_words)

    @routes.get("/simulator", provide_automatic_options=False)
    @login_required
    def simulator() -> Response:
        language = preferred_language()
        response = page(
            "simulator.html",
            language=language,
            text=TEXTS[language],
            years=sorted(schedules.get().years),
            names=NAMES,
            largest=MAX_SALARY,
            most_children=MAX_CHILDREN,
            batch_max=batch_max,
        )
        response.vary.add("Accept-Language")
        return response

    return routes
