"""Many runs: a study file names them, each is an executed notebook, Dask spreads them, nothing is trained twice.

study_file -> trials, executors, engine, execute_trial -> results -> report_tables, figures, report.
"""
