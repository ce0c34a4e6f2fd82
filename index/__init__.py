"""The library: papers in, passages with their exact places out."""
