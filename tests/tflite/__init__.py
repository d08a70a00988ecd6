"""TensorFlow Lite models against LiteRT: stored models with its results, and live where it is installed."""
