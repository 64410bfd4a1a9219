"""Operations: each module does one task or one command, whole."""
