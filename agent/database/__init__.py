"""The app's database: its backup, whose that is, and the ways in which it goes back."""
