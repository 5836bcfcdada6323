"""Many runs: a study file names them, each is an executed notebook, Dask spreads them, nothing is trained twice."""
