"""Funnels: how many people do one step after the other. What query_funnel answers and alert rules judge."""
