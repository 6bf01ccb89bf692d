"""The platform's processes. Each is started by `python -m voice_platform.services.<name>`."""
