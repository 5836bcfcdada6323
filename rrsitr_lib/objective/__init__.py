"""The objective of the paper, one idea a file, every quantity per pair until one named reduction."""
