"""Many runs: the numbers that the paper states, finished runs as a table, both side by side, a card for each run."""
