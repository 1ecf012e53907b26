"""The serial link, without any port: bytes in, bytes and news out."""
