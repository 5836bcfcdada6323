"""What explorers show, one idea a file: pure functions from arrays to numbers, and from numbers to a plotly figure."""
