"""Reactors: what follows from events, in processes of their own.

Handlers get an event at least once. Each effect bears a repetition, since its ids are derived from the event's.
"""
