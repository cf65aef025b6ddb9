"""Where the figures of the README and docs/performance.md come from. Each script prints a table."""
