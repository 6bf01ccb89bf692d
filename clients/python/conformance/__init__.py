"""The scenarios that all clients of Quipu share, run against real servers."""
