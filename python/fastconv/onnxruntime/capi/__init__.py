"""ONNX Runtime's inner package, as far as programs import from it: the exceptions."""
