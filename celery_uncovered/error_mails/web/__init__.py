"""The pages of the errors, for operators."""
