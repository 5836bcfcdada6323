"""Other robust objectives, one method a file, for comparison with the paper's."""
