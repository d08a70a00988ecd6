"""fastconv.tensorflow against TensorFlow: results stored in the repository, and a live sweep where it is installed."""
