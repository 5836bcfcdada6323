"""What the notebooks need around the subject: environment check, start, tutorial run."""
