"""What the platform records and decides. Nothing in here waits for anybody or knows of a server."""
