"""Alerts -> incidents: what belongs together is told to a person once.

``incidents`` is the pure part (which alerts share a cause, when an incident opens, grows, closes); ``worker`` keeps
its two tables with Faust: a low-rate stateful stream whose outputs have deterministic ids, so that at-least-once is enough.
"""
