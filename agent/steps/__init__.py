"""The steps of a deploy, a file each; their order; and the plan of a fallback, which follows from them."""
