"""The migrations of nctool's database, one module each: the files that another team replaces by its own."""
