"""What makes runs fast or large and the core does without: stored images, slices of a batch, several processes."""
