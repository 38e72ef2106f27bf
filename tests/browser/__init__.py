"""The main job as a person does it: a real Chromium, the real page, the real server and its real store."""
