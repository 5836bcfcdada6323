"""Many runs: a study file names them, every run is an executed notebook, Dask spreads them, nothing is trained twice."""
