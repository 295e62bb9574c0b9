"""What every query function stands on: ranges, filters, measures and the one place that scopes a query."""
