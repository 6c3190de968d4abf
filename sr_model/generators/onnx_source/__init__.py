"""Generators that are existing ONNX files: read, put into one form, and wrapped to speak our units."""
