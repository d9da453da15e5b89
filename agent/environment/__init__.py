"""What every process of the app finds in its environment: what the settings say, and the site's secrets."""
