"""Image-caption pairs: tables, benchmarks, drawn scenes, noise, images."""
