"""What an app, its user, its repositories or whoever answers for it may try, and gets nothing by."""
