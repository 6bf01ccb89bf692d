"""The proof that the system is right after crashes: `python -m scenario`.

Real processes on a real server, a workload that is drawn from a seed, kills, and a comparison with what the read
models and effects must be, computed by other means than the system's own.
"""
