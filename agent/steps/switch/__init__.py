"""The steps that may touch the live site, a file each, with what takes them back."""
