"""Container images: build, registry, base images."""
