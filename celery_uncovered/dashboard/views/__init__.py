"""The pages over all jobs, one module each."""
