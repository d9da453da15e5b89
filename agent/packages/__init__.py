"""The packages that a version needs: which file says so, what it says, how they are installed, what would change."""
