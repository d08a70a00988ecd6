"""onnx's tests look for models in ONNX_HOME when they are imported: an empty folder, not the user's own."""

import os
import tempfile

os.environ["ONNX_HOME"] = tempfile.mkdtemp(prefix="onnx_home_")
