"""A thumbnail of every picture that arrives, beside it in the bucket. Needs Pillow.

    UPLOADS_HOOKS=image/*=thumbnail:make_thumbnail PYTHONPATH=examples/hooks python serve.py

Whoever watches (`/events`) and the webhook are told its key, and the picture's size.
"""

import io

from PIL import Image, ImageOps
from uploads.server.hooks import Arrived

LARGEST = (320, 320)  # pixels
Image.MAX_IMAGE_PIXELS = 100_000_000  # a small file may unfold into gigabytes: Pillow refuses twice as many


def make_thumbnail(upload: Arrived) -> dict[str, object]:
    """Called in a thread once the upload is complete, and again when it raises."""
    with upload.open() as path, Image.open(path) as picture:
        width, height = picture.size
        small = ImageOps.exif_transpose(picture).convert("RGB")
        small.thumbnail(LARGEST)
        body = io.BytesIO()
        small.save(body, "JPEG", quality=80)
    key = upload.put("thumbnail.jpg", body.getvalue(), "image/jpeg")
    return {"thumbnail": key, "width": width, "height": height}
