"""The release and what it consists of: migrations, charts, its delivery."""
