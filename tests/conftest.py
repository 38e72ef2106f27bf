"""What all tests share."""

pytest_plugins = ["tests.harness.browser"]
