"""What others give and take: noise index forms, archives, downloaded sets, weights, features, TensorBoard."""
