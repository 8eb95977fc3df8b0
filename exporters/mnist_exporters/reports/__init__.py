"""Reports on exports: latency, comparison, inspection, tables and HTML."""
