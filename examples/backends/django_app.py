"""Uploads beside a Django site: Django knows the users, and gives them tokens for the upload server, which runs by itself.

    UPLOADS_JWT_SECRET=… UPLOADS_GUESTS=off UPLOADS_ALLOWED_ORIGINS=https://django.example \\
        UPLOADS_AUTHORIZE=django_app:authorize python serve.py

In a project of yours `token` is a view of your `urls.py`; here everything stands in one file.
"""

import os
import time

import django
import jwt
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from uploads.server.permission import Decision, File, User

if not settings.configured:
    settings.configure(
        SECRET_KEY=os.environ.get("DJANGO_SECRET", "for this example alone"),
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
    )
    django.setup()


def token(request: HttpRequest) -> JsonResponse:
    """A token of ten minutes for `request.user`; the header stands for Django's own sign-in."""
    user = request.headers.get("x-signed-in")
    if not user:
        return JsonResponse({"error": "sign in first"}, status=401)
    claims = {"sub": user, "exp": time.time() + 600, "groups": ["editors"] if user == "alice" else []}
    return JsonResponse({"token": jwt.encode(claims, os.environ["UPLOADS_JWT_SECRET"], algorithm="HS256")})


def authorize(user: User, file: File) -> Decision:
    """Runs in the upload server, and knows what Django has said in the token."""
    if "editors" not in user.claims.get("groups", []):
        return Decision(allowed=False, reason="Only editors may upload.")
    return Decision(allowed=True, project_id=file.project_id or "articles")


urlpatterns = [path("token", token)]
application = get_wsgi_application()
