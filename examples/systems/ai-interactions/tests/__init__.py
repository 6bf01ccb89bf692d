"""Tests of the pure parts, and of each promise on a server of its own."""
