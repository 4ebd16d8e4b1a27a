"""Makes the encoder that ships with Carrel; nothing that is installed imports it."""
