"""The benchmarks: each one runnable, each with a recipe of its own."""
