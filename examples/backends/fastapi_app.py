"""Uploads in a FastAPI application of one's own: its users are the uploaders, and it decides what each may upload.

Run it with a store and two secrets in the environment:

    AWS_ENDPOINT_URL_S3=… UPLOADS_SECRET=… UPLOADS_JWT_SECRET=… UPLOADS_GUESTS=off uvicorn fastapi_app:app

The page asks /token who is signed in, and hands the token to `use_upload_worker(config, token)` or to the widget.
"""

import os
import time

import jwt
from fastapi import FastAPI, HTTPException, Request
from uploads.server.mounting import create_app
from uploads.server.permission import Decision, File, User

app = FastAPI()
PLANS = {"alice": 5_000_000_000, "bob": 1_000_000}  # bytes a file may have: your database


def authorize(user: User, file: File) -> Decision:
    """Called before anything is created; it may be `async`."""
    limit = PLANS.get(user.id)
    if limit is None:
        return Decision(allowed=False, reason="Your plan has no uploads.")
    if (file.size or 0) > limit:
        return Decision(allowed=False, reason=f"Your plan takes files of up to {limit:,} bytes.")
    return Decision(allowed=True, max_size=limit, metadata={"plan": "basic" if limit < 10**9 else "pro"})


@app.get("/token")
def token(request: Request) -> dict[str, str]:
    """A token of ten minutes for whoever is signed in. The header stands for your own session."""
    user = request.headers.get("x-signed-in")
    if user is None:
        raise HTTPException(401)
    claims = {"sub": user, "exp": time.time() + 600}
    return {"token": jwt.encode(claims, os.environ["UPLOADS_JWT_SECRET"], algorithm="HS256")}


app.mount("/uploads", create_app(authorize=authorize))
