"""The steps about what runs beside the web: workers, schedulers, what runs at times."""
