"""The operations themselves, a module a category. Each entry is complete in one place; see `shaderdsl.registry`."""
