"""`GET /login-check`, which nginx calls before it reads a large body."""

from flask import Blueprint, Response

from income_tax.http.auth.basic_auth import LoginRequired

LOGIN_CHECK = "/login-check"


def build_blueprint(login_required: LoginRequired) -> Blueprint:
    """Build the blueprint of the login check. It returns status 204 if the login is valid."""
    routes = Blueprint("login_check", __name__)

    @routes.after_request
    def copy_error(response: Response) -> Response:
        # nginx discards the body of this response, and copies the error from the header to its own response.
        if response.status_code >= 400:
            response.headers["X-Login-Error"] = response.get_json()["response"]["errors"][0]
        return response

    @routes.get(LOGIN_CHECK, provide_automatic_options=False)
    @login_required
    def login_check() -> Response:
        return Response(status=204)

    return routes
