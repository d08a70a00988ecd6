"""The objects of ONNX Runtime's Python API: errors, options, values, profiles.

`fastconv.session` uses them; `fastconv.onnxruntime` lists them under ONNX Runtime's names. Nothing here needs the
`onnx` package.
"""
