"""What one task or one command does, whole."""
