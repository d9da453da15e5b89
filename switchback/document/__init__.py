"""What a run is and how it has ended, as one document for programs: what --json prints."""
